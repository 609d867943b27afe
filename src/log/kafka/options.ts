import type { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type { CompressionName } from './codecs.ts';

/** Gives a secret when it is needed, so that a file may change and nothing keeps or logs it. */
export type Secret = () => string | Promise<string>;

export type Sasl =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
      readonly username: string;
      readonly password: Secret;
    }
  /** The token is asked for at every authentication. */
  | { readonly mechanism: 'oauthbearer'; readonly token: Secret };

export interface KafkaLogOptions {
  /** Names the consumer groups (`<app>.<group>`) and transactional ids (`<app>-<group>-<partition>`). */
  readonly app: string;
  /** `host:port`; a few of the cluster's brokers are enough. */
  readonly brokers: readonly string[];
  readonly clientId?: string;
  /** True: TLS with the certificate authorities of the system. */
  readonly ssl?:
    | boolean
    | Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'passphrase' | 'servername' | 'rejectUnauthorized'>;
  readonly sasl?: Sasl;
  /** Of what is written; all are read. */
  readonly compression?: CompressionName;
  /** A consumer that is not heard of for so long loses its partitions. */
  readonly sessionTimeoutMs?: number;
  readonly heartbeatMs?: number;
  /** How long a rebalance waits for the members that it knows. */
  readonly rebalanceTimeoutMs?: number;
  /** A transaction that is open for longer is aborted by the broker: it bounds the stall of readers when nobody takes a dead process's partition over. */
  readonly transactionTimeoutMs?: number;
  /** A consumer whose `poll` is not called for so long leaves its group, although its process lives. */
  readonly maxPollMs?: number;
  readonly requestTimeoutMs?: number;
  /** How long appends and leases are tried again while the broker is away. */
  readonly retryMs?: number;
  /**
   * A position beyond the end may be a new leader that has not caught up, a topic that is unknown a broker that has just started: how long that may last.
   */
  readonly patienceMs?: number;
  /** How often the cluster is asked anew who leads what. */
  readonly metadataMs?: number;
  /** Of topics that Riffle creates; the broker's default when left out. */
  readonly replicationFactor?: number;
  /** `max.message.bytes` of the topics that Riffle creates. */
  readonly maxMessageBytes?: number;
  readonly observer?: KafkaObserver;
  /** What goes wrong and is tried again, as one line. Never holds a secret. */
  readonly warn?: (line: string) => void;
  /** Connects a socket; for tests that inject faults. */
  readonly socketFactory?: SocketFactory;
}

export type SocketFactory = (where: {
  readonly host: string;
  readonly port: number;
  readonly ssl?: ConnectionOptions;
  readonly onConnect: () => void;
}) => Socket;

/** Told what happens, for metrics. */
export interface KafkaObserver {
  /** A group was joined anew; `partitions` are this process's. */
  rebalanced?(group: string, partitions: number): void;
  /** A lease was lost to a later one. */
  fenced?(group: string, partition: number): void;
  /** A transaction took effect; of it `offsetsMs` went to the positions. */
  committed?(group: string, partition: number, ms: number, offsetsMs: number): void;
  /** A transaction ended with an unknown outcome, and the lease was given up. */
  unknownOutcome?(group: string, partition: number): void;
  appendRetried?(topic: string, partition: number): void;
}

/** How far a consumer is behind, in offsets, by partition that it reads. */
export interface Lag {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  /** Behind the end of the log. */
  readonly lag: bigint;
  /** Behind what readers may see: less than `lag` while a transaction is open. */
  readonly stableLag: bigint;
  /** For how long this reader has seen an open transaction at the same place, at least; 0 without one. */
  readonly openTransactionMs: number;
  /** Fetched and not yet taken, compressed. */
  readonly queuedBytes: number;
}

export type CompiledOptions = ReturnType<typeof compileOptions>;

export function compileOptions(options: KafkaLogOptions) {
  return {
    ...options,
    clientId: options.clientId ?? `riffle-${options.app}`,
    compression: options.compression ?? 'zstd',
    sessionTimeoutMs: options.sessionTimeoutMs ?? 10_000,
    heartbeatMs: options.heartbeatMs ?? Math.min(1000, (options.sessionTimeoutMs ?? 10_000) / 3),
    rebalanceTimeoutMs: options.rebalanceTimeoutMs ?? 30_000,
    transactionTimeoutMs: options.transactionTimeoutMs ?? 15_000,
    maxPollMs: options.maxPollMs ?? 900_000,
    requestTimeoutMs: options.requestTimeoutMs ?? 10_000,
    retryMs: options.retryMs ?? 120_000,
    metadataMs: options.metadataMs ?? 60_000,
    patienceMs: options.patienceMs ?? 15_000,
    maxMessageBytes: options.maxMessageBytes ?? 8 << 20,
    warn: options.warn ?? (() => undefined),
    observer: options.observer ?? {},
  } as const;
}
