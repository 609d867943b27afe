/** The log's part of the configuration: where topics lie, and how a broker is reached. Secrets are named here, never written here. */
import { z } from 'zod';

const ms = (text: string, fallback: number) => z.int().min(100).default(fallback).describe(text);

const tlsSchema = z
  .strictObject({
    enabled: z.boolean().default(false).describe('Speak TLS to the brokers.'),
    caFile: z.string().optional().describe('Certificates to trust, PEM; those of the system without it.'),
    certFile: z.string().optional().describe('Certificate of this client, PEM.'),
    keyFile: z.string().optional().describe('Key of this client, PEM.'),
  })
  .prefault({})
  .describe('TLS.');

const saslSchema = z
  .strictObject({
    mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer']).describe('SASL mechanism.'),
    username: z.string().optional().describe('User; not for oauthbearer.'),
    passwordFile: z.string().optional().describe('File that holds the password.'),
    passwordEnv: z.string().optional().describe('Environment variable that holds the password.'),
    tokenFile: z.string().optional().describe('File that holds the token, for oauthbearer; read again for each one.'),
    tokenEnv: z.string().optional().describe('Environment variable that holds the token, for oauthbearer.'),
  })
  .superRefine(({ mechanism, username, passwordFile, passwordEnv, tokenFile, tokenEnv }, context) => {
    const need = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    if (mechanism === 'oauthbearer') {
      if (!tokenFile === !tokenEnv) need('tokenFile', 'oauthbearer takes one of tokenFile and tokenEnv');
    } else {
      if (!username) need('username', `${mechanism} takes a username`);
      if (!passwordFile === !passwordEnv)
        need('passwordFile', `${mechanism} takes one of passwordFile and passwordEnv`);
    }
  })
  .optional()
  .describe('Authentication.');

export const logSchema = z
  .strictObject({
    kind: z.enum(['embedded', 'kafka']).default('embedded').describe('What carries the topics.'),
    trimSeconds: z
      .number()
      .positive()
      .default(1)
      .describe('How often blocks that every consumer has passed are let go.'),
    retain: z.boolean().default(false).describe('Keep internal blocks that every consumer has passed.'),
    brokers: z
      .union([z.string().transform((list) => list.split(',').map((one) => one.trim())), z.array(z.string())])
      .default([])
      .describe('Kafka: host:port of some brokers, a list or separated by commas.'),
    clientId: z.string().default('riffle').describe('Kafka: name of this client in logs and quotas of the broker.'),
    partitions: z.int().min(1).default(8).describe('Kafka: partitions of a raw topic that Riffle creates.'),
    replicationFactor: z
      .int()
      .default(-1)
      .describe("Kafka: copies of topics that Riffle creates; -1 is the broker's default."),
    compression: z
      .enum(['zstd', 'gzip', 'snappy', 'lz4', 'none'])
      .default('zstd')
      .describe('Kafka: codec of what is written; all of them are read.'),
    sessionTimeoutMs: ms('Kafka: without a sign of life for so long, a process loses its partitions.', 10_000),
    rebalanceTimeoutMs: ms('Kafka: how long a rebalance waits for a process that is at work.', 30_000),
    transactionTimeoutMs: ms('Kafka: the broker ends a transaction that is open for so long.', 15_000),
    requestTimeoutMs: ms(
      'Kafka: an answer that takes longer counts as lost; at most the time of a transaction.',
      10_000,
    ),
    tls: tlsSchema,
    sasl: saslSchema,
  })
  .superRefine(({ kind, brokers, requestTimeoutMs, transactionTimeoutMs }, context) => {
    const issue = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    if (kind === 'kafka' && brokers.length === 0) issue('brokers', 'name the brokers: --set log.brokers=host:9092');
    if (kind === 'embedded' && brokers.length > 0) issue('kind', 'brokers are given: set log.kind=kafka');
    if (requestTimeoutMs > transactionTimeoutMs)
      issue('requestTimeoutMs', 'one lost answer would outlast its transaction: at most log.transactionTimeoutMs');
    for (const broker of brokers)
      if (!/^[^\s:/]+:\d{1,5}$|^\[[0-9a-fA-F:]+\]:\d{1,5}$/.test(broker))
        issue('brokers', 'give host:port, separated by commas');
  })
  .prefault({})
  .describe('The log.');
