/**
 * The promise, tried: the process is killed at seeded points of a run and started again with the same command until it is done.
 * RIFFLE_CRASHES sets how often (default 12 for each test).
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { CrashPoint } from '../../src/runtime/context.ts';
import type { ChildOrder } from './child.ts';
import { random, writeDocuments } from './documents.ts';
import { positionsOf, readOutputs, runChild } from './drive.ts';
import { foldSketchLog } from './fold.ts';

const RECORDS = 20_000;
const crashes = Number(process.env.RIFFLE_CRASHES ?? 12);
const points: readonly CrashPoint[] = [
  'sift.start',
  'sift.sifted',
  'sift.sketch',
  'sift.committed',
  'index.folded',
  'index.answered',
  'index.snapshot',
  'curate.joined',
  'curate.commit',
  'curate.committed',
  'finish',
];

let folder: string;
before(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'riffle-crash-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** Kills and restarts until the run is done; returns the kills that happened. */
async function runWithCrashes(order: Omit<ChildOrder, 'crash'>, seed: number): Promise<string[]> {
  const next = random(seed);
  const killed: string[] = [];
  for (;;) {
    const point = points[Math.floor(next() * (killed.length < crashes - 1 ? points.length - 1 : points.length))]!;
    const nth = 1 + Math.floor(next() * (point === 'index.snapshot' ? 1 : 20));
    const armed = killed.length < crashes;
    const end = await runChild({ ...order, ...(armed ? { crash: { point, nth: point === 'finish' ? 1 : nth } } : {}) });
    assert.ok(!end.stderr.includes('repair: '), `nothing was lost, and yet: ${end.stderr}`);
    if (end.code === 0) return killed;
    assert.equal(end.signal, 'SIGKILL', `child failed instead of being killed: ${end.stderr}`);
    killed.push(`${point}#${nth}`);
  }
}

test('one partition: killed anywhere, the outputs are those of an undisturbed run, byte for byte', async () => {
  const input = path.join(folder, 'one.jsonl');
  writeDocuments(input, RECORDS, 1);
  const order = {
    topology: 'dedup',
    input: [input],
    set: ['index.snapshotDocuments=5000', 'blocks.records=64'],
    omit: [],
  };
  const calm = await runChild({ ...order, output: path.join(folder, 'calm') });
  assert.equal(calm.code, 0, calm.stderr);

  const killed = await runWithCrashes({ ...order, output: path.join(folder, 'killed') }, 7);

  assert.ok(killed.length >= Math.min(crashes, 6), `only ${killed.join(', ')}`);
  const expected = readOutputs(path.join(folder, 'calm'));
  const actual = readOutputs(path.join(folder, 'killed'));
  assert.deepEqual([...actual.keys()], [...expected.keys()]);
  for (const [topic, lines] of expected) assert.deepEqual(actual.get(topic), lines, topic);
  const positions = positionsOf(actual);
  assert.equal(positions.size, RECORDS);
});

test('eight partitions: every record once, and the verdicts are a fold of the run’s own sketch log', async () => {
  const inputs = path.join(folder, 'eight');
  mkdirSync(inputs);
  for (let p = 0; p < 8; p++) writeDocuments(path.join(inputs, `${p}.jsonl`), RECORDS / 8, 100 + (p % 4));
  const output = path.join(folder, 'eight-out');
  const order = {
    topology: 'dedup',
    input: [inputs],
    output,
    set: ['index.snapshotDocuments=5000', 'blocks.records=64', 'log.retain=true', 'workers=2'],
    omit: [],
  };

  await runWithCrashes(order, 11);

  const outputs = readOutputs(output);
  const positions = positionsOf(outputs);
  assert.equal(positions.size, RECORDS);
  assert.ok([...positions.values()].every((n) => n === 1));
  const expected = await foldSketchLog(path.join(output, '.riffle'));
  let compared = 0;
  for (const [topic, lines] of outputs) {
    if (topic.startsWith('dead-letter')) continue;
    for (const line of lines) {
      const { position, signals } = JSON.parse(line) as {
        position: { partition: string; offset: string };
        signals: { dedup: object };
      };
      assert.deepEqual(
        signals.dedup,
        expected.get(`${path.basename(position.partition)}@${position.offset}`),
        line.slice(-600),
      );
      compared++;
    }
  }
  assert.ok(compared > RECORDS * 0.9);
});
