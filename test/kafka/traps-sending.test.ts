/** Traps of producing, by their numbers; and of brokers that restart (4). */
import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { FatalError } from '../../src/errors.ts';
import type { KafkaLogOptions } from '../../src/log/kafka/options.ts';
import type { TopicSpec } from '../../src/log/port.ts';
import { assignedOf, readAll, textOf, texts } from '../contract/messages.ts';
import { openTestLog, uniqueApp, withBroker } from './brokers.ts';
import { API, createFaults } from './faults.ts';
import { createTopic, rawAdmin, readCommitted } from './raw.ts';

withBroker({}, (broker) => {
  async function setUp(t: TestContext, options: Partial<KafkaLogOptions> = {}) {
    const { brokers } = await broker();
    const app = uniqueApp();
    const log = await openTestLog(t, {
      app,
      brokers,
      requestTimeoutMs: 3000,
      transactionTimeoutMs: 20_000,
      ...options,
    });
    const specs: TopicSpec[] = [
      { name: `${app}.in`, partitions: 4, kind: 'blocks', groups: ['work'] },
      { name: `${app}.out`, partitions: 2, kind: 'records', groups: [] },
    ];
    await log.ensureTopics(specs);
    return { app, log, brokers, topic: `${app}.in`, out: `${app}.out` };
  }

  /** Without what came twice: appends are at least once. */
  const distinct = (values: readonly string[]): string[] => [...new Set(values)];

  suite('traps of the Kafka client: sending', () => {
    test('trap 4: a broker that is killed and comes back: appends, commits, positions and reading go on', async (t) => {
      const { app, log, topic, out } = await setUp(t);
      const [node] = (await broker()).nodes;
      const consumer = await log.consumer('work', [topic]);
      await assignedOf(consumer);
      let lease = await log.lease('work', 3);
      const producer = log.producer();
      await producer.append(topic, 0, texts('a'));
      await readAll(consumer, 1);
      await node!.kill9();
      const starting = node!.start();
      const appended = producer.append(topic, 0, texts('b'));
      const committed = consumer.commit([{ topic, partition: 0, offset: 1n }]);
      const commit = { outputs: new Map([[out, texts('x')]]), positions: [], next: 5n };
      for (let done = false; !done; ) {
        done = await lease.commit(commit).then(
          () => true,
          () => false,
        );
        if (done) break;
        lease = await log.lease('work', 3);
        done = lease.next === 5n;
      }
      await Promise.all([starting, appended, committed]);
      assert.equal(distinct(((await readAll(consumer, 1)).get(`${topic}-0`) ?? []).map(textOf)).at(-1), 'b');
      assert.equal(await consumer.committed(topic, 0), 1n);
      assert.equal(await log.progress('work', 3), 5n);
      assert.deepEqual((await readCommitted(log, `${app}.out`, 1)).map(textOf), ['x']);
    });

    test('trap 8: lost requests and replies: each append is there, in order, in its partition', async (t) => {
      const faults = createFaults();
      const { log, topic } = await setUp(t, { socketFactory: faults.socketFactory });
      let sends = 0;
      faults.plan((api) =>
        api === API.produce && ++sends % 5 === 2 ? (sends % 2 === 0 ? 'drop' : 'no-reply') : undefined,
      );
      const producer = log.producer();
      const values = (partition: number): string[] => Array.from({ length: 100 }, (_, i) => `${partition}:${i}`);
      await Promise.all(
        [0, 1, 2, 3].map(async (partition) => {
          for (const value of values(partition)) await producer.append(topic, partition, texts(value));
        }),
      );
      faults.none();
      assert.ok((faults.hits.get(API.produce) ?? 0) > 20);
      for (const partition of [0, 1, 2, 3]) {
        const read = (await readCommitted(log, topic, partition)).map(textOf);
        assert.deepEqual(distinct(read), values(partition));
      }
    });

    test('trap 11: a message that is too large is refused before anything is sent; the lease goes on and loses nothing', async (t) => {
      const { log, out } = await setUp(t, { compression: 'none', maxMessageBytes: 1_000_000 });
      const lease = await log.lease('work', 0);
      const large = { value: Buffer.alloc(1_100_000, 7) };
      assert.ok((await log.maxValueBytes(out)) < 1_000_000);
      const commit = (next: bigint, ...messages: { value: Uint8Array }[]) =>
        lease.commit({ outputs: new Map([[out, messages]]), positions: [], next });
      await commit(1n, ...texts('a'));
      await assert.rejects(commit(2n, ...texts('b'), large), { code: 'message-too-large' });
      await commit(2n, ...texts('c'));
      await commit(3n, ...texts('d'));
      assert.deepEqual((await readCommitted(log, out)).map(textOf), ['a', 'c', 'd']);
      const failure = await log
        .producer()
        .append(out, 0, [large])
        .catch((error: unknown) => error);
      assert.ok(failure instanceof FatalError);
      assert.match(
        failure.message,
        /1100000 bytes, 1100000 compressed; raise max\.message\.bytes of the topic, now 1000000/,
      );
      assert.equal(await log.progress('work', 0), 3n);
    });

    test('trap 12: more than a batch may hold is split, in order, inside one transaction', async (t) => {
      const { log, topic, out } = await setUp(t, { compression: 'none', maxMessageBytes: 1_000_000 });
      const message = (i: number) => ({ value: Buffer.alloc(30_000, String(i % 10)) });
      const messages = Array.from({ length: 120 }, (_, i) => message(i));
      const lease = await log.lease('work', 1);
      await lease.commit({ outputs: new Map([[out, messages]]), positions: [], next: 1n });
      await log.producer().append(topic, 2, messages);
      for (const read of [await readCommitted(log, out, 1), await readCommitted(log, topic, 2)])
        assert.deepEqual(
          read.map((one) => textOf(one)[0]),
          messages.map((_, i) => String(i % 10)),
        );
    });

    test('a message that fits only compressed is sent', async (t) => {
      const { log, topic } = await setUp(t, { maxMessageBytes: 1_000_000 });
      await log.producer().append(topic, 0, [{ value: Buffer.alloc(3_000_000, 'ab') }]);
      assert.equal((await readCommitted(log, topic))[0]?.value.byteLength, 3_000_000);
    });

    test('lines become messages without their line feeds, in the partition of the lease', async (t) => {
      const { log, out } = await setUp(t);
      const text = '{"a":1}\n{"ü":2}\n';
      const lines = {
        bytes: Buffer.from(text),
        lengths: Uint32Array.of(8, 9),
        headers: [{ 'riffle.reason': 'ü' }, {}],
      };
      const lease = await log.lease('work', 3);
      await lease.commit({ outputs: new Map(), lines: new Map([[out, lines]]), positions: [], next: 1n });
      const read = await readCommitted(log, out, 1);
      assert.deepEqual(read.map(textOf), ['{"a":1}', '{"ü":2}']);
      assert.deepEqual({ ...read[0]?.headers }, { 'riffle.reason': 'ü' });
    });

    test('trimming lets go of what every group of a topic has passed, and of nothing else', async (t) => {
      const { brokers } = await broker();
      const app = uniqueApp();
      const log = await openTestLog(t, { app, brokers });
      const names = ['both', 'raw', 'out', 'none'].map((name) => `${app}.${name}`);
      const [both = '', raw = '', out = '', none = ''] = names;
      const admin = await rawAdmin(t, brokers);
      await createTopic(admin, raw, 1);
      await log.ensureTopics([
        { name: both, partitions: 1, kind: 'blocks', groups: ['early', 'late'] },
        { name: raw, partitions: 1, kind: 'blocks', groups: ['early'], external: true },
        { name: out, partitions: 1, kind: 'records', groups: ['early'] },
        { name: none, partitions: 1, kind: 'blocks', groups: [] },
      ]);
      const consumer = await log.consumer('early', [both, raw, out]);
      for (const name of names) await log.producer().append(name, 0, texts('a', 'b', 'c', 'd'));
      await readAll(consumer, 12);
      await consumer.commit([both, raw, out].map((topic) => ({ topic, partition: 0, offset: 3n })));
      assert.deepEqual(await log.trim(), { removed: 0, more: false });
      const lease = await log.lease('late', 0);
      await lease.commit({ outputs: new Map(), positions: [{ topic: both, partition: 0, offset: 2n }], next: 2n });
      await lease.commit({ outputs: new Map(), positions: [], next: 3n });
      assert.deepEqual(await log.trim(), { removed: 2, more: false });
      const starts = await Promise.all(names.map(async (name) => (await admin.fetchTopicOffsets(name))[0]?.low));
      assert.deepEqual(starts, ['2', '0', '0', '0']);
    });
  });
});
