/**
 * Each message that a log may acknowledge and lose, one at a time, over a log in memory; the same line when nothing is lost; and both when the process
 * is killed. RIFFLE_SEEDS sets how many schedules of kills are tried (default 3).
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type { Log } from '../../src/log/port.ts';
import type { BoundedLog } from '../../src/stages/run.ts';
import { lossyLog } from '../../src/testing/lossy-log.ts';
import { random, writeDocuments } from './documents.ts';
import { type InMemory, runInMemory, streamInMemory } from './in-memory.ts';
import { type Loss, losing } from './losses.ts';
import { mortalLog } from './mortal-log.ts';

const set = ['index.snapshotDocuments=500', 'blocks.records=32'];
let folder: string;
let input: string;
let calm: InMemory;

before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'riffle-lost-memory-'));
  input = path.join(folder, 'in.jsonl');
  writeDocuments(input, 1500, 6);
  calm = await runInMemory({ input: [input], set, repairMs: 20 });
});
after(() => rmSync(folder, { recursive: true, force: true }));

test('a healthy line asks for nothing', () => {
  assert.deepEqual(calm.repairs, []);
  assert.equal(calm.requests, 0);
});

/** Every answer of the index takes many turns of the event loop. */
function slowIndex(log: BoundedLog): BoundedLog {
  return {
    ...log,
    producer() {
      const producer = log.producer();
      return {
        async append(topic, partition, messages) {
          if (topic.endsWith('.verdicts')) for (let turn = 0; turn < 200; turn++) await setImmediate();
          return producer.append(topic, partition, messages);
        },
      };
    },
  };
}

test('nor does a line whose index is slow', async () => {
  const slow = await runInMemory({ input: [input], set, repairMs: 1, wrap: slowIndex });
  assert.equal(slow.requests, 0);
  assert.deepEqual(slow.outputs, calm.outputs);
});

async function repaired(lose: readonly Loss[]): Promise<InMemory> {
  const run = await runInMemory({ input: [input], set, repairMs: 20, wrap: (log) => lossyLog(log, losing(lose)) });
  assert.ok(run.repairs.length > 0, 'nothing was lost');
  for (const [topic, lines] of calm.outputs) assert.deepEqual(run.outputs.get(topic), lines, topic);
  return run;
}

for (const topic of ['sifted', 'sketches', 'verdicts']) {
  const places: Readonly<Record<string, () => Loss>> = {
    'the first block': () => ({ topic, nth: 0 }),
    'one in the middle': () => ({ topic, nth: 20 }),
    'the last block': () => ({ topic, endingAt: String(statSync(input).size) }),
  };
  for (const [name, loss] of Object.entries(places)) {
    test(`${topic}: ${name}`, async () => {
      const { repairs } = await repaired([loss()]);
      const stage = topic === 'verdicts' ? 'index' : 'sift';
      assert.ok(repairs.every((request) => request.stage === stage && request.partition === 0));
    });
  }
}

test('several of every topic at once, repaired ones among them', async () => {
  for (const seed of [1, 2, 3]) await repaired([{ seed, rate: 0.1, most: 10 }]);
});

const LIVES = 4;
const seeds = Number(process.env.RIFFLE_SEEDS ?? 3);

/** Killed at some write in each life but the last. */
function killed(seed: number, lossRate: number): Promise<InMemory> {
  const next = random(seed);
  return runInMemory({
    input: [input],
    set,
    repairMs: 20,
    wrap(log, life) {
      const drop = losing(lossRate === 0 ? [] : [{ seed: 100 * seed + life, rate: lossRate, most: 8 }]);
      const lossy = lossyLog(log, drop);
      return life < LIVES ? mortalLog(lossy, 5 + Math.floor(next() * 150)) : lossy;
    },
  });
}

test('killed at any write: the same, and nothing is asked for', async () => {
  let lives = 0;
  for (let seed = 1; seed <= seeds; seed++) {
    const run = await killed(seed, 0);
    assert.equal(run.requests, 0, `seed ${seed}`);
    assert.ok(isDeepStrictEqual(run.outputs, calm.outputs), `seed ${seed} differs`);
    lives += run.lives;
  }
  assert.ok(lives > seeds);
});

test('killed at any write, with losses in each life: the same', async () => {
  let repairs = 0;
  for (let seed = 1; seed <= seeds; seed++) {
    const run = await killed(seed, 0.15);
    assert.ok(isDeepStrictEqual(run.outputs, calm.outputs), `seed ${seed} differs`);
    repairs += run.repairs.length;
  }
  assert.ok(repairs >= seeds);
});

test('a stream repairs itself across processes, though sift may hardly run ahead', async () => {
  const lines = readFileSync(input, 'utf8').trimEnd().split('\n');
  const narrow = [...set, 'source.maxAheadBytes=131072'];
  const undisturbed = await streamInMemory({ lines, set: narrow, repairMs: 20 });
  assert.equal(undisturbed.requests, 0);
  const lose = [
    { topic: 'sketches', nth: 3 },
    { topic: 'sifted', nth: 8 },
    { topic: 'verdicts', nth: 5 },
  ];
  const wrap = (log: Log) => lossyLog(log, losing(lose));
  const { outputs, repairs } = await streamInMemory({ lines, set: narrow, repairMs: 20, wrap });
  assert.deepEqual(new Set(repairs.map(({ stage }) => stage)), new Set(['sift', 'index']));
  for (const [topic, expected] of undisturbed.outputs)
    assert.ok(isDeepStrictEqual(outputs.get(topic), expected), `${topic} differs`);
});
