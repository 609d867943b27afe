/** The schemas of output topics: registered, or found, before the first record is written. */
import { readFileSync } from 'node:fs';
import type { Client, Compatibility, SchemaInfo } from '@confluentinc/schemaregistry';
import { ConfigError } from '../errors.ts';
import type { OutputKind } from './avro-record.ts';
import { isFromRegistry, statusOf, unavailable } from './errors.ts';

export type SchemaFormat = 'avro' | 'json';

/** Confluent's default naming: the values of a topic. */
export const subjectOf = (topic: string): string => `${topic}-value`;

/** The schema as it is committed in `schemas/`, without what only makes it readable. */
export function schemaOf(kind: OutputKind | 'raw', format: SchemaFormat): SchemaInfo {
  const file = format === 'avro' ? `${kind}.avsc` : `${kind}.schema.json`;
  const text = readFileSync(new URL(`../../schemas/${file}`, import.meta.url), 'utf8');
  return { schemaType: format === 'avro' ? 'AVRO' : 'JSON', schema: JSON.stringify(JSON.parse(text)) };
}

export interface SubjectOptions {
  readonly url: string;
  readonly topic: string;
  readonly schema: SchemaInfo;
  readonly autoRegister: boolean;
  /** The client's own word for it: its module is loaded late. */
  readonly backward: Compatibility;
}

/**
 * The id under which values of this topic are written. A new subject is made BACKWARD: its readers keep reading what is there.
 * @throws ConfigError `schema-incompatible`, `schema-missing`; TransientError `registry-unavailable`.
 */
export async function subjectId(
  client: Client,
  { url, topic, schema, autoRegister, backward }: SubjectOptions,
): Promise<number> {
  const subject = subjectOf(topic);
  return explained(client, { url, subject, schema, autoRegister }, async () => {
    const latest = await latestOf(client, subject);
    if (!autoRegister) return client.getId(subject, schema, false);
    if (latest !== undefined && !(await client.testSubjectCompatibility(subject, schema)))
      throw incompatible(subject, latest, schema, '');
    const id = await client.register(subject, schema, false);
    if (latest === undefined) await client.updateCompatibility(subject, backward);
    return id;
  });
}

/** What `subjectId` would find, without registering anything. @throws as it does. */
export async function compatibilityOf(
  client: Client,
  { url, topic, schema, autoRegister }: Omit<SubjectOptions, 'backward'>,
): Promise<'absent' | 'compatible'> {
  const subject = subjectOf(topic);
  return explained(client, { url, subject, schema, autoRegister }, async () => {
    const latest = await latestOf(client, subject);
    if (!autoRegister) await client.getId(subject, schema, false);
    else if (latest === undefined) return 'absent';
    else if (!(await client.testSubjectCompatibility(subject, schema))) throw incompatible(subject, latest, schema, '');
    return 'compatible';
  });
}

interface Asked extends Pick<SubjectOptions, 'url' | 'schema' | 'autoRegister'> {
  readonly subject: string;
}

/** The registry's refusals in our words. */
async function explained<T>(
  client: Client,
  { url, subject, schema, autoRegister }: Asked,
  ask: () => Promise<T>,
): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!isFromRegistry(error)) throw error;
    const status = statusOf(error);
    // 422: it is no schema of the kind that the subject holds.
    if (status === 409 || status === 422)
      throw incompatible(subject, await latestOf(client, subject), schema, (error as Error).message);
    if (status === 404 && !autoRegister) throw missing(subject, url, await latestOf(client, subject), schema);
    throw unavailable(url, error);
  }
}

async function latestOf(client: Client, subject: string): Promise<SchemaInfo | undefined> {
  try {
    return await client.getLatestSchemaMetadata(subject);
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

function incompatible(subject: string, latest: SchemaInfo | undefined, schema: SchemaInfo, said: string): ConfigError {
  const why = [latest && difference(latest, schema), said.slice(0, 300)].filter((text) => text).join('; ');
  return new ConfigError(
    'schema-incompatible',
    `subject ${subject}; its schema does not go with the one of this version of Riffle (${why}); name another topic, or delete the subject`,
  );
}

function missing(subject: string, url: string, latest: SchemaInfo | undefined, schema: SchemaInfo): ConfigError {
  const actual = latest ? `it has another schema (${difference(latest, schema)})` : 'it is not there';
  return new ConfigError(
    'schema-missing',
    `subject ${subject} at ${url}; ${actual}; register the schema from schemas/, or set registry.autoRegister`,
  );
}

/** Which members differ, in words. */
export function difference(theirs: SchemaInfo, ours: SchemaInfo): string {
  const type = ({ schemaType }: SchemaInfo) => schemaType ?? 'AVRO';
  if (type(theirs) !== type(ours)) return `it is ${type(theirs)}, not ${type(ours)}`;
  const [there, here] = [membersOf(theirs), membersOf(ours)];
  const only = (a: Map<string, string>, b: Map<string, string>) => [...a.keys()].filter((name) => !b.has(name));
  const changed = [...here.keys()].filter((name) => there.has(name) && there.get(name) !== here.get(name));
  const parts = [
    ['only in the registry: ', only(there, here)],
    ['only here: ', only(here, there)],
    ['of another type: ', changed],
  ] as const;
  const words = parts.filter(([, names]) => names.length > 0).map(([what, names]) => what + names.join(', '));
  return words.length === 0 ? 'the same members' : words.join('; ');
}

/** Members of the outermost record, each with its type as text. */
function membersOf({ schema }: SchemaInfo): Map<string, string> {
  const parsed = JSON.parse(schema) as { fields?: { name: string; type: unknown }[]; properties?: object };
  if (parsed.fields) return new Map(parsed.fields.map(({ name, type }) => [name, JSON.stringify(type)]));
  return new Map(Object.entries(parsed.properties ?? {}).map(([name, type]) => [name, JSON.stringify(type)]));
}
