/**
 * The embedded log, made to acknowledge blocks and lose them: the run repairs itself, and comes out as one that nothing happened to, whatever is
 * killed besides. One loss at a time: lost-in-memory.test.ts.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { CrashPoint } from '../../src/runtime/context.ts';
import type { ChildOrder } from './child.ts';
import { writeDocuments } from './documents.ts';
import { positionsOf, readOutputs, runChild } from './drive.ts';
import type { Loss } from './losses.ts';

const RECORDS = 4000;
let folder: string;
let input: string;
let order: Omit<ChildOrder, 'output'>;
let expected: Map<string, string[]>;

before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'riffle-lost-'));
  input = path.join(folder, 'in.jsonl');
  writeDocuments(input, RECORDS, 5);
  const set = ['index.snapshotDocuments=1000', 'blocks.records=64', 'log.trimSeconds=0.01'];
  order = { topology: 'dedup', input: [input], set, omit: [] };
  const calm = await runChild({ ...order, output: path.join(folder, 'calm') });
  assert.equal(calm.code, 0, calm.stderr);
  assert.equal(repairs(calm.stderr), 0, `a healthy run asked for a repair: ${calm.stderr}`);
  expected = readOutputs(path.join(folder, 'calm'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const repairs = (stderr: string): number => stderr.split('repair: ').length - 1;

/** Outputs byte for byte: one partition has one order. */
function checkOutputs(name: string): void {
  const actual = readOutputs(path.join(folder, name));
  assert.deepEqual([...actual.keys()], [...expected.keys()]);
  for (const [topic, lines] of expected) assert.deepEqual(actual.get(topic), lines, topic);
  const positions = positionsOf(actual);
  assert.equal(positions.size, RECORDS);
  assert.ok([...positions.values()].every((n) => n === 1));
}

async function survives(name: string, lose: readonly Loss[]): Promise<void> {
  const end = await runChild({ ...order, lose, output: path.join(folder, name) });
  assert.equal(end.code, 0, end.stderr);
  assert.ok(repairs(end.stderr) > 0, 'nothing was lost');
  checkOutputs(name);
}

for (const topic of ['sifted', 'sketches', 'verdicts']) {
  test(`${topic}: one in the middle, and the last block`, async () => {
    await survives(topic, [
      { topic, nth: 30 },
      { topic, endingAt: String(statSync(input).size) },
    ]);
  });
}

test('several of every topic, repaired ones among them', async () => {
  await survives('several', [{ seed: 1, rate: 0.05, most: 8 }]);
});

const points: readonly CrashPoint[] = ['sift.committed', 'index.answered', 'index.snapshot', 'curate.committed'];
test('killed on the way, with a loss in each life', async () => {
  let repaired = 0;
  for (const [i, point] of points.entries()) {
    const crash = { point, nth: point === 'index.snapshot' ? 1 : 5 + i };
    const lose = [{ seed: 10 + i, rate: 0.1, most: 3 }];
    const end = await runChild({ ...order, lose, crash, output: path.join(folder, 'killed') });
    repaired += repairs(end.stderr);
    if (end.code === 0) break;
    assert.equal(end.signal, 'SIGKILL', end.stderr);
  }
  const end = await runChild({ ...order, output: path.join(folder, 'killed') });
  assert.equal(end.code, 0, end.stderr);
  assert.ok(repaired + repairs(end.stderr) > 0);
  checkOutputs('killed');
});
