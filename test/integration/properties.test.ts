/** Verdicts depend on the order of the records, and on nothing else: not on block sizes, threads, or how often the run was cut in two. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { writeFileSync } from 'node:fs';
import { writeDocuments } from '../crash/documents.ts';
import { readWritten } from './outputs.ts';
import { keepAll, riffle, temporaryFolder } from './riffle.ts';

test('block sizes and worker counts change nothing that is written', async (t) => {
  const folder = temporaryFolder(t);
  const input = path.join(folder, 'in.jsonl');
  writeDocuments(input, 2000, 11);
  const runs = await Promise.all(
    [
      ['blocks.records=1', 'workers=1'],
      ['blocks.records=7', 'workers=2'],
      ['blocks.records=256', 'workers=1'],
      ['blocks.bytes=1000', 'workers=2'],
    ].map(async (set, i) => {
      const output = path.join(folder, String(i));
      const { code, stderr, summary } = await riffle({ topology: 'dedup', input: [input], output, set });
      assert.equal(code, 0, stderr);
      assert.equal(summary!.inputs, 2000);
      return readWritten(output).map(({ topic, line }) => `${topic} ${line}`);
    }),
  );
  for (const run of runs.slice(1)) assert.deepEqual(run, runs[0]);
});

test('damaged bytes of a crawl: every record has one outcome, every line the shape of the contract', async (t) => {
  const sample = readFileSync(path.resolve(import.meta.dirname, '../../samples/crawl.warc.gz')).subarray(0, 60_000);
  const damage = fc.array(fc.tuple(fc.nat(sample.length - 1), fc.nat(255)), { minLength: 1, maxLength: 20 });
  const files = fc.sample(damage, { numRuns: 30, seed: 4 });
  const folder = temporaryFolder(t);
  const input = files.map((changes, i) => {
    const file = path.join(folder, `${i}.warc.gz`);
    const bytes = Buffer.from(sample);
    for (const [at, value] of changes) bytes[at] = value;
    writeFileSync(file, bytes);
    return file;
  });
  const lines = fc.sample(fc.oneof(fc.json(), fc.string(), fc.constant('{"text":"a b c"}')), { numRuns: 300, seed: 5 });
  const jsonl = path.join(folder, 'lines.jsonl');
  writeFileSync(jsonl, `{"text":"first"}\n${lines.join('\n')}`);
  const output = path.join(folder, 'out');
  const order = { topology: 'web-crawl', input: [...input, jsonl], output, set: keepAll };
  const { code, stderr, summary } = await riffle(order);
  assert.equal(code, 0, stderr);
  assert.equal(readWritten(output).length, summary!.inputs);
  assert.equal(
    summary!.inputs,
    Object.values(summary!.outcomes).reduce((a, b) => a + b, 0),
  );
});
