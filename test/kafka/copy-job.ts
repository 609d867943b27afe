/** A process of its own: copies one topic to another, exactly once, knowing only the log port. `node copy-job.ts <app> <brokers>`; ends with its input. */
import { FatalError, TransientError } from '../../src/errors.ts';
import { openKafkaLog } from '../../src/log/kafka/log.ts';
import type { Lease, Message, TopicSpec } from '../../src/log/port.ts';

export const PARTITIONS = 4;
export const SESSION_MS = 2000;

export const specsOf = (app: string): TopicSpec[] => [
  { name: `${app}.in`, partitions: PARTITIONS, kind: 'blocks', groups: ['copy'] },
  { name: `${app}.out`, partitions: PARTITIONS, kind: 'records', groups: [] },
];

interface Task {
  lease: Lease;
  next: bigint;
}

async function main(app: string, brokers: string): Promise<void> {
  const log = await openKafkaLog({
    app,
    brokers: brokers.split(','),
    sessionTimeoutMs: SESSION_MS,
    heartbeatMs: 200,
    transactionTimeoutMs: 5000,
  });
  await log.ensureTopics(specsOf(app));
  const topic = `${app}.in`;
  const consumer = await log.consumer('copy', [topic]);
  const tasks = new Map<number, Task>();
  process.stdin.on('end', () => process.exit(0)).resume();

  async function take(partition: number): Promise<Task | undefined> {
    try {
      const lease = await log.lease('copy', partition);
      return { lease, next: lease.next ?? 0n };
    } catch (error) {
      if (error instanceof FatalError && error.code === 'fenced') return undefined;
      throw error;
    }
  }

  async function copy(partition: number, messages: readonly Message[]): Promise<void> {
    for (;;) {
      const task = tasks.get(partition);
      const fresh = messages.filter(({ offset }) => task !== undefined && offset >= task.next);
      if (task === undefined || fresh.length === 0) return;
      const next = fresh.at(-1).offset + 1n;
      try {
        await task.lease.commit({
          outputs: new Map([[`${app}.out`, fresh.map(({ value }) => ({ value }))]]),
          positions: [{ topic, partition, offset: next }],
          next,
        });
        task.next = next;
        return;
      } catch (error) {
        tasks.delete(partition);
        if (error instanceof FatalError && error.code === 'fenced') return;
        if (!(error instanceof TransientError)) throw error;
        const again = await take(partition);
        if (again) tasks.set(partition, again);
      }
    }
  }

  for (;;) {
    const { assigned, revoked, batches } = await consumer.poll({ maxBytes: 4000, waitMs: 500 });
    for (const partition of revoked) tasks.delete(partition);
    for (const partition of assigned) {
      const task = await take(partition);
      if (task === undefined) continue;
      tasks.set(partition, task);
      consumer.seek({ topic, partition, offset: task.next });
    }
    await Promise.all(batches.map(({ partition, messages }) => copy(partition, messages)));
  }
}

if (import.meta.main) {
  const [app = '', brokers = ''] = process.argv.slice(2);
  await main(app, brokers);
}
