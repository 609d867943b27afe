/** Several processes in one group, one killed, one suspended for longer than its session: every message is copied exactly once. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { textOf, texts } from '../contract/messages.ts';
import { openTestLog, uniqueApp, withSharedBroker } from './brokers.ts';
import { PARTITIONS, SESSION_MS, specsOf } from './copy-job.ts';
import { readCommitted } from './raw.ts';

const MESSAGES = 1500;

withSharedBroker((broker) => {
  test('copy job: kill -9, a zombie that wakes up, members that come: exactly once', {
    timeout: 600_000,
  }, async (t) => {
    const { brokers } = await broker();
    const app = uniqueApp();
    const log = await openTestLog(t, { app, brokers });
    await log.ensureTopics(specsOf(app));
    const producer = log.producer();
    const value = (partition: number, i: number): string => `${partition}:${i} ${'x'.repeat(i % 200)}`;
    const numbers = Array.from({ length: PARTITIONS }, (_, partition) => partition);
    const children: ChildProcess[] = [];
    t.after(() => children.map((child) => child.kill('SIGKILL')));

    function start(): ChildProcess {
      const script = path.join(import.meta.dirname, 'copy-job.ts');
      const child = spawn(process.execPath, [script, app, brokers.join()], { stdio: ['pipe', 'inherit', 'inherit'] });
      children.push(child);
      return child;
    }

    const copied = async (): Promise<number> => {
      let sum = 0;
      for (const next of await Promise.all(numbers.map((partition) => log.progress('copy', partition))))
        sum += Number(next ?? 0n);
      return sum;
    };

    /** Until so many more were copied. */
    async function progress(more: number): Promise<void> {
      const target = Math.min(PARTITIONS * MESSAGES, (await copied()) + more);
      while ((await copied()) < target) await sleep(50);
    }

    for (const partition of numbers)
      await producer.append(
        topicOf(app),
        partition,
        texts(...Array.from({ length: MESSAGES }, (_, i) => value(partition, i))),
      );
    const first = start();
    const second = start();
    await progress(300);
    first.kill('SIGKILL');
    const third = start();
    await progress(900);
    second.kill('SIGSTOP');
    await sleep(SESSION_MS + 500);
    await progress(600);
    second.kill('SIGCONT');
    await progress(300);
    third.kill('SIGKILL');
    start();
    await progress(PARTITIONS * MESSAGES);
    await sleep(500);
    for (const partition of numbers) {
      const read = (await readCommitted(log, `${app}.out`, partition)).map(textOf);
      assert.deepEqual(
        read,
        Array.from({ length: MESSAGES }, (_, i) => value(partition, i)),
      );
    }
  });
});

function topicOf(app: string): string {
  return `${app}.in`;
}
