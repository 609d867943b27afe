/** Producers and consumers that know nothing of Riffle: Confluent's own serializers, each with a client of its own. */
import sr, { type Client, type SchemaInfo } from '@confluentinc/schemaregistry';
import { type OpenRegistry, openRegistry, type SchemaRegistry } from '../../src/schemas/registry.ts';

/** A client in which nothing is cached. A busy registry has been seen to lose an answer: it is asked again then. */
export const freshClient = (url: string): Client =>
  sr.SchemaRegistryClient.newClient({
    baseURLs: [url],
    maxRetries: 3,
    retriesWaitMs: 100,
    createAxiosDefaults: { timeout: 5000 },
  });

/** Riffle's side. */
export const openAt = (url: string, options: Partial<OpenRegistry> = {}): Promise<SchemaRegistry> =>
  openRegistry({ url, format: 'avro', subjects: new Map(), autoRegister: true, ...options });

export const registerAs = (client: Client, subject: string, schema: SchemaInfo): Promise<number> =>
  client.register(subject, schema, false);

/** `<topic>-value`, without asking a registry for associations that it does not know of. */
const byTopic = { subjectNameStrategyType: sr.SubjectNameStrategyType.TOPIC };

/** Registers the schema under `<topic>-value`, and writes one value with it. */
export async function produce(
  url: string,
  topic: string,
  schemaType: 'AVRO' | 'JSON',
  schema: object,
  value: object,
): Promise<{ id: number; message: Buffer }> {
  const client = freshClient(url);
  const id = await registerAs(client, `${topic}-value`, { schemaType, schema: JSON.stringify(schema) });
  const conf = { ...byTopic, useSchemaId: id, autoRegisterSchemas: false };
  const serializer =
    schemaType === 'AVRO'
      ? new sr.AvroSerializer(client, sr.SerdeType.VALUE, conf)
      : new sr.JsonSerializer(client, sr.SerdeType.VALUE, conf);
  return { id, message: await serializer.serialize(topic, value) };
}

/** Reads a message with the schema that the registry has for it, and checks it where the format can. */
export function consume(url: string, topic: string, format: 'avro' | 'json', message: Uint8Array): Promise<unknown> {
  const bytes = Buffer.from(message);
  if (format === 'avro')
    return new sr.AvroDeserializer(freshClient(url), sr.SerdeType.VALUE, byTopic).deserialize(topic, bytes);
  return new sr.JsonDeserializer(freshClient(url), sr.SerdeType.VALUE, { ...byTopic, validate: true }).deserialize(
    topic,
    bytes,
  );
}
