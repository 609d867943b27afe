/** Creates topics with the settings that the protocol needs, and finds out what existing ones lack. */
import type { ConfigResourceTypes } from 'kafkajs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError, TransientError } from '../../errors.ts';
import type { TopicKind, TopicSpec } from '../port.ts';
import type { Client } from './client.ts';
import { typeOf } from './failures.ts';
import { listEnd } from './offsets.ts';
import { persist } from './persist.ts';

export interface Topic {
  readonly name: string;
  readonly kind: TopicKind;
  readonly partitions: number;
  readonly groups: readonly string[];
  readonly external: boolean;
  readonly maxMessageBytes: number;
}

export interface Found {
  readonly partitions: number;
  readonly replicas: number;
  readonly settings: ReadonlyMap<string, string>;
}

/** Kafka's number for topics in requests about configuration. */
const TOPIC_RESOURCE = 2 as ConfigResourceTypes;
const SETTINGS = ['cleanup.policy', 'retention.ms', 'retention.bytes', 'max.message.bytes', 'min.insync.replicas'];
/** A stage that is down for a weekend must find its blocks. */
export const LEAST_RETENTION_MS = 3 * 86_400_000;
const LEAST_MESSAGE_BYTES = 1_000_000;
const LEADERS_MS = 30_000;

/** @throws ConfigError `topics` with everything that is wrong */
export async function ensureTopics(client: Client, specs: readonly TopicSpec[]): Promise<Map<string, Topic>> {
  const names = specs.map(({ name }) => name);
  const before = await describeTopics(client, names);
  const missing = specs.filter(({ name }) => !before.has(name));
  const created = missing.filter(({ external }) => external !== true);
  const problems = specs.flatMap((spec) => problemsOf(spec, before.get(spec.name), created.includes(spec)));
  if (problems.length > 0) throw new ConfigError('topics', problems.join('\n'));
  if (created.length > 0) await createTopics(client, created);
  const found = created.length > 0 ? await describeTopics(client, names) : before;
  return new Map(
    specs.map((spec) => {
      const maxMessageBytes = Number(found.get(spec.name)?.settings.get('max.message.bytes') ?? LEAST_MESSAGE_BYTES);
      const { name, kind, partitions, groups } = spec;
      return [name, { name, kind, partitions, groups, external: spec.external === true, maxMessageBytes }];
    }),
  );
}

/** What is wrong with topics as they are, one line each; nothing is created. */
export async function checkTopics(client: Client, specs: readonly TopicSpec[]): Promise<string[]> {
  const found = await describeTopics(
    client,
    specs.map(({ name }) => name),
  );
  return specs.flatMap((spec) => problemsOf(spec, found.get(spec.name), false));
}

export async function countPartitions(client: Client, topic: string): Promise<number | undefined> {
  return (await describeTopics(client, [topic])).get(topic)?.partitions;
}

/** The existing ones among them. */
export async function describeTopics(
  { admin, cluster, options }: Client,
  names: readonly string[],
): Promise<Map<string, Found>> {
  return persist({ options, cluster }, 'topics', async () => {
    const existing = new Set(await admin.listTopics());
    const wanted = names.filter((name) => existing.has(name));
    if (wanted.length === 0) return new Map<string, Found>();
    const { topics } = await admin.fetchTopicMetadata({ topics: wanted });
    const resources = wanted.map((name) => ({ type: TOPIC_RESOURCE, name, configNames: SETTINGS }));
    const configs = await admin.describeConfigs({ resources, includeSynonyms: false });
    return new Map(
      topics.map(({ name, partitions }) => {
        const entries = configs.resources.find(({ resourceName }) => resourceName === name)?.configEntries ?? [];
        const settings = new Map(entries.map(({ configName, configValue }) => [configName, configValue]));
        return [name, { partitions: partitions.length, replicas: partitions[0]?.replicas.length ?? 0, settings }];
      }),
    );
  });
}

/** What the protocol cannot do with. */
export function problemsOf(spec: TopicSpec, found: Found | undefined, willBeCreated: boolean): string[] {
  const { name, kind, partitions } = spec;
  if (found === undefined)
    return willBeCreated ? [] : [`topic ${name}; it does not exist; create it with ${partitions} partitions`];
  const problems: string[] = [];
  const say = (actual: string, remedy: string) => problems.push(`topic ${name}; ${actual}; ${remedy}`);
  const numberOf = (setting: string): number => Number(found.settings.get(setting) ?? Number.NaN);
  if (found.partitions !== partitions)
    say(
      `it has ${found.partitions} partitions, wanted ${partitions}`,
      found.partitions < partitions
        ? 'add partitions to it (kafka-topics.sh --alter --partitions); positions stay'
        : 'create it anew with as many, or give all topics of the app this number',
    );
  const policy = found.settings.get('cleanup.policy') ?? 'delete';
  if (kind === 'compacted' && policy !== 'compact')
    say(`cleanup.policy is ${policy}`, 'set it to compact: the last value of each key must stay');
  if (kind !== 'compacted' && policy.includes('compact'))
    say(`cleanup.policy is ${policy}`, 'set it to delete: compaction takes records away that nobody has decided');
  if (spec.external === true) return problems;
  if (kind === 'blocks' && inRange(numberOf('retention.ms'), LEAST_RETENTION_MS))
    say(
      `retention.ms is ${numberOf('retention.ms')}`,
      `set it to -1 (Riffle trims the topic itself), or to ${LEAST_RETENTION_MS} or more: a stage that is down for longer loses records`,
    );
  if (kind === 'blocks' && numberOf('retention.bytes') >= 0)
    say(
      `retention.bytes is ${numberOf('retention.bytes')}`,
      'set it to -1: what is over the limit is lost, read or not',
    );
  if (numberOf('max.message.bytes') < LEAST_MESSAGE_BYTES)
    say(`max.message.bytes is ${numberOf('max.message.bytes')}`, `set it to ${LEAST_MESSAGE_BYTES} or more`);
  if (found.replicas >= 3 && numberOf('min.insync.replicas') < 2)
    say('min.insync.replicas is 1', 'set it to 2: with 1, what was acknowledged is lost with one broker');
  if (numberOf('min.insync.replicas') > found.replicas)
    say(
      `min.insync.replicas is ${numberOf('min.insync.replicas')} of ${found.replicas} replicas`,
      'set it to at most the number of replicas: nothing can be written',
    );
  return problems;
}

function inRange(value: number, limit: number): boolean {
  return value >= 0 && value < limit;
}

async function createTopics(client: Client, specs: readonly TopicSpec[]): Promise<void> {
  const { admin, options } = client;
  await persist(client, `topics ${specs.map(({ name }) => name).join()}`, async () => {
    const existing = new Set(await admin.listTopics());
    const missing = specs.filter(({ name }) => !existing.has(name));
    if (missing.length === 0) return;
    try {
      await admin.createTopics({
        // kafkajs's own waiting fails on several brokers with topics that it does not find yet.
        waitForLeaders: false,
        topics: missing.map((spec) => ({
          topic: spec.name,
          numPartitions: spec.partitions,
          replicationFactor: options.replicationFactor ?? -1,
          configEntries: settingsOf(spec, options),
        })),
      });
    } catch (error) {
      // Another process was faster.
      if (typeOf(error) !== 'TOPIC_ALREADY_EXISTS' && !/AlreadyExists|ALREADY_EXISTS/.test(JSON.stringify(error)))
        throw error;
    }
  });
  await leadersOf(client, specs);
}

/** Append times are the log's: the index's window lives on them. */
export function settingsOf({ kind }: TopicSpec, { maxMessageBytes, replicationFactor }: Client['options']) {
  const settings: Record<string, string> = { 'max.message.bytes': String(maxMessageBytes) };
  if (kind === 'compacted') settings['cleanup.policy'] = 'compact';
  else settings['cleanup.policy'] = 'delete';
  if (kind === 'blocks') {
    settings['retention.ms'] = '-1';
    settings['retention.bytes'] = '-1';
    settings['message.timestamp.type'] = 'LogAppendTime';
  }
  if ((replicationFactor ?? 0) >= 3) settings['min.insync.replicas'] = '2';
  return Object.entries(settings).map(([name, value]) => ({ name, value }));
}

/** Until every partition has a leader that answers for it: metadata names leaders a moment before they know it. */
async function leadersOf({ cluster }: Client, specs: readonly TopicSpec[]): Promise<void> {
  const deadline = performance.now() + LEADERS_MS;
  for (;;) {
    try {
      await cluster.addMultipleTargetTopics(specs.map(({ name }) => name));
      await cluster.refreshMetadata();
      await Promise.all(specs.map(({ name, partitions }) => listEnd(cluster, name, numbersTo(partitions), 'high')));
      return;
    } catch (cause) {
      if (performance.now() > deadline)
        throw new TransientError(
          'topics-not-led',
          `topics ${specs.map(({ name }) => name).join()}; some partition has no leader for ${LEADERS_MS / 1000} s; look at the cluster`,
          { cause },
        );
    }
    await sleep(50);
  }
}

function numbersTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
