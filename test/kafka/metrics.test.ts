/** What the adapter tells for metrics. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { KafkaObserver } from '../../src/log/kafka/options.ts';
import { assignedOf, readAll, texts } from '../contract/messages.ts';
import { openTestLog, uniqueApp, withSharedBroker } from './brokers.ts';
import { API, createFaults } from './faults.ts';
import { rawProducer } from './raw.ts';

withSharedBroker((broker) => {
  suite('metrics of Kafka', () => {
    test('lag, lag of what is visible, and the age of an open transaction', async (t) => {
      const { brokers } = await broker();
      const app = uniqueApp();
      const topic = `${app}.in`;
      const log = await openTestLog(t, { app, brokers });
      await log.ensureTopics([{ name: topic, partitions: 1, kind: 'records', groups: ['work'] }]);
      await log.producer().append(topic, 0, texts('a', 'b'));
      const transaction = await (await rawProducer(t, brokers, app)).transaction();
      await transaction.send({ topic, messages: [{ value: 'open', partition: 0 }] });
      await log.producer().append(topic, 0, texts('behind', 'it'));
      const consumer = await log.consumer('work', [topic]);
      await readAll(consumer, 2);
      /** The age as of the fetch after next, when it has one. */
      const lag = async () => {
        await consumer.poll({ maxBytes: 1, waitMs: 700 });
        const [own] = log.lag();
        return own!;
      };
      const stuck = await lag();
      assert.deepEqual(
        [stuck.group, stuck.topic, stuck.partition, stuck.lag, stuck.stableLag],
        ['work', topic, 0, 3n, 0n],
      );
      assert.ok(stuck.openTransactionMs > 0);
      const later = await lag();
      assert.ok(later.openTransactionMs > stuck.openTransactionMs);
      await transaction.commit();
      await readAll(consumer, 3);
      const free = await lag();
      assert.deepEqual([free.lag, free.stableLag, free.openTransactionMs], [0n, 0n, 0]);
    });

    test('back-pressure: what nobody takes stays on the broker, and is lag', async (t) => {
      const { brokers } = await broker();
      const app = uniqueApp();
      const topic = `${app}.in`;
      const log = await openTestLog(t, { app, brokers, compression: 'none' });
      await log.ensureTopics([{ name: topic, partitions: 2, kind: 'blocks', groups: ['work'] }]);
      const value = Buffer.alloc(200_000, 7);
      for (let i = 0; i < 60; i++) await log.producer().append(topic, i % 2, [{ value }]);
      const consumer = await log.consumer('work', [topic]);
      await assignedOf(consumer);
      consumer.pause(topic, 1);
      // A queue is full after a few fetches; what is paused takes part in none.
      while (log.lag().some(({ partition, queuedBytes }) => partition === 0 && queuedBytes < 1 << 20))
        await consumer.poll({ maxBytes: 1, waitMs: 50 });
      await new Promise((resolve) => setTimeout(resolve, 1500));
      const [free, paused] = log.lag();
      assert.ok(free!.queuedBytes <= 2.2 * 2 ** 20, `${free!.queuedBytes} bytes wait`);
      assert.ok(free!.lag > 0n && free!.lag <= 30n);
      assert.ok(paused!.queuedBytes <= 1.2 * 2 ** 20);
      consumer.resume(topic, 1);
      const all = await readAll(consumer, 30 + Number(free!.lag));
      assert.equal(all.get(`${topic}-1`)?.length, 30);
    });

    test('rebalances, commits, fences and unknown outcomes are told', async (t) => {
      const { brokers } = await broker();
      const app = uniqueApp();
      const topic = `${app}.in`;
      const told: string[] = [];
      const observer: KafkaObserver = {
        rebalanced: (group, partitions) => told.push(`rebalanced ${group} ${partitions}`),
        committed: (group, partition, ms, offsetsMs) =>
          told.push(`committed ${group} ${partition} ${ms >= offsetsMs && offsetsMs > 0}`),
        fenced: (group, partition) => told.push(`fenced ${group} ${partition}`),
        unknownOutcome: (group, partition) => told.push(`unknown ${group} ${partition}`),
        appendRetried: (name, partition) => told.push(`retried ${name} ${partition}`),
      };
      const faults = createFaults();
      const log = await openTestLog(t, { app, brokers, observer, socketFactory: faults.socketFactory });
      const specs = [{ name: topic, partitions: 2, kind: 'blocks', groups: ['work'] }] as const;
      await log.ensureTopics(specs);
      const other = await openTestLog(t, { app, brokers });
      await other.ensureTopics(specs);
      const commit = { outputs: new Map(), positions: [], next: 1n };
      const lease = await log.lease('work', 1);
      await lease.commit(commit);
      faults.once(API.endTransaction, 'drop');
      await assert.rejects(lease.commit(commit));
      const again = await log.lease('work', 1);
      await other.lease('work', 1);
      await assert.rejects(again.commit(commit));
      faults.once(API.produce, 'drop');
      await log.producer().append(topic, 0, texts('a'));
      await assignedOf(await log.consumer('work', [topic]));
      assert.deepEqual(told, [
        'committed work 1 true',
        'unknown work 1',
        'fenced work 1',
        `retried ${topic} 0`,
        'rebalanced work 2',
      ]);
    });
  });
});
