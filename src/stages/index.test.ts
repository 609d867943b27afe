/** The index on a log in memory: gaps in the sketch log, answers that were lost, and what it says of itself. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, test } from 'node:test';
import type { Config } from '../config/schema.ts';
import { configHash, dedupOptionsSchema, sketchLayout } from '../dedup/dedup.ts';
import { INSERTED } from '../model/sifted.ts';
import { writeSketchBlock } from '../model/sketches.ts';
import { readVerdictBlock } from '../model/verdicts.ts';
import { noFaults, type StageContext } from '../runtime/context.ts';
import { groups, topicNames, topicSpecs } from '../runtime/topics.ts';
import { createMemoryLog, type MemoryLog } from '../testing/memory-log.ts';
import { runIndex } from './index.ts';
import { decodeRequest, encodeRequest, type RepairRequest } from './repair.ts';

const dedup = dedupOptionsSchema.parse({ window: { documents: 64 }, history: { documentsPerGeneration: 1024 } });
const topics = topicNames('t');
const { stride } = sketchLayout(dedup);

/** A block that lists each offset of its range, with sketches of zeros: only the exact key counts. */
function block(from: number, to: number): { value: Uint8Array } {
  const count = to - from;
  const offsets = BigUint64Array.from({ length: count }, (_, i) => BigInt(from + i));
  return {
    value: writeSketchBlock({
      partition: 0,
      from: BigInt(from),
      to: BigInt(to),
      config: BigInt(`0x${configHash(dedup).slice(0, 16)}`),
      count,
      stride,
      offsets,
      exact: offsets,
      kinds: new Uint8Array(count).fill(INSERTED),
      sketches: new Uint8Array(count * stride),
    }),
  };
}

const folders: string[] = [];
const running = new Set<() => void>();
afterEach(() => {
  for (const stop of running) stop();
  running.clear();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

async function newLog(): Promise<MemoryLog> {
  const log = createMemoryLog(() => 0);
  await log.ensureTopics(topicSpecs(topics, 1, []));
  return log;
}

function newFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'riffle-index-'));
  folders.push(folder);
  return folder;
}

interface Started {
  readonly repairs: readonly RepairRequest[];
  readonly stop: () => Promise<void>;
}

function start(log: MemoryLog, directory = newFolder()): Started {
  const stop = new AbortController();
  running.add(() => stop.abort());
  const repairs: RepairRequest[] = [];
  const context = {
    log,
    topics,
    partitions: 1,
    config: { dedup } as Config,
    faults: { ...noFaults, repairMs: 5 },
    signal: stop.signal,
  } as unknown as StageContext;
  const options = { directory, everyDocuments: 1e9, decided: async () => undefined };
  const done = runIndex(context, options, {
    folded: () => undefined,
    repairing: (request) => repairs.push(request),
  });
  return {
    repairs,
    async stop() {
      stop.abort();
      await done;
    },
  };
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!(await condition())) {
    if (performance.now() > deadline) assert.fail('it never came to that');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const ranges = (log: MemoryLog) =>
  log
    .messages(topics.verdicts, 0)
    .map(({ value }) => readVerdictBlock(value))
    .map(({ from, to }) => `${from}-${to}`);
const requests = (log: MemoryLog) => log.messages(topics.repairs, 0).map(({ value }) => decodeRequest(value)!);
const announced = async (log: MemoryLog) => (await log.positions(groups.index, topics.verdicts)).get(0);

async function sifted(log: MemoryLog, offset: bigint): Promise<void> {
  await (await log.consumer(groups.sift, [])).commit([{ topic: topics.raw, partition: 0, offset }]);
}

test('blocks behind a gap are passed over, and sift is asked for the gap until it is filled', async () => {
  const log = await newLog();
  await log.producer().append(topics.sketches, 0, [block(0, 2), block(4, 6)]);
  await sifted(log, 6n);
  const { stop } = start(log);
  await until(() => requests(log).length >= 2);
  for (const { stage, from } of requests(log)) assert.deepEqual([stage, from], ['sift', 2n]);
  assert.deepEqual(ranges(log), ['0-2']);
  await log.producer().append(topics.sketches, 0, [block(2, 4), block(4, 6)]);
  await until(() => ranges(log).length === 3);
  const asked = requests(log).length;
  await until(async () => (await announced(log)) === 6n);
  await stop();
  assert.deepEqual(ranges(log), ['0-2', '2-4', '4-6']);
  assert.ok(requests(log).length <= asked + 1, 'nothing is asked for any more');
});

test('a block that sift has not committed is not missed', async () => {
  const log = await newLog();
  await log.producer().append(topics.sketches, 0, [block(0, 2)]);
  await sifted(log, 2n);
  const { stop } = start(log);
  await until(async () => (await announced(log)) === 2n);
  await stop();
  assert.deepEqual(requests(log), []);
});

test('asked for lost verdicts, it answers again from there on, the same', async () => {
  const log = await newLog();
  await log.producer().append(topics.sketches, 0, [block(0, 2), block(2, 4), block(4, 6)]);
  const { repairs, stop } = start(log);
  await until(async () => (await announced(log)) === 6n);
  const request: RepairRequest = { stage: 'index', partition: 0, from: 2n, why: 'test' };
  await log.producer().append(topics.repairs, 0, [{ value: encodeRequest(request) }]);
  await until(() => ranges(log).length === 6);
  await stop();
  assert.equal(repairs.length, 1);
  const answers = log.messages(topics.verdicts, 0).map(({ value }) => Buffer.from(value).toString('hex'));
  assert.deepEqual(answers.slice(3), answers.slice(0, 3));
});

test('a process that goes on from a snapshot announces what the one before it had answered', async () => {
  const log = await newLog();
  const folder = newFolder();
  await log.producer().append(topics.sketches, 0, [block(0, 2)]);
  const first = start(log, folder);
  await until(() => ranges(log).length === 1);
  await first.stop();
  // The verdicts were lost, and the first process died before it could announce them.
  const forgotten = createMemoryLog(() => 0);
  await forgotten.ensureTopics(topicSpecs(topics, 1, []));
  await forgotten.producer().append(topics.sketches, 0, [block(0, 2)]);
  const second = start(forgotten, folder);
  await until(async () => (await announced(forgotten)) === 2n);
  await second.stop();
  assert.deepEqual(ranges(forgotten), [], 'it was not answered in this life');
});
