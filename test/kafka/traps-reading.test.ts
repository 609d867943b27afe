/** Traps of consuming, by their numbers. */
import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { FatalError } from '../../src/errors.ts';
import type { KafkaLog } from '../../src/log/kafka/log.ts';
import type { KafkaLogOptions } from '../../src/log/kafka/options.ts';
import type { Consumer, Polled } from '../../src/log/port.ts';
import { assignedOf, isFenced, readAll, textOf, texts } from '../contract/messages.ts';
import { openTestLog, uniqueApp, withSharedBroker } from './brokers.ts';
import { API, createFaults } from './faults.ts';
import { rawAdmin, rawProducer, readCommitted } from './raw.ts';

withSharedBroker((broker) => {
  async function setUp(t: TestContext, options: Partial<KafkaLogOptions> = {}) {
    const { brokers } = await broker();
    const app = uniqueApp();
    const specs = [{ name: `${app}.in`, partitions: 2, kind: 'blocks', groups: ['work'] }] as const;
    const open = async (more: Partial<KafkaLogOptions> = {}): Promise<KafkaLog> => {
      const log = await openTestLog(t, { app, brokers, ...options, ...more });
      await log.ensureTopics(specs);
      return log;
    };
    return { app, topic: `${app}.in`, brokers, open, log: await open() };
  }

  /** Polls until something is assigned or revoked. */
  async function change(consumer: Consumer): Promise<Polled> {
    for (;;) {
      const polled = await consumer.poll({ maxBytes: 1, waitMs: 1000 });
      if (polled.assigned.length + polled.revoked.length > 0) return polled;
    }
  }

  suite('traps of the Kafka client: reading', () => {
    /** Writes transactions that lie inside one another, as every rebalance of a stage leaves them. */
    async function interleaved(t: TestContext, plan: readonly string[]): Promise<{ log: KafkaLog; topic: string }> {
      const { app, topic, brokers, log } = await setUp(t);
      const open = new Map<string, Awaited<ReturnType<Awaited<ReturnType<typeof rawProducer>>['transaction']>>>();
      const producers = new Map<string, Awaited<ReturnType<typeof rawProducer>>>();
      for (const step of plan) {
        const [name = '', action = ''] = step.split(' ');
        if (!producers.has(name)) producers.set(name, await rawProducer(t, brokers, `${app}-${name}`));
        if (!open.has(name)) open.set(name, await producers.get(name)!.transaction());
        const transaction = open.get(name)!;
        if (action === 'commit' || action === 'abort') {
          await transaction[action]();
          open.delete(name);
        } else {
          const key = action === 'marker' ? Buffer.from([0, 0, 0, 0]) : null;
          await transaction.send({ topic, messages: [{ key, value: step, partition: 0 }] });
        }
      }
      return { log, topic };
    }

    const cases: readonly [string, readonly string[], readonly string[]][] = [
      ['nested', ['A a1', 'B b1', 'A a2', 'B abort', 'A a3', 'A abort', 'C c1', 'C commit'], ['C c1']],
      ['crossed', ['A a1', 'B b1', 'A abort', 'B b2', 'C c1', 'B abort', 'C commit'], ['C c1']],
      ['one after another', ['A a1', 'A abort', 'A a2', 'A commit', 'A a3', 'A abort'], ['A a2']],
      ['with the key of a marker', ['A a1', 'A marker', 'A a2', 'A abort', 'B b1', 'B commit'], ['B b1']],
      [
        'five at once',
        ['A a', 'B b', 'C c', 'D d', 'E e', 'C abort', 'A a', 'E abort', 'B b', 'B commit', 'D abort', 'A abort'],
        ['B b', 'B b'],
      ],
    ];
    for (const [name, plan, expected] of cases) {
      test(`trap 6: aborted transactions stay hidden: ${name}`, async (t) => {
        const { log, topic } = await interleaved(t, plan);
        assert.deepEqual((await readCommitted(log, topic)).map(textOf), expected);
        const all = plan.filter((step) => !/ (commit|abort)$/.test(step)).length;
        // From inside of the transactions, too.
        for (let from = 1; from < all; from++) {
          const consumer = await log.consumer('reader', [topic]);
          await assignedOf(consumer);
          consumer.seek({ topic, partition: 0, offset: BigInt(from) });
          const { batches } = await consumer.poll({ maxBytes: 1 << 20, waitMs: 0 });
          for (const message of batches.flatMap(({ messages }) => messages))
            assert.ok(expected.includes(textOf(message)), textOf(message));
          await consumer.close();
        }
      });
    }

    test('trap 6: more aborted records than a fetch holds: a reader of what there is does not stop in front of them', async (t) => {
      const { app, topic, brokers, log } = await setUp(t);
      const transaction = await (await rawProducer(t, brokers, app)).transaction();
      for (let i = 0; i < 8; i++)
        await transaction.send({ topic, messages: [{ value: Buffer.alloc(600_000, i), partition: 0 }] });
      await transaction.abort();
      await log.producer().append(topic, 0, texts('behind'));
      assert.deepEqual((await readCommitted(log, topic)).map(textOf), ['behind']);
    });

    test('trap 9: a reader that works for longer than the session time-out keeps its partitions', async (t) => {
      const { topic, log } = await setUp(t, { sessionTimeoutMs: 2500, heartbeatMs: 200 });
      await log.producer().append(topic, 0, texts('a', 'b'));
      const consumer = await log.consumer('work', [topic]);
      const messages = (await readAll(consumer, 2)).get(`${topic}-0`) ?? [];
      await new Promise((resolve) => setTimeout(resolve, 5000));
      await consumer.commit([{ topic, partition: 0, offset: messages[1]!.offset + 1n }]);
      assert.equal(await consumer.committed(topic, 0), 2n);
      assert.deepEqual(await consumer.poll({ maxBytes: 1, waitMs: 10 }), { assigned: [], revoked: [], batches: [] });
    });

    test('trap 9: a reader that does not poll any more leaves its group; its late commit is refused', async (t) => {
      const { topic, log, open } = await setUp(t, { maxPollMs: 700 });
      const stuck = await log.consumer('work', [topic]);
      assert.deepEqual(await assignedOf(stuck), [0, 1]);
      const lease = await log.lease('work', 0);
      const other = await open({ maxPollMs: 60_000 });
      const taking = await other.consumer('work', [topic]);
      let given: readonly number[] = [];
      while (given.length < 2) given = [...given, ...(await taking.poll({ maxBytes: 1, waitMs: 1000 })).assigned];
      const owner = await other.lease('work', 0);
      await assert.rejects(lease.commit({ outputs: new Map(), positions: [], next: 1n }), isFenced);
      await owner.commit({ outputs: new Map(), positions: [], next: 1n });
      assert.deepEqual(new Set((await change(stuck)).revoked), new Set([0, 1]));
      await taking.close();
      assert.deepEqual((await change(stuck)).assigned, [0, 1], 'it joins again when it polls again');
    });

    test('trap 10: markers and aborted records are passed over: the position reaches the end, and lag is 0', async (t) => {
      const { app, topic, brokers, log } = await setUp(t);
      const producer = await rawProducer(t, brokers, `${app}-a`);
      for (const [value, end] of [
        ['a', 'commit'],
        ['b', 'abort'],
        ['c', 'abort'],
      ] as const) {
        const transaction = await producer.transaction();
        await transaction.send({ topic, messages: [{ value, partition: 0 }] });
        await transaction[end]();
      }
      const consumer = await log.consumer('work', [topic]);
      await assignedOf(consumer);
      const { end } = await consumer.bounds(topic, 0);
      assert.deepEqual((await readAll(consumer, 1)).get(`${topic}-0`)?.map(textOf), ['a']);
      await consumer.poll({ maxBytes: 1, waitMs: 300 });
      const [lag] = log.lag().filter(({ partition }) => partition === 0);
      assert.deepEqual([lag?.lag, lag?.stableLag], [0n, 0n]);
      await consumer.commit([{ topic, partition: 0, offset: end }]);
      assert.equal(await consumer.committed(topic, 0), 6n);
    });

    test('trap 15: connections that die while fetching do not end the consumer, and nothing is missing or twice', async (t) => {
      const faults = createFaults();
      const { topic, log, open } = await setUp(t);
      const reading = await open({ socketFactory: faults.socketFactory, requestTimeoutMs: 2000 });
      const consumer = await reading.consumer('work', [topic]);
      const producer = log.producer();
      const seen: string[] = [];
      for (const [round, fault] of (['drop', 'no-reply', 'drop'] as const).entries()) {
        faults.once(API.fetch, fault);
        await producer.append(topic, 0, texts(`${round}a`, `${round}b`));
        seen.push(...((await readAll(consumer, 2)).get(`${topic}-0`) ?? []).map(textOf));
      }
      faults.once(API.heartbeat, 'drop');
      await producer.append(topic, 1, texts('last'));
      seen.push(...((await readAll(consumer, 1)).get(`${topic}-1`) ?? []).map(textOf));
      assert.deepEqual(seen, ['0a', '0b', '1a', '1b', '2a', '2b', 'last']);
    });

    test('trap 15: losing a lease costs its partition, for a moment; the consumer goes on', async (t) => {
      const { topic, log, open } = await setUp(t);
      const consumer = await log.consumer('work', [topic]);
      await assignedOf(consumer);
      const lease = await log.lease('work', 0);
      // A process with no consumer of the group in it takes what it likes.
      const intruder = await (await open()).lease('work', 0);
      await assert.rejects(lease.commit({ outputs: new Map(), positions: [], next: 1n }), isFenced);
      assert.deepEqual((await change(consumer)).revoked, [0]);
      assert.deepEqual((await change(consumer)).assigned, [0]);
      await (await log.lease('work', 0)).commit({ outputs: new Map(), positions: [], next: 1n });
      await assert.rejects(intruder.commit({ outputs: new Map(), positions: [], next: 1n }), isFenced);
      await log.producer().append(topic, 1, texts('on'));
      assert.deepEqual((await readAll(consumer, 1)).get(`${topic}-1`)?.map(textOf), ['on']);
    });

    test('an offset that was trimmed is an error that names it, never a jump', async (t) => {
      const { topic, brokers, log } = await setUp(t);
      await log.producer().append(topic, 0, texts('a', 'b', 'c', 'd'));
      const admin = await rawAdmin(t, brokers);
      await admin.fetchTopicOffsets(topic);
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '2' }] });
      const consumer = await log.consumer('work', [topic]);
      await assignedOf(consumer);
      consumer.seek({ topic, partition: 0, offset: 1n });
      const failure = await readAll(consumer, 1).catch((error: unknown) => error);
      assert.ok(failure instanceof FatalError && failure.code === 'below-log-start', String(failure));
      assert.match(failure.message, new RegExp(`${topic}-0@1; the log starts at 2`));
      assert.deepEqual(
        (await admin.fetchOffsets({ groupId: `${topic.split('.')[0]}.work`, topics: [topic] }))[0]?.partitions.map(
          ({ offset }) => offset,
        ),
        ['-1', '-1'],
      );
    });

    test('without a position reading begins where the log begins', async (t) => {
      const { topic, brokers, log } = await setUp(t);
      await log.producer().append(topic, 0, texts('a', 'b', 'c'));
      const admin = await rawAdmin(t, brokers);
      await admin.fetchTopicOffsets(topic);
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '1' }] });
      const consumer = await log.consumer('work', [topic]);
      assert.deepEqual((await readAll(consumer, 2)).get(`${topic}-0`)?.map(textOf), ['b', 'c']);
    });

    test('a member that comes or goes moves as few partitions as it must, and positions go with them', async (t) => {
      const { topic, log, open } = await setUp(t);
      await log.producer().append(topic, 0, texts('0'));
      await log.producer().append(topic, 1, texts('1'));
      const first = await log.consumer('work', [topic]);
      await readAll(first, 2);
      await first.commit([0, 1].map((partition) => ({ topic, partition, offset: 1n })));
      const second = await (await open()).consumer('work', [topic]);
      const [lost, got] = await Promise.all([change(first), change(second)]);
      assert.equal(lost.revoked.length, 1);
      assert.deepEqual(got.assigned, lost.revoked);
      const moved = lost.revoked[0]!;
      await log.producer().append(topic, moved, texts('new'));
      assert.deepEqual((await readAll(second, 1)).get(`${topic}-${moved}`)?.map(textOf), ['new']);
      await second.close();
      assert.deepEqual((await change(first)).assigned, [moved]);
      assert.deepEqual(
        (await readAll(first, 1)).get(`${topic}-${moved}`)?.map(textOf),
        ['new'],
        'not committed by the second',
      );
    });
  });
});
