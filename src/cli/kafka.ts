/** From the configuration to a Kafka log: files and variables that hold secrets are read here, when they are needed. */
import { readFileSync } from 'node:fs';
import type { Config } from '../config/schema.ts';
import { ConfigError } from '../errors.ts';
import type { KafkaLog } from '../log/kafka/log.ts';
import type { KafkaLogOptions, KafkaObserver, Sasl } from '../log/kafka/options.ts';

type LogConfig = Config['log'];

export interface KafkaHooks {
  /** A variable of the environment. */
  readonly variable: (name: string) => string | undefined;
  readonly warn: (line: string) => void;
  readonly observer?: KafkaObserver;
}

/** @throws ConfigError when no broker answers, refuses the login, or a file or variable of a secret is missing. */
export async function openKafka(config: Config, hooks: KafkaHooks): Promise<KafkaLog> {
  const options = kafkaOptions(config, hooks);
  // Loaded here, so that the embedded log costs nobody the client.
  const { openKafkaLog } = await import('../log/kafka/log.ts');
  return openKafkaLog(options);
}

export function kafkaOptions({ app, log }: Config, { variable, warn, observer }: KafkaHooks): KafkaLogOptions {
  const { brokers, clientId, compression, sessionTimeoutMs, rebalanceTimeoutMs, transactionTimeoutMs } = log;
  const sasl = saslOf(log, variable);
  return {
    app,
    brokers,
    clientId,
    compression,
    sessionTimeoutMs,
    rebalanceTimeoutMs,
    transactionTimeoutMs,
    requestTimeoutMs: log.requestTimeoutMs,
    ...(log.replicationFactor > 0 && { replicationFactor: log.replicationFactor }),
    ...(log.tls.enabled && { ssl: sslOf(log.tls) }),
    ...(sasl && { sasl }),
    ...(observer && { observer }),
    warn,
  };
}

function sslOf({ caFile, certFile, keyFile }: LogConfig['tls']): KafkaLogOptions['ssl'] & object {
  return {
    ...(caFile !== undefined && { ca: readNamed('log.tls.caFile', caFile) }),
    ...(certFile !== undefined && { cert: readNamed('log.tls.certFile', certFile) }),
    ...(keyFile !== undefined && { key: readNamed('log.tls.keyFile', keyFile) }),
  };
}

function saslOf({ sasl }: LogConfig, variable: KafkaHooks['variable']): Sasl | undefined {
  if (sasl === undefined) return undefined;
  if (sasl.mechanism === 'oauthbearer')
    return { mechanism: 'oauthbearer', token: secretOf('log.sasl.token', sasl.tokenFile, sasl.tokenEnv, variable) };
  const password = secretOf('log.sasl.password', sasl.passwordFile, sasl.passwordEnv, variable);
  return { mechanism: sasl.mechanism, username: sasl.username!, password };
}

/** Read once now, so that what is missing is found at the start, and again whenever it is asked for. */
function secretOf(
  key: string,
  file: string | undefined,
  name: string | undefined,
  variable: KafkaHooks['variable'],
): () => string {
  const read = () => {
    if (file !== undefined) return readNamed(`${key}File`, file).trim();
    const value = variable(name!);
    if (value === undefined || value === '')
      throw new ConfigError('secret', `${key}Env, ${name}; the environment has no such variable; set it`);
    return value;
  };
  read();
  return read;
}

function readNamed(key: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new ConfigError('secret', `${key}, ${file}; it cannot be read (${code ?? 'error'}); name a readable file`, {
      cause,
    });
  }
}
