/**
 * The log port: all that a stage knows of the medium under it.
 *
 * A topic is a set of partitions; a partition is an append-only sequence of messages with strictly increasing `bigint` offsets (gaps are
 * allowed). Internal topics carry one *block* of records a message, external topics one record a message.
 * Two adapters pass one contract suite (`test/contract/log.ts`): `embedded/` (LMDB, one machine) and Kafka.
 */

/** How a topic is kept. `blocks`: trimmed behind its consumers. `records`: one JSON line a message, kept. `compacted`: the last value of each key. */
export type TopicKind = 'blocks' | 'records' | 'compacted';

export interface TopicSpec {
  readonly name: string;
  readonly partitions: number;
  readonly kind: TopicKind;
  /** Every consumer group that will ever read it, started or not: trimming waits for all of them. */
  readonly groups: readonly string[];
  /** Made and kept by others, as raw is on Kafka: never created, never trimmed, its retention is its owner's. The embedded log makes no difference. */
  readonly external?: boolean;
}

/** Parts of a message that are no UTF-8 and stand as base64 instead: a message that is copied keeps its bytes. */
export interface Binary {
  readonly key?: boolean;
  /** Names of headers. */
  readonly headers?: readonly string[];
}

export interface OutMessage {
  readonly value: Uint8Array;
  /** Needed on compacted topics. */
  readonly key?: string;
  /** Carried where the medium has headers; the embedded log drops them. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly binary?: Binary;
  /** No value at all: on a compacted topic, the end of its key. The embedded log keeps an empty value. */
  readonly tombstone?: boolean;
}

export interface Message {
  readonly offset: bigint;
  /** Append time as the log saw it, ms since the epoch. Stages that need time take this one, never the wall clock. */
  readonly timestampMs: number;
  /** As UTF-8; base64 where it is none, which `binary` says. */
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly binary?: Binary;
  /** Valid until the next `poll` of the same consumer; copy what must live longer. Empty for a message without a value (`tombstone`). */
  readonly value: Uint8Array;
  readonly tombstone?: boolean;
}

export interface Batch {
  readonly topic: string;
  readonly partition: number;
  readonly messages: readonly Message[];
}

export interface Polled {
  /** Partition numbers newly given to this consumer, for all its topics together; positions are as committed (else the log's start). */
  readonly assigned: readonly number[];
  /** Partition numbers taken away; nothing of them may be committed any more. */
  readonly revoked: readonly number[];
  /** Empty when something was assigned: its reader may want to seek first. */
  readonly batches: readonly Batch[];
}

export interface PollOptions {
  /** Soft limit of the values returned together; at least one message comes back when there is one. */
  readonly maxBytes: number;
  /** How long to wait for the first message before coming back empty. */
  readonly waitMs: number;
  readonly signal?: AbortSignal;
}

export interface Position {
  readonly topic: string;
  readonly partition: number;
  /** The next offset to read. */
  readonly offset: bigint;
}

/** Reads one or more co-partitioned topics for a group. Not safe for concurrent calls of `poll`. */
export interface Consumer {
  poll(options: PollOptions): Promise<Polled>;
  /** The next `poll` reads from there. @throws FatalError `below-log-start` when the offset was trimmed: never a silent skip. */
  seek(position: Position): void;
  /** Stops and restarts delivery of one topic-partition; positions stay. Nothing happens for a partition that is revoked by now; so with `seek`. */
  pause(topic: string, partition: number): void;
  resume(topic: string, partition: number): void;
  /**
   * Records positions outside a transaction. A position never moves back: a lower one is ignored, and so is one of a partition that was revoked
   * meanwhile. Resolves when durable.
   */
  commit(positions: readonly Position[]): Promise<void>;
  committed(topic: string, partition: number): Promise<bigint | undefined>;
  /** First offset still kept, and the offset that the next message will be at or beyond. */
  bounds(topic: string, partition: number): Promise<{ start: bigint; end: bigint }>;
  close(): Promise<void>;
}

export interface Producer {
  /**
   * Appends messages to one partition, together and in order; resolves with the offset of the first when they are durable (acknowledged).
   * A rejection other than `FatalError` leaves the outcome unknown: they may or may not be in the log.
   * @throws TransientError `disk-full` when the medium is full: nothing was appended.
   */
  append(topic: string, partition: number, messages: readonly OutMessage[]): Promise<bigint>;
}

/** Messages of a `records` topic as they will lie in it: one after another, each one line of JSON with its line feed. */
export interface Lines {
  readonly bytes: Uint8Array;
  /** Bytes of each line, its line feed included; their sum is the length of `bytes`. */
  readonly lengths: Uint32Array;
  /** Of each line, where the medium has headers. */
  readonly headers?: readonly Readonly<Record<string, string>>[];
}

/** What curate commits in one piece. */
export interface Commit {
  /** Messages by topic; they go to the lease's partition, modulo the partitions that the topic has. */
  readonly outputs: ReadonlyMap<string, readonly OutMessage[]>;
  /** Messages of `records` topics, in bulk. */
  readonly lines?: ReadonlyMap<string, Lines>;
  /** Next offsets to read, for each input topic of the lease's partition. */
  readonly positions: readonly Position[];
  /** N: the next *source* offset to decide. */
  readonly next: bigint;
  /** N that this goes on from. Where the lease has another one, somebody else has decided in between, and this commit is refused as fenced. */
  readonly from?: bigint;
}

/** The right to commit for one source partition. Taking one fences every earlier holder. */
export interface Lease {
  readonly partition: number;
  /** As last committed; `next` is undefined for a partition that never committed. */
  readonly next: bigint | undefined;
  readonly positions: readonly Position[];
  /**
   * Outputs, positions and `next` become visible together, or not at all. Resolves when durable. Commits of one lease are serial.
   * @throws FatalError `fenced` when a later lease was taken, or N is not what the commit goes on from: the loser stops, nothing of this commit is visible. Where the log shares partitions
   * out by itself (Kafka), the next polls of the group's consumer revoke the partition, and give it again if it is still this process's.
   * @throws TransientError when the outcome is unknown: take the lease anew, its `next` tells.
   */
  commit(commit: Commit): Promise<void>;
}

export interface Log {
  /** True: groups hand partitions from process to process, and a lease that is lost is no failure. */
  readonly sharesPartitions?: boolean;
  /** Creates what is missing. @throws ConfigError when a topic exists with other partitions or another kind. */
  ensureTopics(specs: readonly TopicSpec[]): Promise<void>;
  producer(): Producer;
  /** The group `reader` is none: each of its consumers is given every partition of its topics, and commits nothing. */
  consumer(group: string, topics: readonly string[]): Promise<Consumer>;
  /** Fence, then read what is committed, in that order (protocol rule 12). */
  lease(group: string, partition: number): Promise<Lease>;
  /** What a lease of that group last committed as N, without fencing anybody; undefined when it never did. */
  progress(group: string, partition: number): Promise<bigint | undefined>;
  /** What a group last committed of a topic outside leases, by partition, without joining it: how far another stage says that it is. */
  positions(group: string, topic: string): Promise<ReadonlyMap<number, bigint>>;
  /** The largest value that a message of this topic can have. What is larger has to be turned into something else before it is committed. */
  maxValueBytes(topic: string): Promise<number>;
  /** Waits for what is under way and lets go of the medium. */
  close(): Promise<void>;
}
