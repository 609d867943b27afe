/** The history in 1, 2, 4 or 8 shards: the same verdicts, the same decisions, the same output; after a kill, too. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { writeDocuments } from '../crash/documents.ts';
import { readOutputs, runChild } from '../crash/drive.ts';
import { riffle, temporaryFolder } from './riffle.ts';

/** A window so small, and generations so short, that most copies are found by the votes of a history that has turned over. */
const small = ['dedup.window.documents=128', 'dedup.history.documentsPerGeneration=1024', 'blocks.records=64'];

test('verdicts and outputs are the same for 1, 2, 4 and 8 shards', async (t) => {
  const folder = temporaryFolder(t);
  const input = path.join(folder, 'in.jsonl');
  writeDocuments(input, 6000, 9);
  const outputOf = (shards: number) => path.join(folder, String(shards));
  for (const shards of [1, 2, 4, 8]) {
    const set = [...small, `dedup.shards=${shards}`];
    const { code, stderr } = await riffle({ topology: 'dedup', input: [input], output: outputOf(shards), set });
    assert.equal(code, 0, stderr);
  }
  const whole = readOutputs(outputOf(1));
  const voted = [...whole.values()].flat().filter((line) => /"votes":[1-9]/.test(line));
  assert.ok(voted.length > 100, `only ${voted.length} documents have votes: this tries nothing`);
  assert.ok(voted.some((line) => /"generation":[2-9]/.test(line)));
  for (const shards of [2, 4, 8]) assert.deepEqual(readOutputs(outputOf(shards)), whole, `${shards} shards`);
});

test('a divided index goes on from its snapshot', async (t) => {
  const folder = temporaryFolder(t);
  const input = path.join(folder, 'in.jsonl');
  writeDocuments(input, 6000, 9);
  const set = [...small, 'dedup.shards=4', 'index.snapshotDocuments=1500', 'log.trimSeconds=0.01'];
  const order = { topology: 'dedup', input: [input], set, omit: [] };
  const calm = path.join(folder, 'calm');
  assert.equal((await runChild({ ...order, output: calm })).code, 0);

  const output = path.join(folder, 'killed');
  for (const nth of [1, 2]) {
    const { signal, stderr } = await runChild({ ...order, output, crash: { point: 'index.snapshot', nth } });
    assert.equal(signal, 'SIGKILL', stderr);
  }
  const { code, stderr } = await runChild({ ...order, output });
  assert.equal(code, 0, stderr);
  assert.deepEqual(readOutputs(output), readOutputs(calm));
});
