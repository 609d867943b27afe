/** `riffle check` against a real broker: everything that a run would stumble over, and nothing is changed. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite, test, type TestContext } from 'node:test';
import type { AclOperationTypes, AclResourceTypes } from 'kafkajs';
import { settings as defaults } from '../../k8s/settings.ts';
import { rulesOf } from '../../k8s/users.ts';
import { USER } from '../../scripts/kafka/secure.ts';
import { checkKafka } from '../../src/cli/check-kafka.ts';
import { processStages } from '../../src/cli/run-stream.ts';
import { loadTopology } from '../../src/cli/load-topology.ts';
import { requireKafka } from '../../src/log/kafka/internals.ts';
import { installPatches } from '../../src/log/kafka/patches.ts';
import { topicNames, topicSpecs } from '../../src/runtime/topics.ts';
import { rightsOf } from '../../src/stages/rights.ts';
import { outputTopics } from '../../src/stages/start.ts';
import type { ProcessStage } from '../../src/stages/stream.ts';
import { riffle } from '../integration/cli.ts';
import { openTestLog, uniqueApp, withBroker } from './brokers.ts';
import { createTopics, rawAdmin } from './raw.ts';

// The adapter corrects the client before it loads.
await installPatches();
const {
  AclOperationTypes: OPERATIONS,
  AclPermissionTypes,
  AclResourceTypes: RESOURCES,
  ResourcePatternTypes,
} = requireKafka('kafkajs') as typeof import('kafkajs');

test('rights are those of the manifests, under which every stage was seen to work', async () => {
  const { policy } = await loadTopology('web-crawl', { set: [] });
  const rules = rulesOf({ ...defaults, app: 'a' }, policy);
  for (const stage of processStages) {
    const { topics, groups, leases } = rightsOf(topicNames('a'), outputTopics(policy), new Set([stage]));
    const ours = [...topics].flatMap(([name, operations]) => [...operations].map((one) => `topic ${name} ${one}`));
    ours.push(...groups.map((group) => `group a.${group} Read`));
    ours.push(...leases.flatMap((group) => ['Describe', 'Write'].map((one) => `transactionalId a-${group}- ${one}`)));
    // What every process may look at stands there as a prefix.
    const looking = [...topics.keys()].flatMap((name) => [`topic ${name} Describe`, `topic ${name} DescribeConfigs`]);
    const theirs = rules[stage]
      .filter(({ resource: { patternType, type } }) => patternType === 'literal' || type === 'transactionalId')
      .flatMap(({ resource: { type, name }, operations }) => operations.map((one) => `${type} ${name} ${one}`));
    assert.deepEqual(new Set(ours), new Set([...theirs, ...looking]), stage);
  }
});

/** Whoever comes without a login may do everything, the one user only what a test allows. */
const PROPS = {
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': 'User:ANONYMOUS',
};

withBroker({ secure: true, props: PROPS }, (broker) => {
  interface Asked {
    readonly set?: readonly string[];
    readonly stages?: readonly ProcessStage[];
  }

  async function setUp(t: TestContext) {
    const { brokers, secure } = await broker();
    const app = uniqueApp();
    const ask = async ({ set = [], stages = processStages }: Asked = {}) => {
      const all = [`app=${app}`, 'log.kind=kafka', `log.brokers=${brokers.join()}`, ...set];
      const variable = () => USER.password;
      return checkKafka(await loadTopology('dedup', { set: all }), new Set(stages), { variable });
    };
    return { app, brokers, sasl: secure!.sasl, ask, admin: await rawAdmin(t, brokers) };
  }

  const includes = (lines: readonly string[], pattern: RegExp): void =>
    assert.ok(
      lines.some((line) => pattern.test(line)),
      `${String(pattern)} is not in\n${lines.join('\n')}`,
    );

  suite('riffle check on Kafka', () => {
    test('an empty cluster, and one with the topics of a run', { timeout: 600_000 }, async (t) => {
      const { app, brokers, ask, admin } = await setUp(t);
      const topics = async () => (await admin.listTopics()).filter((name) => !name.startsWith('__'));
      const before = await topics();

      const empty = await ask();

      assert.deepEqual(empty.errors, []);
      includes(empty.ok, /^log 127\.0\.0\.1:\d+: answers, no login, not encrypted$/);
      includes(empty.ok, /^brokers: 1 of cluster \S+, Kafka 4\.0 or later$/);
      includes(empty.ok, /^timeouts: session 10000 ms, transaction 15000 ms/);
      includes(empty.ok, /^rights: this user may do what is needed/);
      includes(empty.ok, new RegExp(`^topic ${app}\\.raw: not there yet; riffle run creates it with 8 partitions$`));
      assert.deepEqual(await topics(), before);

      const { policy } = await loadTopology('dedup', { set: [] });
      const specs = topicSpecs(topicNames(app), 3, outputTopics(policy), 'topic');
      await (await openTestLog(t, { app, brokers })).ensureTopics(specs);
      const whole = await ask();
      assert.deepEqual([whole.errors, whole.warnings], [[], []]);
      includes(whole.ok, new RegExp(`^topic ${app}\\.sifted: 3 partitions, 1 copies \\(1 in sync .*, kept for ever, `));
      includes(whole.ok, new RegExp(`^topic ${app}\\.policy: 1 partitions, .*, compacted, messages to 8388608 bytes$`));
      includes(whole.ok, new RegExp(`^topic ${app}\\.rejected: 3 partitions, .* kept for 168 h, `));
    });

    test('topics and timeouts that do not do', { timeout: 600_000 }, async (t) => {
      const { app, ask, admin } = await setUp(t);
      const create = (name: string, numPartitions: number, settings: Readonly<Record<string, string>> = {}) => ({
        topic: `${app}.${name}`,
        numPartitions,
        configEntries: Object.entries(settings).map(([key, value]) => ({ name: key, value })),
      });
      await createTopics(admin, [
        create('raw', 2, { 'retention.ms': '3600000' }),
        create('sifted', 5, { 'retention.ms': '-1' }),
        create('verdicts', 2, { 'cleanup.policy': 'compact' }),
      ]);
      const set = ['log.transactionTimeoutMs=3600000', 'log.sessionTimeoutMs=100', 'log.replicationFactor=3'];

      const { errors, warnings } = await ask({ set });

      includes(errors, /^log\.transactionTimeoutMs 3600000; transaction\.max\.timeout\.ms of a broker is 900000; /);
      includes(errors, /^log\.sessionTimeoutMs 100; a broker takes 500 to 1800000 /);
      includes(errors, /\.sifted; it has 5 partitions, wanted 2; /);
      includes(errors, /\.verdicts; cleanup\.policy is compact; set it to delete/);
      includes(errors, /\.sketches; it does not exist, and riffle run cannot create it \(INVALID_REPLICATION_FACTOR: /);
      includes(warnings, /\.raw; retention\.ms is 3600000: what nobody has read by then is gone/);
    });

    test('rights, for one user and the stages that it is for', { timeout: 600_000 }, async (t) => {
      const { app, brokers, sasl, ask, admin } = await setUp(t);
      const { policy } = await loadTopology('dedup', { set: [] });
      const specs = topicSpecs(topicNames(app), 1, outputTopics(policy), 'topic');
      await (await openTestLog(t, { app, brokers })).ensureTopics(specs);
      const set = [
        `log.brokers=${sasl}`,
        'log.sasl.mechanism=plain',
        `log.sasl.username=${USER.name}`,
        'log.sasl.passwordEnv=X',
      ];
      const allow = (resourceType: AclResourceTypes, resourceName: string, operation: AclOperationTypes) => ({
        resourceType,
        resourceName,
        resourcePatternType: ResourcePatternTypes.PREFIXED,
        principal: `User:${USER.name}`,
        host: '*',
        operation,
        permissionType: AclPermissionTypes.ALLOW,
      });

      const none = await ask({ set });
      includes(none.errors, new RegExp(`^topic ${app}\\.raw; user riffle may not Describe, DescribeConfigs, Read; `));
      includes(none.errors, new RegExp(`^group ${app}\\.sift; user riffle may not Read; allow it$`));
      includes(none.errors, new RegExp(`^transactional id ${app}-curate-0; user riffle may not use it; `));
      includes(none.warnings, /^settings of the brokers; this user may not see them/);

      const { TOPIC, GROUP } = RESOURCES;
      const { READ, WRITE, DESCRIBE_CONFIGS } = OPERATIONS;
      await admin.createAcls({
        acl: [
          allow(TOPIC, `${app}.`, READ),
          allow(TOPIC, `${app}.`, DESCRIBE_CONFIGS),
          allow(TOPIC, `${app}.s`, WRITE),
          allow(GROUP, `${app}.`, READ),
        ],
      });
      const sift = await ask({ set, stages: ['sift'] });
      assert.deepEqual(sift.errors, []);
      includes(sift.ok, /^rights: user riffle may do what is needed on topics and groups$/);
      includes(sift.ok, /^log \S+: answers, login by plain, not encrypted$/);
      const curate = await ask({ set, stages: ['curate'] });
      includes(curate.errors, new RegExp(`^topic ${app}\\.rejected; user riffle may not Write; allow it$`));
    });

    test('schemas of the outputs at a registry', { timeout: 600_000 }, async (t) => {
      const { app, ask } = await setUp(t);
      let fits = true;
      const asked: string[] = [];
      const server = createServer((request, response) => {
        asked.push(`${request.method} ${request.url}`);
        const known = request.url!.includes('rejected') && !request.url!.includes('versions/0');
        response.statusCode = known ? 200 : 404;
        const schema = JSON.stringify({ type: 'record', name: 'R', fields: [{ name: 'other', type: 'string' }] });
        const answer = request.url!.startsWith('/compatibility')
          ? { is_compatible: fits }
          : { id: 1, version: 1, schema };
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify(known ? answer : { error_code: 40401, message: 'Subject not found' }));
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      t.after(() => {
        server.closeAllConnections();
        server.close();
      });
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

      const well = await ask({ set: [`registry.url=${url}`] });
      assert.deepEqual(well.errors, []);
      includes(well.ok, new RegExp(`^registry ${url}: answers, outputs are written as avro$`));
      includes(well.ok, new RegExp(`^subject ${app}\\.rejected-value: compatible$`));
      includes(well.ok, new RegExp(`^subject ${app}\\.dead-letter-value: not there yet; riffle run registers it$`));
      assert.ok(
        asked.every((line) => !/^POST \/subjects\/[^/]+\/versions$|^PUT/.test(line)),
        asked.join('\n'),
      );

      fits = false;
      const differs = await ask({ set: [`registry.url=${url}`] });
      includes(differs.errors, new RegExp(`^subject ${app}\\.rejected-value; .*only in the registry: other`));
      const fixed = await ask({ set: [`registry.url=${url}`, 'registry.autoRegister=false'] });
      includes(fixed.errors, /-value at http\S+; it is not there; register the schema/);
      const nobody = await ask({ set: ['registry.url=http://127.0.0.1:1'] });
      includes(nobody.errors, /^\S.*127\.0\.0\.1:1/);
    });

    test('as its users call it', { timeout: 600_000 }, async (t) => {
      const { app, brokers, ask } = await setUp(t);
      await ask();
      const args = ['check', 'dedup', '--set', `app=${app}`, '--set', 'log.kind=kafka'];
      const where = (address: string) => ['--set', `log.brokers=${address}`];
      const [well, wrong, away] = await Promise.all([
        riffle([...args, ...where(brokers.join()), '--json']),
        riffle([...args, ...where(brokers.join()), '--set', 'log.sessionTimeoutMs=100']),
        riffle([...args, ...where('127.0.0.1:1')]),
      ]);
      assert.equal(well.code, 0, well.stderr);
      includes((JSON.parse(well.stdout) as { ok: string[] }).ok, /^brokers: 1 of cluster/);
      assert.equal(wrong.code, 2);
      assert.match(wrong.stdout, /brokers: 1 of cluster/);
      assert.match(wrong.stderr, /^log\.sessionTimeoutMs 100; /);
      assert.equal(away.code, 2);
      assert.match(away.stderr, /^brokers 127\.0\.0\.1:1; none of them answers: /m);
    });
  });
});
