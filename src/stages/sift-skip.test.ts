import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { loadTopology } from '../cli/load-topology.ts';
import { FatalError } from '../errors.ts';
import type { Consumer, Log } from '../log/port.ts';
import { noFaults } from '../runtime/context.ts';
import { groups, topicNames, topicSpecs } from '../runtime/topics.ts';
import { createMemoryLog } from '../testing/memory-log.ts';
import type { Skipped } from './sift-skip.ts';
import { outputTopics } from './start.ts';
import { runStream } from './stream.ts';

const RAW = 'dedup.raw';

/** Everything in `[from, to)` of raw is gone, or cannot be read; `isTrimmed`: and the topic says that it begins behind it. */
interface Hole {
  readonly from: bigint;
  readonly to: bigint;
  readonly isTrimmed: boolean;
}

function withHole<L extends Log>(log: L, { from, to, isTrimmed }: Hole): L {
  const inHole = (offset: bigint) => offset >= from && offset < to;
  return {
    ...log,
    async consumer(group: string, topics: readonly string[]): Promise<Consumer> {
      const consumer = await log.consumer(group, topics);
      if (!topics.includes(RAW)) return consumer;
      return {
        ...consumer,
        // Eight bytes hold no two records: a batch is one message.
        async poll(options) {
          const polled = await consumer.poll({ ...options, maxBytes: 8 });
          if (polled.batches.some(({ messages }) => messages.some(({ offset }) => inHole(offset))))
            throw new FatalError('foreign-records', `${RAW}-0@${from}; damaged; read on behind it`);
          return polled;
        },
        bounds: async (topic, partition) => ({
          ...(await consumer.bounds(topic, partition)),
          ...(isTrimmed && { start: to }),
        }),
      };
    },
  };
}

const linesOf = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    value: Buffer.from(JSON.stringify({ text: `Text number ${i}, and number ${i * 7919} is in it as well.` })),
  }));

async function createLine(t: TestContext) {
  const log = createMemoryLog();
  const stateDirectory = mkdtempSync(path.join(tmpdir(), 'riffle-skip-'));
  t.after(() => rmSync(stateDirectory, { recursive: true, force: true }));
  const topics = topicNames('dedup');
  const skipped: Skipped[] = [];
  const set = ['log.kind=kafka', 'log.brokers=nowhere:1', 'blocks.records=8'];
  const { policy } = await loadTopology('dedup', { set });
  const outputs = outputTopics(policy);
  await log.ensureTopics(topicSpecs(topics, 1, outputs, 'topic'));

  /** Until everything up to `end` is decided; or until the stream fails. */
  async function run(end: bigint, skipTo?: string, through: (log: Log) => Log = (same) => same): Promise<void> {
    const stop = new AbortController();
    const running = runStream({
      ...(await loadTopology('dedup', { set: [...set, ...(skipTo === undefined ? [] : [`source.skipTo=${skipTo}`])] })),
      log: through(log),
      topics,
      partitions: 1,
      stages: new Set(['sift', 'index', 'curate', 'controller'] as const),
      stateDirectory,
      workers: 1,
      faults: { ...noFaults, repairMs: 50 },
      signal: stop.signal,
      observer: { skipped: (range) => skipped.push(range) },
      note: () => undefined,
      warn: () => undefined,
      ready: () => undefined,
    });
    const decided = async (): Promise<void> => {
      while ((await log.progress(groups.curate, 0)) !== end && !stop.signal.aborted)
        await new Promise((resolve) => setImmediate(resolve));
    };
    await Promise.race([decided(), running]).finally(() => stop.abort());
    await running;
  }

  /** Offsets of every record that came out anywhere, in order. */
  function decided(): number[] {
    const lines = outputs.flatMap((name) => log.messages(topics.output(name), 0));
    return lines
      .map(({ value }) => (JSON.parse(Buffer.from(value).toString()) as { position: { offset: string } }).position)
      .map(({ offset }) => Number(offset))
      .sort((a, b) => a - b);
  }

  const feed = (count: number) => log.producer().append(topics.raw, 0, linesOf(count));
  return { run, feed, decided, skipped };
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

test('raw let go what was not read: the stream stops, and goes on when the range is declared lost, once', async (t) => {
  const line = await createLine(t);
  await line.feed(20);
  await line.run(20n);
  await line.feed(40);
  const trimmed = (log: Log) => withHole(log, { from: 20n, to: 45n, isTrimmed: true });
  const below = { code: 'below-log-start', message: /records from 20 on were not read.*--set source\.skipTo=0@45$/ };
  await assert.rejects(line.run(60n, undefined, trimmed), below);
  await assert.rejects(line.run(60n, '1@45', trimmed), below);
  await assert.rejects(line.run(60n, '0@44', trimmed), { code: 'below-log-start' });
  assert.deepEqual(line.skipped.splice(0), []);
  await assert.rejects(line.run(60n, '0@61', trimmed), { code: 'skip-too-far', message: /raw-0 ends at 60/ });
  await line.run(60n, '0@45', trimmed);
  assert.deepEqual(line.skipped, [{ partition: 0, from: 20n, to: 45n }]);
  assert.deepEqual(line.decided(), [...range(0, 20), ...range(45, 60)]);
  // The setting may stay: what is behind it is not touched.
  await line.feed(5);
  await line.run(65n, '0@45', trimmed);
  assert.equal(line.skipped.length, 1);
  assert.deepEqual(line.decided(), [...range(0, 20), ...range(45, 65)]);
});

test('a damaged batch: all that comes before it is sifted, and no more than the batch is given up', async (t) => {
  const line = await createLine(t);
  await line.feed(40);
  const damaged = (log: Log) => withHole(log, { from: 15n, to: 22n, isTrimmed: false });
  await assert.rejects(line.run(40n, undefined, damaged), { code: 'foreign-records' });
  await line.run(40n, '0@22', damaged);
  assert.deepEqual(line.skipped, [{ partition: 0, from: 15n, to: 22n }]);
  assert.deepEqual(line.decided(), [...range(0, 15), ...range(22, 40)]);
});

test('the index has lost its log as well: the range is covered from where the index stands', async (t) => {
  const line = await createLine(t);
  await line.feed(30);
  // Sift has begun at 20 in some life before, and neither index nor curate know of it.
  const begun = (log: Log): Log => ({
    ...withHole(log, { from: 0n, to: 25n, isTrimmed: true }),
    positions: async (group, topic) => (topic === RAW ? new Map([[0, 20n]]) : log.positions(group, topic)),
  });
  await assert.rejects(
    line.run(30n, undefined, (log) => committedAt(begun(log), 20n)),
    { code: 'below-log-start' },
  );
  await line.run(30n, '0@25', (log) => committedAt(begun(log), 20n));
  assert.deepEqual(line.skipped, [
    { partition: 0, from: 20n, to: 25n },
    { partition: 0, from: 0n, to: 25n },
  ]);
  assert.deepEqual(line.decided(), range(25, 30));
});

function committedAt(log: Log, offset: bigint): Log {
  return {
    ...log,
    async consumer(group, topics) {
      const consumer = await log.consumer(group, topics);
      return topics.includes(RAW) ? { ...consumer, committed: async () => offset } : consumer;
    },
  };
}
