import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { type EmbeddedLog, openEmbeddedLog } from '../src/log/embedded/log.ts';

interface Row {
  readonly what: string;
  readonly count: number;
  readonly bytes: number;
  readonly cpuSeconds: number;
  readonly seconds: number;
  readonly delayMs: number;
}

const BLOCK_BYTES = 512 * 1024;
const BLOCKS = 400;
const PARTITIONS = 5_000;
const ROUNDS = 8;

/**
 * The embedded log by itself: appends, reads and commits, acknowledged when durable.
 * Not measured: making the blocks and what is in them; readers and writers in different processes; power loss.
 */
export async function run(): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'riffle-bench-log-'));
  const log = await openEmbeddedLog({ directory: path.join(folder, 'log'), outputDirectory: path.join(folder, 'out') });
  try {
    await log.ensureTopics([
      { name: 'bench.blocks', partitions: 4, kind: 'blocks', groups: ['g'] },
      { name: 'bench.small', partitions: PARTITIONS, kind: 'blocks', groups: ['g'] },
      { name: 'bench.out', partitions: 1, kind: 'records', groups: [] },
    ]);
    await appendBlocks(log, 40); // warm-up
    await readCount(log, 'warm', 'bench.blocks', 40);
    await appendSmall(log, 1);
    print([
      await measure(`append 512 KiB blocks, 4 partitions, 8 waiting`, BLOCKS, BLOCKS * BLOCK_BYTES, () =>
        appendBlocks(log, BLOCKS),
      ),
      await measure('read them', BLOCKS + 40, (BLOCKS + 40) * BLOCK_BYTES, () =>
        readCount(log, 'g', 'bench.blocks', BLOCKS + 40),
      ),
      await measure(
        `append 200 bytes to each of ${PARTITIONS} partitions`,
        PARTITIONS * ROUNDS,
        PARTITIONS * ROUNDS * 200,
        () => appendSmall(log, ROUNDS),
      ),
      await measure('read them', PARTITIONS * (ROUNDS + 1), PARTITIONS * (ROUNDS + 1) * 200, () =>
        readCount(log, 'g', 'bench.small', PARTITIONS * (ROUNDS + 1)),
      ),
      await measure(
        `commit 10 lines of 3 KB, a position and N, ${PARTITIONS} leases`,
        PARTITIONS,
        PARTITIONS * 30_000,
        () => commitLines(log),
      ),
      await measure('trim what was read', PARTITIONS * ROUNDS, 0, () => trimSmall(log)),
    ]);
    console.log(
      'Not measured: making the blocks; several processes; power loss. Warm-up: 40 blocks, one round of small appends.',
    );
  } finally {
    await log.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function appendBlocks(log: EmbeddedLog, count: number): Promise<void> {
  const producer = log.producer();
  const value = Buffer.alloc(BLOCK_BYTES, 'block');
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) await producer.append('bench.blocks', next++ % 4, [{ value }]);
  };
  await Promise.all(Array.from({ length: 8 }, lane));
}

async function appendSmall(log: EmbeddedLog, rounds: number): Promise<void> {
  const producer = log.producer();
  const value = Buffer.alloc(200, 'small');
  for (let round = 0; round < rounds; round++) {
    await Promise.all(Array.from({ length: PARTITIONS }, (_, p) => producer.append('bench.small', p, [{ value }])));
  }
}

async function readCount(log: EmbeddedLog, group: string, topic: string, count: number): Promise<void> {
  const consumer = await log.consumer(group, [topic]);
  for (let left = count; left > 0; ) {
    const { batches } = await consumer.poll({ maxBytes: 4 * 2 ** 20, waitMs: 1000 });
    for (const { messages } of batches) left -= messages.length;
    await new Promise((resolve) => setImmediate(resolve));
  }
  await consumer.close();
}

async function commitLines(log: EmbeddedLog): Promise<void> {
  const lines = Array.from({ length: 10 }, () => ({ value: Buffer.alloc(3000, 'line') }));
  const leases = await Promise.all(Array.from({ length: PARTITIONS }, (_, p) => log.lease('g', p)));
  await Promise.all(
    leases.map((lease) =>
      lease.commit({
        outputs: new Map([['bench.out', lines]]),
        positions: [{ topic: 'bench.small', partition: lease.partition, offset: BigInt(ROUNDS) }],
        next: 1n,
      }),
    ),
  );
}

async function trimSmall(log: EmbeddedLog): Promise<void> {
  while ((await log.trim()).more);
}

async function measure(what: string, count: number, bytes: number, work: () => Promise<void>): Promise<Row> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const cpu = process.cpuUsage();
  const start = performance.now();
  await work();
  const { user, system } = process.cpuUsage(cpu);
  delay.disable();
  const seconds = (performance.now() - start) / 1000;
  return { what, count, bytes, cpuSeconds: (user + system) / 1e6, seconds, delayMs: delay.percentile(99.9) / 1e6 };
}

function print(rows: readonly Row[]): void {
  console.log(
    'embedded log'.padEnd(60),
    '/CPU-s'.padStart(9),
    'MB/CPU-s'.padStart(9),
    '/s'.padStart(9),
    'p99.9 loop delay',
  );
  for (const { what, count, bytes, cpuSeconds, seconds, delayMs } of rows) {
    console.log(
      what.padEnd(60),
      (count / cpuSeconds).toFixed(0).padStart(9),
      (bytes / 1e6 / cpuSeconds).toFixed(0).padStart(9),
      (count / seconds).toFixed(0).padStart(9),
      `${delayMs.toFixed(0)} ms`.padStart(8),
    );
  }
}

if (import.meta.main) await run();
