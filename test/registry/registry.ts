/** One registry for the tests of a file, and producers that know nothing of Riffle. */
import type { TestContext } from 'node:test';
import sr from '@confluentinc/schemaregistry';
import { type RunningRegistry, startRegistry } from '../../scripts/registry/registry.ts';
import { openRegistry, type OpenRegistry, type SchemaRegistry } from '../../src/schemas/registry.ts';
import { skip } from '../../src/testing/shared.ts';

/** Undefined, and the test skipped, on a machine without Java 21 or Maven; in CI that is a failure. */
export async function startedRegistry(t: TestContext): Promise<RunningRegistry | undefined> {
  try {
    return await startRegistry();
  } catch (error) {
    skip(t, error instanceof Error ? error.message : String(error));
    return undefined;
  }
}

/** A client of its own: nothing of it is cached elsewhere. */
export const freshClient = (url: string) => sr.SchemaRegistryClient.newClient({ baseURLs: [url], maxRetries: 0 });

export const open = (url: string, options: Partial<OpenRegistry> = {}): Promise<SchemaRegistry> =>
  openRegistry({ url, format: 'avro', subjects: new Map(), autoRegister: true, ...options });

/** What a producer sends: registers the schema under `<topic>-value`, and writes with Confluent's serializer. */
export async function produce(
  url: string,
  topic: string,
  schemaType: 'AVRO' | 'JSON',
  schema: object,
  value: object,
): Promise<{ id: number; message: Buffer }> {
  const client = freshClient(url);
  const id = await client.register(`${topic}-value`, { schemaType, schema: JSON.stringify(schema) }, false);
  const conf = { useSchemaId: id, autoRegisterSchemas: false } as const;
  const serializer =
    schemaType === 'AVRO'
      ? new sr.AvroSerializer(client, sr.SerdeType.VALUE, conf)
      : new sr.JsonSerializer(client, sr.SerdeType.VALUE, conf);
  return { id, message: await serializer.serialize(topic, value) };
}

/** What a consumer reads: Confluent's deserializer with a client that asks the registry for the schema. */
export function consume(url: string, topic: string, format: 'avro' | 'json', message: Uint8Array): Promise<unknown> {
  const Deserializer = format === 'avro' ? sr.AvroDeserializer : sr.JsonDeserializer;
  const deserializer = new Deserializer(freshClient(url), sr.SerdeType.VALUE, { validate: true });
  return deserializer.deserialize(topic, Buffer.from(message));
}
