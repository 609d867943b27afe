/** Raw messages by the id of their schema: found once, kept; what was not found is asked for again soon. */
import type { Client, JsonDeserializer, SchemaInfo } from '@confluentinc/schemaregistry';
import { avroToJson } from './avro-json.ts';
import type { AvroTypes } from './avro-types.ts';
import { isAboutSchema, isFromRegistry, unavailable } from './errors.ts';
import { schemaError } from './reasons.ts';
import { PREFIX_BYTES, schemaIdOf } from './wire.ts';

/** A value without its prefix to the bytes of a JSON record. Throws any error where it does not fit. */
type Reader = (value: Buffer) => Uint8Array;

type Known = { readonly read: Reader } | { readonly error: Error; readonly untilMs: number };

export interface ReaderTools {
  readonly url: string;
  readonly client: Client;
  readonly avro: AvroTypes;
  readonly json: JsonDeserializer;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
  /** A schema that is not there may be a moment later. */
  readonly unknownForMs: number;
}

/**
 * @throws RecordError `schema.badMagic`, `schema.unknownId`, `schema.mismatch`.
 * @throws TransientError `registry-unavailable` while a schema is not known yet and the registry cannot be asked.
 */
export function createDecoder(tools: ReaderTools): (message: Uint8Array) => Promise<Uint8Array> {
  const known = new Map<number, Known>();
  const asked = new Map<number, Promise<Known>>();

  async function find(id: number): Promise<Known> {
    const found = known.get(id);
    if (found !== undefined && ('read' in found || found.untilMs > tools.now())) return found;
    const pending = asked.get(id) ?? ask(id).finally(() => asked.delete(id));
    asked.set(id, pending);
    return pending;
  }

  async function ask(id: number): Promise<Known> {
    const answer = await readerFor(id, tools);
    known.set(id, answer);
    return answer;
  }

  return async (message) => {
    const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
    const id = schemaIdOf(bytes);
    const found = known.get(id) ?? (await find(id));
    const reader = 'read' in found ? found : await find(id);
    if ('error' in reader) throw reader.error;
    try {
      return reader.read(bytes.subarray(PREFIX_BYTES));
    } catch (cause) {
      throw mismatch(id, `the value does not fit it (${messageOf(cause)})`, cause);
    }
  };
}

const mismatch = (id: number, actual: string, cause: unknown) =>
  schemaError(
    'schema.mismatch',
    `message with schema ${id}; ${actual}; send it with the schema it was written by`,
    cause,
  );

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).slice(0, 200);

async function readerFor(id: number, tools: ReaderTools): Promise<Known> {
  const refused = (error: Error): Known => ({ error, untilMs: tools.now() + tools.unknownForMs });
  let schema: SchemaInfo | undefined;
  try {
    // The subject only names the context of the id, and there is one context.
    schema = await tools.client.getBySubjectAndId('', id);
    return { read: await newReader(schema, tools) };
  } catch (error) {
    if (isFromRegistry(error) && !isAboutSchema(error)) throw unavailable(tools.url, error);
    if (schema !== undefined) return refused(mismatch(id, `it cannot be read by (${messageOf(error)})`, undefined));
    const message = `message with schema ${id}; the registry does not know it; register it, or send with a schema of ${tools.url}`;
    return refused(schemaError('schema.unknownId', message));
  }
}

async function newReader(schema: SchemaInfo, { avro, json }: ReaderTools): Promise<Reader> {
  switch (schema.schemaType ?? 'AVRO') {
    case 'AVRO': {
      const type = await avro.reading(schema);
      const toJson = avroToJson(type);
      return (value) => Buffer.from(toJson(type.fromBuffer(value)));
    }
    case 'JSON': {
      const validate = await json.toValidateFunction(schema);
      return (value) => {
        if (validate?.(JSON.parse(value.toString())) === false) throw new Error(firstProblem(validate.errors?.[0]));
        return value;
      };
    }
    default:
      throw new Error(`its type is ${schema.schemaType}; Avro and JSON Schema are read`);
  }
}

const firstProblem = (error: { instancePath: string; message?: string } | undefined): string =>
  error === undefined ? 'refused' : `${error.instancePath === '' ? 'the record' : error.instancePath} ${error.message}`;
