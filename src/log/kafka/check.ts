/** What a run on this cluster would stumble over, found out without changing anything. */
import type { TopicSpec } from '../port.ts';
import type { Client } from './client.ts';
import { causes, describe, isPermanent } from './failures.ts';
import type { Broker } from './internals.ts';
import {
  type Allowed,
  allowedOnGroup,
  allowedOnTopics,
  isRefusedTransactionalId,
  type Operation,
  type Rights,
  versionsOf,
} from './rights.ts';
import { describeTopics, type Found, LEAST_RETENTION_MS, problemsOf, settingsOf } from './topics.ts';

/** Lines for people: what is well, what is unwise, and what makes a run fail. */
export interface Findings {
  readonly ok: string[];
  readonly warnings: string[];
  readonly errors: string[];
}

export interface Inspection {
  readonly specs: readonly TopicSpec[];
  readonly rights: Rights;
}

/** Kafka's number for brokers in requests about configuration. */
const BROKER_RESOURCE = 4;
const BROKER_SETTINGS = [
  'transaction.max.timeout.ms',
  'group.min.session.timeout.ms',
  'group.max.session.timeout.ms',
  'offsets.retention.minutes',
  'offsets.topic.replication.factor',
  'transaction.state.log.replication.factor',
];
const FETCH = 1;
/** Requests that came with a release, the newest first. */
const RELEASES = [
  [71, '3.7'],
  [65, '3.0'],
  [60, '2.8'],
  [48, '2.6'],
] as const;

/** @throws TransientError when the brokers go away meanwhile */
export async function inspectCluster(client: Client, { specs, rights }: Inspection): Promise<Findings> {
  const findings: Findings = { ok: [], warnings: [], errors: [] };
  const { brokers, clusterId } = await client.admin.describeCluster();
  const broker = await client.cluster.findBroker({ nodeId: brokers[0]!.nodeId });
  findings.ok.push(`brokers: ${brokers.length} of cluster ${clusterId}, ${releaseOf(broker)}`);
  const nodes = brokers.map(({ nodeId }) => String(nodeId));
  await inspectBrokers(client, nodes, findings);
  const allowed = await inspectRights(client, broker, specs, rights, findings);
  await inspectTopics(client, specs, allowed, findings);
  return findings;
}

/** What a broker speaks tells its release from below; it says no more to a client. */
function releaseOf(broker: Broker): string {
  const versions = versionsOf(broker);
  const release =
    (versions[FETCH]?.minVersion ?? 0) >= 4 ? '4.0' : RELEASES.find(([key]) => versions[key] !== undefined)?.[1];
  return release === undefined ? 'older than Kafka 2.6' : `Kafka ${release} or later`;
}

async function inspectBrokers(client: Client, nodes: readonly string[], findings: Findings): Promise<void> {
  const { admin, options } = client;
  const resources = nodes.map((name) => ({ type: BROKER_RESOURCE, name, configNames: BROKER_SETTINGS }));
  let answer: Awaited<ReturnType<typeof admin.describeConfigs>>;
  try {
    answer = await admin.describeConfigs({ resources, includeSynonyms: false });
  } catch (error) {
    if (!isPermanent(error)) throw error;
    findings.warnings.push(
      `settings of the brokers; this user may not see them (${describe(error)}); allow DescribeConfigs on the cluster, or compare ${BROKER_SETTINGS.slice(0, 3).join(', ')} with the log's`,
    );
    return;
  }
  const { sessionTimeoutMs, transactionTimeoutMs } = options;
  const wrong = new Set<string>();
  const unwise = new Set<string>();
  for (const { configEntries } of answer.resources) {
    const settings = new Map(configEntries.map(({ configName, configValue }) => [configName, configValue]));
    const of = (name: string): number => Number(settings.get(name) ?? Number.NaN);
    const longest = of('transaction.max.timeout.ms');
    if (transactionTimeoutMs > longest)
      wrong.add(
        `log.transactionTimeoutMs ${transactionTimeoutMs}; transaction.max.timeout.ms of a broker is ${longest}; lower the first or raise the second`,
      );
    const [least, most] = [of('group.min.session.timeout.ms'), of('group.max.session.timeout.ms')];
    if (sessionTimeoutMs < least || sessionTimeoutMs > most)
      wrong.add(
        `log.sessionTimeoutMs ${sessionTimeoutMs}; a broker takes ${least} to ${most} (group.min.session.timeout.ms, group.max.session.timeout.ms); choose one between them`,
      );
    const minutes = of('offsets.retention.minutes');
    if (minutes * 60_000 < LEAST_RETENTION_MS)
      unwise.add(
        `offsets.retention.minutes; it is ${minutes}: stages that are down for longer forget how far they were; raise it to ${LEAST_RETENTION_MS / 60_000} or more`,
      );
    for (const name of ['offsets.topic.replication.factor', 'transaction.state.log.replication.factor'])
      if (nodes.length >= 3 && of(name) < 3)
        unwise.add(
          `${name}; it is ${of(name)} of ${nodes.length} brokers; set it to 3, or one broker's loss stops every stage`,
        );
  }
  findings.errors.push(...wrong);
  findings.warnings.push(...unwise);
  if (wrong.size === 0)
    findings.ok.push(
      `timeouts: session ${sessionTimeoutMs} ms, transaction ${transactionTimeoutMs} ms, as the brokers allow`,
    );
}

type OnTopics = ReadonlyMap<string, Allowed> | undefined;

async function inspectRights(
  client: Client,
  broker: Broker,
  specs: readonly TopicSpec[],
  rights: Rights,
  findings: Findings,
): Promise<OnTopics> {
  const { app, sasl } = client.options;
  const user =
    sasl === undefined ? 'this user' : 'username' in sasl ? `user ${sasl.username}` : 'the bearer of the token';
  const refusals: string[] = [];
  const allowed = await allowedOnTopics(
    broker,
    specs.map(({ name }) => name),
  );
  for (const [name, needed] of rights.topics) {
    const found = allowed?.get(name);
    if (found === undefined || found === 'absent') continue;
    refusals.push(...lacking(user, `topic ${name}`, needed, found));
  }
  let seen = allowed !== undefined;
  for (const group of rights.groups) {
    const found = await allowedOnGroup(client, broker, `${app}.${group}`);
    if (found === undefined) seen = false;
    else refusals.push(...lacking(user, `group ${app}.${group}`, new Set(['Read'] as const), found));
  }
  for (const group of rights.leases) {
    const id = `${app}-${group}-0`;
    if (await isRefusedTransactionalId(client, broker, id))
      refusals.push(`transactional id ${id}; ${user} may not use it; allow Write on ${app}-${group}-*`);
  }
  findings.errors.push(...refusals);
  if (!seen) findings.warnings.push('rights; these brokers are too old to say what a user may do; a run shows it');
  else if (refusals.length === 0)
    findings.ok.push(
      `rights: ${user} may do what is needed on topics and groups${rights.leases.length > 0 ? ', and ask for its transactional ids (writing with them shows in a run only)' : ''}`,
    );
  return allowed;
}

function lacking(user: string, subject: string, needed: ReadonlySet<Operation>, allowed: Allowed): string[] {
  const missing = [...needed].filter((operation) => typeof allowed === 'string' || !allowed.has(operation));
  if (missing.length === 0) return [];
  return [`${subject}; ${user} may not ${missing.join(', ')}; allow ${missing.length === 1 ? 'it' : 'them'}`];
}

async function inspectTopics(
  client: Client,
  specs: readonly TopicSpec[],
  allowed: OnTopics,
  findings: Findings,
): Promise<void> {
  // One topic whose settings may not be seen would refuse the question for all of them.
  const seen = specs.filter(({ name }) => {
    const found = allowed?.get(name);
    return found === undefined || (typeof found === 'object' && found.has('DescribeConfigs'));
  });
  const found = await describeTopics(
    client,
    seen.map(({ name }) => name),
  );
  const missing: TopicSpec[] = [];
  for (const spec of specs) {
    const topic = found.get(spec.name);
    if (topic === undefined) {
      if (allowed === undefined || allowed.get(spec.name) === 'absent') missing.push(spec);
      continue;
    }
    const problems = problemsOf(spec, topic, false);
    findings.errors.push(...problems);
    findings.warnings.push(...doubtsOf(spec, topic));
    if (problems.length === 0) findings.ok.push(lineOf(spec, topic));
  }
  if (missing.length > 0) await inspectCreation(client, missing, findings);
}

function lineOf({ name, partitions }: TopicSpec, { replicas, settings }: Found): string {
  const of = (setting: string) => settings.get(setting) ?? 'unknown';
  const retention = of('retention.ms') === '-1' ? 'kept for ever' : `kept for ${hours(of('retention.ms'))} h`;
  const kept = of('cleanup.policy') === 'compact' ? 'compacted' : retention;
  return `topic ${name}: ${partitions} partitions, ${replicas} copies (${of('min.insync.replicas')} in sync at least), ${kept}, messages to ${of('max.message.bytes')} bytes`;
}

const hours = (ms: string): number => Math.round(Number(ms) / 360_000) / 10;

/** Nothing that a run refuses, and nothing that one would wish. */
function doubtsOf({ name, kind }: TopicSpec, { settings }: Found): string[] {
  const retentionMs = Number(settings.get('retention.ms') ?? -1);
  if (kind !== 'records' || retentionMs < 0 || retentionMs >= LEAST_RETENTION_MS) return [];
  return [
    `topic ${name}; retention.ms is ${retentionMs}: what nobody has read by then is gone; set it to ${LEAST_RETENTION_MS} or more if that would be a loss`,
  ];
}

/** The broker is asked whether it would. */
async function inspectCreation({ admin, options }: Client, specs: readonly TopicSpec[], findings: Findings) {
  const refusals = new Map<string, string>();
  try {
    await admin.createTopics({
      validateOnly: true,
      waitForLeaders: false,
      topics: specs.map((spec) => ({
        topic: spec.name,
        numPartitions: spec.partitions,
        replicationFactor: options.replicationFactor ?? -1,
        configEntries: settingsOf(spec, options),
      })),
    });
  } catch (error) {
    const each = causes(error).flatMap((one) => (one as { errors?: readonly Error[] }).errors ?? []);
    if (each.length === 0 && !isPermanent(error)) throw error;
    for (const one of each) refusals.set((one as Error & { topic: string }).topic, describe(one));
    if (each.length === 0) for (const { name } of specs) refusals.set(name, describe(error));
  }
  for (const { name, partitions, external } of specs) {
    const refusal = external ? 'it belongs to others' : refusals.get(name);
    if (refusal !== undefined)
      findings.errors.push(
        `topic ${name}; it does not exist, and riffle run cannot create it (${refusal}); create it with ${partitions} partitions, or allow Create`,
      );
    else findings.ok.push(`topic ${name}: not there yet; riffle run creates it with ${partitions} partitions`);
  }
}
