import { ConfigError, FatalError } from '../../errors.ts';
import type { TopicKind, TopicSpec } from '../port.ts';
import type { Environment } from './environment.ts';
import { MAX_NAME_BYTES, nameKey, numberKey, pair, readU64, TAG, u64 } from './layout.ts';

/** One partition as this process knows it. `start` and `end` are trusted inside a write transaction only while `known`. */
export interface Partition {
  readonly number: number;
  start: bigint;
  end: bigint;
  known: boolean;
  /** What readers may see: the end after the last commit, never that of a transaction under way. */
  visibleEnd: bigint;
  /** Start as of the last look at what is committed: where a new reader begins. */
  visibleStart: bigint;
}

export interface Topic {
  readonly id: number;
  readonly name: string;
  readonly kind: TopicKind;
  readonly partitions: readonly Partition[];
  groups: readonly string[];
  /** Committed bytes of the output file of a `records` topic. */
  lengthBytes: bigint;
  lengthKnown: boolean;
}

/** Names and what is cached of the environment. Other processes may change all of it; `writer.ts` notices and calls `forget`. */
export interface Catalog {
  readonly topics: Map<string, Topic>;
  readonly groups: Map<string, number>;
  topic(name: string): Topic;
  forget(): void;
}

interface StoredTopic {
  readonly id: number;
  readonly partitions: number;
  readonly kind: TopicKind;
  readonly groups: readonly string[];
}

export function createCatalog(environment: Environment): Catalog {
  const topics = new Map<string, Topic>();
  const groups = new Map<string, number>();
  return {
    topics,
    groups,
    topic(name) {
      const topic = topics.get(name) ?? readTopic(environment, name);
      if (topic === undefined) {
        throw new ConfigError('unknown-topic', `topic ${name}; is not in the log; declare it with ensureTopics first`);
      }
      topics.set(name, topic);
      return topic;
    },
    forget() {
      for (const topic of topics.values()) {
        topic.lengthKnown = false;
        for (const partition of topic.partitions) partition.known = false;
      }
    },
  };
}

function readTopic(environment: Environment, name: string): Topic | undefined {
  const stored = readCommitted(environment, nameKey(TAG.topic, name));
  return stored === undefined ? undefined : makeTopic(name, JSON.parse(stored.toString('utf8')) as StoredTopic);
}

function makeTopic(name: string, stored: StoredTopic): Topic {
  const partitions = Array.from({ length: stored.kind === 'records' ? 1 : stored.partitions }, (_, number) => ({
    number,
    start: 0n,
    end: 0n,
    known: false,
    visibleEnd: 0n,
    visibleStart: 0n,
  }));
  return {
    id: stored.id,
    name,
    kind: stored.kind,
    partitions,
    groups: stored.groups,
    lengthBytes: 0n,
    lengthKnown: false,
  };
}

/** Inside a write transaction. @returns whether the topic exists. @throws ConfigError `topic-differs`, `bad-name`, `bad-partitions` */
export function checkTopic(environment: Environment, spec: TopicSpec): boolean {
  checkName('topic', spec.name);
  if (!Number.isInteger(spec.partitions) || spec.partitions < 1) {
    throw new ConfigError(
      'bad-partitions',
      `topic ${spec.name}; ${spec.partitions} partitions; give a whole number from 1`,
    );
  }
  const stored = storedTopic(environment, spec.name);
  if (stored === undefined) return false;
  if (stored.partitions === spec.partitions && stored.kind === spec.kind) return true;
  throw new ConfigError(
    'topic-differs',
    `topic ${spec.name}; exists with ${stored.partitions} partitions as ${stored.kind}, wanted ${spec.partitions} as ${spec.kind}; use another state directory or the old settings`,
  );
}

function storedTopic(environment: Environment, name: string): StoredTopic | undefined {
  const found = environment.meta.get(nameKey(TAG.topic, name));
  return found === undefined ? undefined : (JSON.parse(found.toString('utf8')) as StoredTopic);
}

/** Inside a write transaction: creates the topic, or adds the groups that it lacks. */
export function declareTopic(environment: Environment, catalog: Catalog, spec: TopicSpec): void {
  const key = nameKey(TAG.topic, spec.name);
  const stored = storedTopic(environment, spec.name);
  if (stored === undefined) {
    const id = nextId(environment);
    const fresh: StoredTopic = { id, partitions: spec.partitions, kind: spec.kind, groups: [...new Set(spec.groups)] };
    environment.meta.putSync(key, Buffer.from(JSON.stringify(fresh)));
    catalog.topics.set(spec.name, makeTopic(spec.name, fresh));
    return;
  }
  const groups = [...new Set([...stored.groups, ...spec.groups])];
  if (groups.length > stored.groups.length) {
    environment.meta.putSync(key, Buffer.from(JSON.stringify({ ...stored, groups })));
  }
  const topic = catalog.topics.get(spec.name) ?? makeTopic(spec.name, stored);
  topic.groups = groups;
  catalog.topics.set(spec.name, topic);
}

/** Inside a write transaction: the groups' ids, another process's additions included; undefined when one is not known yet. */
export function groupsOf(environment: Environment, topic: Topic): readonly number[] | undefined {
  const ids: number[] = [];
  for (const name of storedTopic(environment, topic.name)?.groups ?? topic.groups) {
    const stored = environment.meta.get(nameKey(TAG.group, name));
    if (stored === undefined) return undefined;
    ids.push(Number(readU64(stored)));
  }
  return ids;
}

/** Inside a write transaction. */
export function declareGroup(environment: Environment, catalog: Catalog, name: string): number {
  checkName('group', name);
  const key = nameKey(TAG.group, name);
  const stored = environment.meta.get(key);
  const id = stored === undefined ? nextId(environment) : Number(readU64(stored));
  if (stored === undefined) environment.meta.putSync(key, u64(BigInt(id)));
  catalog.groups.set(name, id);
  return id;
}

/** Topics and groups draw from one counter, kept beside the header. */
function nextId(environment: Environment): number {
  const key = numberKey(TAG.header, 0);
  const stored = environment.meta.get(key);
  const id = stored === undefined ? 1n : readU64(stored) + 1n;
  environment.meta.putSync(numberKey(TAG.header, 0), u64(id));
  return Number(id);
}

function checkName(what: string, name: string): void {
  const bytes = Buffer.byteLength(name);
  if (bytes === 0 || bytes > MAX_NAME_BYTES || !/^[\w.-]+$/u.test(name)) {
    throw new ConfigError(
      'bad-name',
      `${what} ${JSON.stringify(name)}; use letters, digits, '.', '_' and '-', at most ${MAX_NAME_BYTES}`,
    );
  }
}

export function partitionOf(topic: Topic, partition: number): Partition {
  const found = topic.partitions[partition];
  if (found === undefined) {
    throw new FatalError(
      'unknown-partition',
      `${topic.name}-${partition}; the topic has ${topic.partitions.length} partitions; a position or message was addressed wrongly`,
    );
  }
  return found;
}

/** Inside a write transaction: the partition with its true start and end. */
export function loadPartition(environment: Environment, topic: Topic, partition: Partition): Partition {
  if (partition.known) return partition;
  const stored = environment.meta.get(numberKey(TAG.partition, topic.id, partition.number));
  partition.start = stored === undefined ? 0n : readU64(stored, 0);
  partition.end = stored === undefined ? 0n : readU64(stored, 8);
  partition.known = true;
  return partition;
}

export function storePartition(environment: Environment, topic: Topic, partition: Partition): void {
  environment.meta.putSync(numberKey(TAG.partition, topic.id, partition.number), pair(partition.start, partition.end));
}

/** Inside a write transaction: the committed length of an output file. */
export function loadLength(environment: Environment, topic: Topic): bigint {
  if (!topic.lengthKnown) {
    const stored = environment.meta.get(numberKey(TAG.output, topic.id));
    topic.lengthBytes = stored === undefined ? 0n : readU64(stored);
    topic.lengthKnown = true;
  }
  return topic.lengthBytes;
}

/**
 * Reads what is committed, even while a write transaction of this process waits for its output files:
 * a plain `get` would then look into that transaction.
 */
export function readCommitted(environment: Environment, key: Buffer): Buffer | undefined {
  for (const { key: found, value } of readRange(environment, key, Buffer.concat([key, Buffer.of(0)]), 1)) {
    if (Buffer.compare(Buffer.from(found), key) === 0) return value;
  }
  return undefined;
}

/** All committed entries of `meta` with `start` ≤ key < `end`. */
export function readRange(
  environment: Environment,
  start: Buffer,
  end: Buffer,
  limit?: number,
): { key: Buffer; value: Buffer }[] {
  const transaction = environment.meta.useReadTransaction();
  try {
    return [...environment.meta.getRange({ start, end, transaction, ...(limit === undefined ? {} : { limit }) })];
  } finally {
    transaction.done();
  }
}
