/** Topics as they are found: created, refused with everything that is wrong, deleted underneath. */
import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { ConfigError } from '../../src/errors.ts';
import { openKafkaLog } from '../../src/log/kafka/log.ts';
import type { TopicSpec } from '../../src/log/port.ts';
import { assignedOf, texts } from '../contract/messages.ts';
import { openTestLog, uniqueApp, withSharedBroker } from './brokers.ts';
import { createTopic, rawAdmin } from './raw.ts';

withSharedBroker((broker) => {
  async function setUp(t: TestContext) {
    const { brokers } = await broker();
    const app = uniqueApp();
    const admin = await rawAdmin(t, brokers);
    const create = (topic: string, partitions: number, settings: Readonly<Record<string, string>> = {}) =>
      createTopic(admin, topic, partitions, settings);
    return {
      app,
      brokers,
      admin,
      create,
      log: await openTestLog(t, { app, brokers, patienceMs: 1500, metadataMs: 1000 }),
    };
  }

  suite('topics on Kafka', () => {
    test('what is missing is created with the settings that the protocol needs', async (t) => {
      const { app, admin, log } = await setUp(t);
      await log.ensureTopics([
        { name: `${app}.blocks`, partitions: 3, kind: 'blocks', groups: ['work'] },
        { name: `${app}.records`, partitions: 2, kind: 'records', groups: [] },
        { name: `${app}.state`, partitions: 1, kind: 'compacted', groups: [] },
      ]);
      const names = ['cleanup.policy', 'retention.ms', 'message.timestamp.type', 'max.message.bytes'];
      const settings = async (topic: string): Promise<Record<string, string>> => {
        const { resources } = await admin.describeConfigs({
          resources: [{ type: 2, name: topic, configNames: names }],
          includeSynonyms: false,
        });
        return Object.fromEntries(
          (resources[0]?.configEntries ?? []).map(({ configName, configValue }) => [configName, configValue]),
        );
      };
      const large = { 'max.message.bytes': String(8 << 20) };
      const weekMs = String(7 * 86_400_000);
      assert.deepEqual(await settings(`${app}.blocks`), {
        'cleanup.policy': 'delete',
        'retention.ms': '-1',
        'message.timestamp.type': 'LogAppendTime',
        ...large,
      });
      assert.deepEqual(await settings(`${app}.records`), {
        'cleanup.policy': 'delete',
        'retention.ms': weekMs,
        'message.timestamp.type': 'CreateTime',
        ...large,
      });
      assert.equal((await settings(`${app}.state`))['cleanup.policy'], 'compact');
      assert.equal(await log.partitions(`${app}.blocks`), 3);
      assert.equal(await log.partitions(`${app}.none`), undefined);
    });

    test('everything that is wrong with existing topics is named at once, and nothing is created then', async (t) => {
      const { app, admin, create, log } = await setUp(t);
      await create(`${app}.few`, 2);
      await create(`${app}.compacted`, 1, { 'cleanup.policy': 'compact' });
      await create(`${app}.short`, 1, { 'retention.ms': '60000' });
      await create(`${app}.small`, 1, {
        'max.message.bytes': '5000',
        'retention.bytes': '1000000',
        'retention.ms': '-1',
      });
      await create(`${app}.state`, 1);
      const spec = (name: string, partitions: number, kind: TopicSpec['kind']): TopicSpec => ({
        name: `${app}.${name}`,
        partitions,
        kind,
        groups: [],
      });
      const specs = [
        spec('few', 8, 'records'),
        spec('compacted', 1, 'blocks'),
        spec('short', 1, 'blocks'),
        spec('small', 1, 'blocks'),
        spec('state', 1, 'compacted'),
        spec('missing', 1, 'records'),
      ];
      const failure = await log.ensureTopics(specs).catch((error: unknown) => error);
      assert.ok(failure instanceof ConfigError);
      const expected = [
        /few; it has 2 partitions, wanted 8; /,
        /compacted; cleanup\.policy is compact; set it to delete/,
        /short; retention\.ms is 60000; set it to -1/,
        /small; retention\.bytes is 1000000; set it to -1/,
        /small; max\.message\.bytes is 5000; set it to 1000000 or more/,
        /state; cleanup\.policy is delete; set it to compact/,
      ];
      const lines = failure.message.split('\n');
      assert.equal(lines.length, expected.length, failure.message);
      for (const [i, pattern] of expected.entries()) assert.match(lines[i]!, pattern);
      assert.ok(!(await admin.listTopics()).includes(`${app}.missing`));
      const checked = await log.check(specs);
      assert.deepEqual(checked.slice(0, -1), lines);
      assert.match(checked.at(-1)!, /missing; it does not exist; create it with 1 partitions/);
    });

    test('a topic of others is not created, and only compaction and partitions matter', async (t) => {
      const { app, create, log } = await setUp(t);
      const raw: TopicSpec = { name: `${app}.raw`, partitions: 2, kind: 'blocks', groups: ['sift'], external: true };
      await assert.rejects(log.ensureTopics([raw]), { name: 'ConfigError' });
      await create(raw.name, 2, { 'retention.ms': '60000', 'max.message.bytes': '2000' });
      await log.ensureTopics([raw]);
      await create(`${app}.keyed`, 2, { 'cleanup.policy': 'compact' });
      await assert.rejects(log.ensureTopics([{ ...raw, name: `${app}.keyed` }]), /compaction takes records away/);
    });

    test('two processes that create the same topics at once agree', async (t) => {
      const { app, brokers, log } = await setUp(t);
      const specs: TopicSpec[] = ['a', 'b', 'c'].map((name) => ({
        name: `${app}.${name}`,
        partitions: 2,
        kind: 'blocks',
        groups: [],
      }));
      const other = await openTestLog(t, { app, brokers });
      await Promise.all([log.ensureTopics(specs), other.ensureTopics(specs)]);
      await other.producer().append(`${app}.b`, 1, texts('x'));
    });

    test('a topic that is deleted and made again underneath is told from one that is only empty', {
      timeout: 600_000,
    }, async (t) => {
      const { app, admin, create, log } = await setUp(t);
      const topic = `${app}.in`;
      await log.ensureTopics([{ name: topic, partitions: 1, kind: 'blocks', groups: ['work'] }]);
      await log.producer().append(topic, 0, texts('a', 'b', 'c'));
      const consumer = await log.consumer('work', [topic]);
      await assignedOf(consumer);
      consumer.seek({ topic, partition: 0, offset: 2n });
      await consumer.poll({ maxBytes: 1, waitMs: 2000 });
      await admin.deleteTopics({ topics: [topic] });
      while ((await admin.listTopics()).includes(topic));
      await create(topic, 1, { 'retention.ms': '-1' });
      await assert.rejects(
        async () => {
          for (;;) await consumer.poll({ maxBytes: 1, waitMs: 1000 });
        },
        { code: 'beyond-log-end' },
      );
    });

    test('a topic that is deleted underneath ends the consumer, after a while in which it could be a restart', {
      timeout: 600_000,
    }, async (t) => {
      const { app, admin, log } = await setUp(t);
      const topic = `${app}.in`;
      await log.ensureTopics([{ name: topic, partitions: 1, kind: 'blocks', groups: ['work'] }]);
      const consumer = await log.consumer('work', [topic]);
      await assignedOf(consumer);
      await admin.deleteTopics({ topics: [topic] });
      await assert.rejects(
        async () => {
          for (;;) await consumer.poll({ maxBytes: 1, waitMs: 1000 });
        },
        { code: 'topic-gone' },
      );
    });

    test('a topic that gets more partitions while it is read ends the consumer: nobody would read them', async (t) => {
      const { app, admin, log } = await setUp(t);
      const topic = `${app}.in`;
      await log.ensureTopics([{ name: topic, partitions: 2, kind: 'blocks', groups: ['work'] }]);
      const consumer = await log.consumer('work', [topic]);
      await assignedOf(consumer);
      await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] });
      await assert.rejects(
        async () => {
          for (;;) await consumer.poll({ maxBytes: 1, waitMs: 1000 });
        },
        { code: 'topic-grown' },
      );
    });

    test('a broker that does not answer, and one that is none, are configuration errors', async () => {
      await assert.rejects(openKafkaLog({ app: 'x', brokers: ['127.0.0.1:1'] }), (error: Error) => {
        assert.equal(error.name, 'ConfigError');
        assert.match(error.message, /^brokers 127\.0\.0\.1:1; none of them answers: /);
        return true;
      });
    });
  });
});
