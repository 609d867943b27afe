/** Schemas for external topics, by a registry with the Confluent API. Nothing of its client is loaded before `openRegistry`. */
import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { rootCertificates } from 'node:tls';
import type { Client } from '@confluentinc/schemaregistry';
import { ConfigError } from '../errors.ts';
import { avroEncoder, type EncodeLine, type OutputKind } from './avro-record.ts';
import { avroTypes } from './avro-types.ts';
import type { RegistryOptions } from './options.ts';
import { createDecoder } from './readers.ts';
import { schemaError } from './reasons.ts';
import { schemaOf, type SchemaFormat, subjectId } from './subjects.ts';
import { PREFIX_BYTES, writePrefix } from './wire.ts';

export interface OpenRegistry {
  readonly url: string;
  readonly format: SchemaFormat;
  readonly auth?: { readonly username: string; readonly password: string } | { readonly token: string };
  /** Certificates (PEM) to trust besides the usual ones. */
  readonly ca?: string;
  /** Output topics by full name; none for a stage that only reads. */
  readonly subjects: ReadonlyMap<string, OutputKind>;
  readonly autoRegister: boolean;
  readonly timeoutMs?: number;
  /** How long a schema that was not found is not asked for again. */
  readonly unknownForMs?: number;
  readonly now?: () => number;
}

export interface SchemaRegistry {
  /**
   * A message of a raw topic as the bytes of a JSON record. JSON stays as it was sent, byte for byte.
   * @throws RecordError `schema.badMagic`, `schema.unknownId`, `schema.mismatch`: a dead letter.
   * @throws TransientError `registry-unavailable`: wait, and decode the same message again.
   */
  decodeRaw(message: Uint8Array): Promise<Uint8Array>;
  /**
   * One output line (JSON, with or without its line feed) as a message of that topic. Asks nobody: every schema is known since the start.
   * @throws RecordError `schema.mismatch` where the line is not what the topic's schema says.
   */
  encode(topic: string, jsonLine: Uint8Array): Uint8Array;
}

/**
 * Registers the schemas of the output topics, or finds them.
 * @throws ConfigError `registry-client` (the optional package is not installed), `schema-incompatible`, `schema-missing`.
 * @throws TransientError `registry-unavailable`.
 */
export async function openRegistry(options: OpenRegistry): Promise<SchemaRegistry> {
  const { url, format, subjects, autoRegister } = options;
  const { registry, avro, client } = await openClient(options);
  const types = avroTypes(client, registry, avro);
  // Formats and unknown keywords of a producer's schema are hints, not reasons to refuse all that it sends.
  const lenient = { validate: true, strict: false, validateFormats: false, logger: false } as const;
  const json = new registry.JsonDeserializer(client, registry.SerdeType.VALUE, lenient);
  const decodeRaw = createDecoder({
    url,
    client,
    avro: types,
    json,
    now: options.now ?? (() => performance.now()),
    unknownForMs: options.unknownForMs ?? 10_000,
  });

  const encoders = new Map<string, EncodeLine>();
  for (const [topic, kind] of subjects) {
    const schema = schemaOf(kind, format);
    const backward = registry.Compatibility.BACKWARD;
    const id = await subjectId(client, { url, topic, schema, autoRegister, backward });
    encoders.set(topic, format === 'avro' ? avroEncoder(kind, await types.writing(schema), id) : jsonEncoder(id));
  }
  return {
    decodeRaw,
    encode(topic, jsonLine) {
      const line = Buffer.from(jsonLine.buffer, jsonLine.byteOffset, jsonLine.byteLength);
      try {
        return encoders.get(topic)!(line);
      } catch (cause) {
        const actual = cause instanceof Error ? cause.message : String(cause);
        throw schemaError(
          'schema.mismatch',
          `record for ${topic}; it does not fit the topic's schema (${actual}); report it`,
          cause,
        );
      }
    },
  };
}

/** The same from the configuration. @throws ConfigError where a file of it cannot be read. */
export function registryFrom(
  options: RegistryOptions & { readonly url: string },
  subjects: ReadonlyMap<string, OutputKind>,
): OpenRegistry {
  const { url, format, autoRegister, username, passwordFile, tokenFile, caFile, timeoutSeconds } = options;
  const auth =
    tokenFile !== undefined
      ? { token: secret('registry.tokenFile', tokenFile) }
      : username !== undefined
        ? { username, password: secret('registry.passwordFile', passwordFile!) }
        : undefined;
  return {
    url,
    format,
    autoRegister,
    subjects,
    timeoutMs: timeoutSeconds * 1000,
    ...(auth && { auth }),
    ...(caFile !== undefined && { ca: secret('registry.caFile', caFile) }),
  };
}

function secret(key: string, file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'error';
    throw new ConfigError('registry', `${key} ${file}; it cannot be read (${code}); name a readable file`, { cause });
  }
}

/** Asks nobody yet. @throws ConfigError `registry-client` */
export async function openClient(options: OpenRegistry) {
  const { registry, avro } = await loadClient();
  return { registry, avro, client: registry.SchemaRegistryClient.newClient(clientConfig(options)) };
}

async function loadClient() {
  try {
    const [registry, avro] = await Promise.all([import('@confluentinc/schemaregistry'), import('avsc')]);
    return { registry, avro: avro.default };
  } catch (cause) {
    throw new ConfigError(
      'registry-client',
      'registry.url; the optional package @confluentinc/schemaregistry is not installed; npm install @confluentinc/schemaregistry, or leave registry.url out',
      { cause },
    );
  }
}

type ClientConfig = ReturnType<Client['config']>;

/** Without retries of its own: the stage that waits says so, and asks again. */
function clientConfig({ url, auth, ca, timeoutMs = 10_000 }: OpenRegistry): ClientConfig {
  const basic = auth && 'username' in auth ? `${auth.username}:${auth.password}` : undefined;
  const headers = auth && 'token' in auth ? { Authorization: `Bearer ${auth.token}` } : undefined;
  return {
    baseURLs: [url.replace(/\/$/, '')],
    maxRetries: 0,
    createAxiosDefaults: {
      timeout: timeoutMs,
      ...(headers && { headers }),
      ...(ca !== undefined && { httpsAgent: new Agent({ ca: [...rootCertificates, ca], keepAlive: true }) }),
    },
    ...(basic !== undefined && { basicAuthCredentials: { credentialsSource: 'USER_INFO', userInfo: basic } }),
  };
}

function jsonEncoder(schemaId: number): EncodeLine {
  return (line) => {
    const end = line.at(-1) === 0x0a ? line.length - 1 : line.length;
    const message = Buffer.allocUnsafe(PREFIX_BYTES + end);
    line.copy(message, PREFIX_BYTES, 0, end);
    writePrefix(message, schemaId);
    return message;
  };
}
