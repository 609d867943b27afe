/** The stages under the rules of the manifests, each as its own user, on a broker that refuses everything else. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs, { type Kafka as Client } from 'kafkajs';
import { settings as defaults, stages, type Settings } from '../../k8s/settings.ts';
import type { AclRule } from '../../k8s/strimzi.ts';
import { kafkaTopics } from '../../k8s/topics.ts';
import { kafkaUsers } from '../../k8s/users.ts';
import { type Kafka, startKafka } from '../../scripts/kafka/broker.ts';
import { NoBroker } from '../../scripts/kafka/jars.ts';
import { loadTopology } from '../../src/cli/load-topology.ts';
import { skip } from '../../src/testing/shared.ts';

const settings: Settings = { ...defaults, topology: 'dedup', app: 'mill', partitions: 2, replicas: 1 };
const { policy } = await loadTopology(settings.topology, { set: [] });
const topics = kafkaTopics(settings, policy);
const users = kafkaUsers(settings, policy);
const outputs = topics
  .map(({ spec }) => spec.topicName)
  .filter((name) => /\.(?:curated\.|rejected|dead-letter)/.test(name));
const passwordOf = (user: string): string => `${user}-password`;

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;
const RESOURCES = {
  topic: AclResourceTypes.TOPIC,
  group: AclResourceTypes.GROUP,
  transactionalId: AclResourceTypes.TRANSACTIONAL_ID,
} as const;
const PATTERNS = { literal: ResourcePatternTypes.LITERAL, prefix: ResourcePatternTypes.PREFIXED } as const;
const OPERATIONS = {
  Read: AclOperationTypes.READ,
  Write: AclOperationTypes.WRITE,
  Delete: AclOperationTypes.DELETE,
  Describe: AclOperationTypes.DESCRIBE,
  DescribeConfigs: AclOperationTypes.DESCRIBE_CONFIGS,
} as const;
type Used = keyof typeof OPERATIONS;

const DOCUMENTS = 40;
const DEADLINE_MS = 180_000;
/** What the pods have at least. */
const DRAIN_MS = 30_000;

test('each stage does its work with what its user is allowed', async (t) => {
  const broker = await startedBroker(t);
  if (broker === undefined) return;
  const root = new kafkajs.Kafka({ brokers: [...broker.brokers], logLevel: kafkajs.logLevel.NOTHING });
  await prepare(root);
  const folder = mkdtempSync(path.join(tmpdir(), 'riffle-'));
  const running = stages.map((stage) => startStage(broker, stage, path.join(folder, stage)));
  // In this order: a stage ends well only while there is a broker, and the index while it has its folder.
  t.after(async () => {
    await Promise.all(running.map(({ stop }) => stop()));
    await broker.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const found = await decided(root, running);
  assert.deepEqual(
    found.toSorted((a, b) => a - b),
    Array.from({ length: DOCUMENTS }, (_, i) => i),
  );
  for (const { stage, stop } of running) assert.equal(await stop(), 143, `SIGTERM drains and ends ${stage}`);
  for (const { output } of running) assert.doesNotMatch(output(), /authoriz/i);

  const [curated = ''] = outputs;
  await assert.rejects(sendAs(broker, 'sift', curated), /not authorized/i);
  await assert.rejects(sendAs(broker, 'curate', `${settings.app}.raw`), /not authorized/i);
  await assert.rejects(sendAs(broker, 'controller', `${settings.app}.sifted`), /not authorized/i);
  await deleteAs(broker, 'controller', `${settings.app}.sifted`);
  await assert.rejects(deleteAs(broker, 'curate', `${settings.app}.sifted`), /deleting records/i);
});

async function startedBroker(t: TestContext): Promise<Kafka | undefined> {
  const accounts = users.map(({ metadata: { name } }) => `user_${name}="${passwordOf(name)}"`).join(' ');
  const props = {
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    // Whoever comes without a name: the brokers themselves, and the test.
    'super.users': 'User:ANONYMOUS',
    'listener.name.sasl.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required ${accounts};`,
  };
  try {
    return await startKafka({ secure: true, props });
  } catch (error) {
    if (!(error instanceof NoBroker)) throw error;
    skip(t, error.message);
    return undefined;
  }
}

/** Topics and rules as the manifests have them, and records to decide: every fourth a copy of the one before. */
async function prepare(client: Client): Promise<void> {
  const admin = client.admin();
  await admin.connect();
  await admin.createTopics({
    waitForLeaders: true,
    topics: topics.map(({ spec }) => ({
      topic: spec.topicName,
      numPartitions: spec.partitions,
      replicationFactor: spec.replicas,
      configEntries: Object.entries(spec.config).map(([name, value]) => ({ name, value: String(value) })),
    })),
  });
  const acl = users.flatMap(({ metadata, spec }) =>
    spec.authorization.acls.flatMap((rule) => rulesOf(metadata.name, rule)),
  );
  await admin.createAcls({ acl });
  await admin.disconnect();

  const producer = client.producer();
  await producer.connect();
  const documents = Array.from({ length: DOCUMENTS }, (_, i) => {
    const text = Array.from({ length: 60 }, (__, word) => `w${i % 4 === 3 ? i - 1 : i}x${word}`).join(' ');
    return { partition: i % settings.partitions, value: JSON.stringify({ id: String(i), text }) };
  });
  await producer.send({ topic: `${settings.app}.raw`, messages: documents });
  await producer.disconnect();
}

const rulesOf = (user: string, { resource, operations }: AclRule) =>
  operations.map((operation) => ({
    resourceType: RESOURCES[resource.type],
    resourceName: resource.name,
    resourcePatternType: PATTERNS[resource.patternType],
    principal: `User:${user}`,
    host: '*',
    operation: OPERATIONS[operation as Used],
    permissionType: AclPermissionTypes.ALLOW,
  }));

interface Running {
  readonly stage: string;
  readonly child: ChildProcess;
  readonly output: () => string;
  /** Its exit status after SIGTERM; null when it had to be killed. */
  readonly stop: () => Promise<number | null>;
}

function startStage(broker: Kafka, stage: string, state: string): Running {
  const user = `${settings.app}-${stage}`;
  const set = {
    app: settings.app,
    'log.kind': 'kafka',
    'log.brokers': broker.secure!.sasl,
    'log.sasl.mechanism': 'plain',
    'log.sasl.username': user,
    'log.sasl.passwordEnv': 'MILL_PASSWORD',
    // The onlooker below knows no codec.
    'log.compression': 'none',
    workers: '1',
  };
  const args = ['run', settings.topology, '--stages', stage, '--state', state, '--no-http', '--log-level', 'info'];
  const entry = path.resolve(import.meta.dirname, '../../bin/riffle.js');
  const flags = Object.entries(set).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
  const child = spawn(process.execPath, [entry, ...args, ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, MILL_PASSWORD: passwordOf(user) },
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const stop = async () => {
    child.kill('SIGTERM');
    const patience = setTimeout(() => child.kill('SIGKILL'), DRAIN_MS);
    const status = await ended;
    clearTimeout(patience);
    return status;
  };
  return { stage, child, output: () => text, stop };
}

/** The numbers of the documents in all outputs, once there are as many as were sent. */
async function decided(client: Client, running: readonly Running[]): Promise<number[]> {
  // By their places: a reader that lost its partitions for a moment reads again what it has read.
  const found = new Map<string, number>();
  const consumer = client.consumer({ groupId: 'onlooker', readUncommitted: false });
  await consumer.connect();
  await consumer.subscribe({ topics: outputs, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ topic, partition, message }) => {
      const { id } = JSON.parse(message.value!.toString()) as { id: string };
      found.set(`${topic}-${partition}@${message.offset}`, Number(id));
    },
  });
  const until = performance.now() + DEADLINE_MS;
  while (found.size < DOCUMENTS && performance.now() < until) {
    const gone = running.find(({ child }) => child.exitCode !== null);
    if (gone !== undefined) assert.fail(`a stage ended:\n${gone.output()}`);
    await sleep(100);
  }
  await consumer.disconnect();
  if (found.size < DOCUMENTS)
    assert.fail(`${found.size} decided:\n${running.map(({ output }) => output()).join('\n')}`);
  return [...found.values()];
}

function clientOf(broker: Kafka, stage: string): Client {
  const username = `${settings.app}-${stage}`;
  return new kafkajs.Kafka({
    brokers: [broker.secure!.sasl],
    sasl: { mechanism: 'plain', username, password: passwordOf(username) },
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { retries: 0 },
  });
}

/** Nothing is deleted: offset 0 is the first. */
async function deleteAs(broker: Kafka, stage: string, topic: string): Promise<void> {
  const admin = clientOf(broker, stage).admin();
  await admin.connect();
  try {
    // This client deletes only where it has looked before.
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '0' }] });
  } finally {
    await admin.disconnect();
  }
}

async function sendAs(broker: Kafka, stage: string, topic: string): Promise<void> {
  const producer = clientOf(broker, stage).producer();
  await producer.connect();
  try {
    await producer.send({ topic, messages: [{ value: 'x', partition: 0 }] });
  } finally {
    await producer.disconnect();
  }
}
