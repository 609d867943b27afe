/** Trap 13: at a change of leaders the client loses acknowledged records in silence and writes others twice. Only several brokers show it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TransientError } from '../../src/errors.ts';
import type { KafkaLog } from '../../src/log/kafka/log.ts';
import { textOf, texts } from '../contract/messages.ts';
import { openTestLog, uniqueApp, withBroker } from './brokers.ts';
import { readCommitted } from './raw.ts';

const PARTITIONS = 4;

withBroker({ nodes: 3 }, (brokers) => {
  test('trap 13: each broker is killed in turn: appends are all there and in order, commits exactly once', {
    timeout: 600_000,
  }, async (t) => {
    const kafka = await brokers();
    const app = uniqueApp();
    const [topic, out] = [`${app}.in`, `${app}.out`];
    const open = async (): Promise<KafkaLog> => {
      const log = await openTestLog(t, {
        app,
        brokers: kafka.brokers,
        requestTimeoutMs: 4000,
        transactionTimeoutMs: 10_000,
        replicationFactor: 3,
      });
      await log.ensureTopics([
        { name: topic, partitions: PARTITIONS, kind: 'blocks', groups: ['work'] },
        { name: out, partitions: PARTITIONS, kind: 'records', groups: [] },
      ]);
      return log;
    };
    const log = await open();
    let stopping = false;
    const producer = log.producer();
    const appended = Array.from({ length: PARTITIONS }, () => 0);
    const committed = Array.from({ length: PARTITIONS }, () => 0);

    async function append(partition: number): Promise<void> {
      while (!stopping) {
        await producer.append(
          topic,
          partition,
          texts(...Array.from({ length: 5 }, (_, i) => String(appended[partition]! + i))),
        );
        appended[partition]! += 5;
      }
    }

    /** As curate does: after an unknown outcome the lease taken anew tells. */
    async function commit(partition: number): Promise<void> {
      let lease = await log.lease('work', partition);
      while (!stopping) {
        const from = committed[partition]!;
        const next = BigInt(from + 5);
        const lines = texts(...Array.from({ length: 5 }, (_, i) => String(from + i)));
        const positions = [{ topic, partition, offset: next }];
        try {
          await lease.commit({ outputs: new Map([[out, lines]]), positions, next });
          committed[partition] = from + 5;
        } catch (error) {
          assert.ok(error instanceof TransientError, String(error));
          lease = await log.lease('work', partition);
          committed[partition] = Number(lease.next ?? 0n);
        }
      }
    }

    /** Until all have moved on. */
    async function progress(counts: readonly number[]): Promise<void> {
      const before = [...counts];
      while (counts.some((count, i) => count < before[i]! + 20))
        await new Promise((resolve) => setTimeout(resolve, 50));
    }

    const all = Array.from({ length: PARTITIONS }, (_, partition) => partition);
    const working = Promise.all([...all.map(append), ...all.map(commit)]);
    for (const node of kafka.nodes) {
      await Promise.all([progress(appended), progress(committed)]);
      await node.kill9();
      await Promise.all([progress(appended), progress(committed)]);
      await node.start();
    }
    await Promise.all([progress(appended), progress(committed)]);
    stopping = true;
    await working;
    const reading = await open();
    for (const partition of all) {
      const read = [...new Set((await readCommitted(reading, topic, partition)).map(textOf))];
      const expected = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i));
      assert.deepEqual(read, expected(appended[partition]!), `appends of partition ${partition}`);
      const lines = (await readCommitted(reading, out, partition)).map(textOf);
      assert.deepEqual(lines, expected(committed[partition]!), `commits of partition ${partition}`);
    }
  });
});
