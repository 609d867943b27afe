/** Whether a registry takes the schemas of the outputs; nothing is registered. */
import type { Client } from '@confluentinc/schemaregistry';
import type { OutputKind } from './avro-record.ts';
import { openClient, type OpenRegistry } from './registry.ts';
import { compatibilityOf, schemaOf, subjectOf } from './subjects.ts';

/**
 * One line for each subject that is well.
 * @throws ConfigError `registry-client`, `schema-incompatible`, `schema-missing`; TransientError `registry-unavailable`.
 */
export async function checkRegistry(options: OpenRegistry): Promise<string[]> {
  const { client } = await openClient(options);
  const lines: string[] = [];
  for (const [topic, kind] of options.subjects) lines.push(await lineOf(client, options, topic, kind));
  return lines;
}

async function lineOf(client: Client, { url, format, autoRegister }: OpenRegistry, topic: string, kind: OutputKind) {
  const state = await compatibilityOf(client, { url, topic, schema: schemaOf(kind, format), autoRegister });
  const text = state === 'absent' ? 'not there yet; riffle run registers it' : 'compatible';
  return `subject ${subjectOf(topic)}: ${text}`;
}
