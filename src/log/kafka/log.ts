/** The log port on Kafka. Design: `docs/protocol.md`; what kafkajs gets wrong and how this adapter avoids it: `test/kafka/`. */
import { ConfigError, FatalError } from '../../errors.ts';
import type { Log, TopicSpec } from '../port.ts';
import { type Findings, inspectCluster, type Inspection } from './check.ts';
import { connectClient } from './client.ts';
import { type KafkaConsumer, openConsumer } from './consume.ts';
import { gather } from './gather.ts';
import { type KafkaLease, takeLease } from './lease.ts';
import { fetchCommitted } from './offsets.ts';
import type { KafkaLogOptions, Lag } from './options.ts';
import { persist } from './persist.ts';
import { createProducer, type KafkaAppender } from './produce.ts';
import { readProgress } from './progress.ts';
import { roomIn } from './sizes.ts';
import { checkTopics, countPartitions, ensureTopics, type Topic } from './topics.ts';
import { trimTopics } from './trim.ts';

/** The group that is none. */
const READER = 'reader';

/** A log on a cluster of brokers. What the port does not know is here. */
export interface KafkaLog extends Log {
  /** What is wrong with topics as they are, one line each; nothing is created or changed. */
  check(specs: readonly TopicSpec[]): Promise<readonly string[]>;
  /** The same of the whole cluster: brokers, topics, and what this user may do. */
  inspect(what: Inspection): Promise<Findings>;
  /** Of a topic that need not be declared; undefined when there is none. */
  partitions(topic: string): Promise<number | undefined>;
  /** Lets go of blocks that every group of their topic has passed. To be called on a timer. */
  trim(): Promise<{ removed: number; more: boolean }>;
  /** Nothing: outputs on Kafka have no file to finish. */
  finish(): Promise<void>;
  /** How far the consumers of this process are behind. */
  lag(): readonly Lag[];
}

/**
 * Connects to the brokers.
 * @throws ConfigError `broker`, `broker-login`; FatalError `client-differs`
 */
export async function openKafkaLog(options: KafkaLogOptions): Promise<KafkaLog> {
  const client = await connectClient(options);
  const topics = new Map<string, Topic>();
  const consumers = new Map<KafkaConsumer, string>();
  const leases = new Map<string, KafkaLease>();
  const producers = new Set<KafkaAppender>();
  const progressOf = new Map<string, (partition: number) => Promise<bigint | undefined>>();
  let closed = false;

  const groupIdOf = (group: string): string => `${options.app}.${group}`;

  function checkOpen(): void {
    if (closed)
      throw new FatalError(
        'log-closed',
        `${options.brokers.join()}; the log was closed; this is a mistake in the program`,
      );
  }

  function topicOf(name: string): Topic {
    const topic = topics.get(name);
    if (topic === undefined)
      throw new ConfigError('topic', `topic ${name}; this process has not declared it; declare it with ensureTopics`);
    return topic;
  }

  /** What the group reads of these partitions; N is kept there. */
  const inputsOf = (group: string, partitions: readonly number[]) =>
    [...topics.values()]
      .map(({ name, groups, partitions: count }) => ({
        topic: name,
        partitions: groups.includes(group) ? partitions.filter((partition) => partition < count) : [],
      }))
      .filter((input) => input.partitions.length > 0);

  async function askProgress(group: string, partitions: readonly number[]): Promise<Map<number, bigint>> {
    const committed = await fetchCommitted(client, groupIdOf(group), inputsOf(group, partitions));
    const progress = new Map<number, bigint>();
    for (const [partition, positions] of Map.groupBy(committed, (position) => position.partition)) {
      const { next } = readProgress(positions);
      if (next !== undefined) progress.set(partition, next);
    }
    return progress;
  }

  const consumersOf = (group: string): KafkaConsumer[] =>
    [...consumers].filter(([, own]) => own === group).map(([consumer]) => consumer);

  /** Where the group is consumed in this process, leases follow its assignment. */
  function requireOwned(group: string, partition: number): void {
    const own = consumersOf(group);
    if (own.length === 0 || own.some((consumer) => consumer.owns(partition))) return;
    throw new FatalError(
      'fenced',
      `lease of ${group} on partition ${partition}; the group gave it to another process; this one stops, it committed nothing`,
    );
  }

  /** The lease of a partition that went to another process would keep its connections for as long as this one lives. */
  function letGo(group: string, partition: number): void {
    const key = `${group}/${partition}`;
    leases.get(key)?.end('the group took the partition back');
    leases.delete(key);
  }

  return {
    sharesPartitions: true,
    async ensureTopics(specs) {
      checkOpen();
      for (const [name, topic] of await ensureTopics(client, specs)) topics.set(name, topic);
      await client.cluster.addMultipleTargetTopics([...topics.keys()]);
    },
    check: (specs) => checkTopics(client, specs),
    inspect: (what) => inspectCluster(client, what),
    partitions: (topic) => countPartitions(client, topic),
    producer() {
      checkOpen();
      const producer = createProducer(client, topicOf);
      producers.add(producer);
      return { append: (topic, partition, messages) => rejecting(() => producer.append(topic, partition, messages)) };
    },
    async consumer(group, names) {
      checkOpen();
      const counts = new Map(names.map((name) => [name, topicOf(name).partitions]));
      const consumer = await openConsumer({
        client,
        cluster: client.newCluster(),
        counts,
        group,
        groupId: group === READER ? undefined : groupIdOf(group),
        dropped: (partition) => letGo(group, partition),
        closed: () => consumers.delete(consumer),
      });
      consumers.set(consumer, group);
      return consumer;
    },
    async lease(group, partition) {
      checkOpen();
      requireOwned(group, partition);
      const key = `${group}/${partition}`;
      // First: what it still has under way meets the fence of its own process, which says nothing about others.
      leases.get(key)?.end('a later one was taken in this process');
      const lease = await takeLease({
        client,
        group,
        groupId: groupIdOf(group),
        partition,
        topicOf,
        inputs: inputsOf(group, [partition]).map(({ topic }) => topic),
        requireOwned: () => requireOwned(group, partition),
        lost: () => {
          for (const consumer of consumersOf(group)) consumer.lost(partition);
        },
      });
      leases.set(key, lease);
      return lease;
    },
    async progress(group, partition) {
      checkOpen();
      // Not that of a partition that went to another process: it knows nothing of what is committed there.
      const held = leases.get(`${group}/${partition}`)?.current();
      const consumers = consumersOf(group);
      const owned = consumers.length === 0 || consumers.some((consumer) => consumer.owns(partition));
      if (held !== undefined && owned) return held;
      const ask = progressOf.get(group) ?? gather((partitions) => askProgress(group, partitions));
      progressOf.set(group, ask);
      return ask(partition);
    },
    async positions(group, topic) {
      checkOpen();
      const partitions = Array.from({ length: topicOf(topic).partitions }, (_, p) => p);
      const committed = await fetchCommitted(client, groupIdOf(group), [{ topic, partitions }]);
      return new Map(committed.map(({ partition, offset }) => [partition, offset]));
    },
    async maxValueBytes(topic) {
      checkOpen();
      return roomIn(topicOf(topic).maxMessageBytes) - OVERHEAD_BYTES;
    },
    async trim() {
      checkOpen();
      const removed = await persist(client, 'trimming', () => trimTopics(client, [...topics.values()], groupIdOf));
      return { removed, more: false };
    },
    async finish() {},
    lag: () => [...consumers.keys()].flatMap((consumer) => consumer.lag()),
    async close() {
      if (closed) return;
      closed = true;
      await Promise.all([...consumers.keys()].map((consumer) => consumer.close()));
      await Promise.all([...leases.values()].map((lease) => lease.close()));
      await Promise.all([...producers].map((producer) => producer.close()));
      await client.close();
    },
  };
}

/** A record's own bytes besides its value, and a few headers. */
const OVERHEAD_BYTES = 4096;

async function rejecting<T>(action: () => Promise<T>): Promise<T> {
  return action();
}
