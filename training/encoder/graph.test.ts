import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { InferenceSession } from 'onnxruntime-node';
import { skip } from '../../src/testing/shared.ts';
import { seededRandom } from '../random.ts';
import { sha256Of } from './cache.ts';
import { openGraph, runWindows } from './embed.ts';
import { encoderGraph } from './graph.ts';
import { type Precision, precisions } from './precision.ts';
import { erf, referencePass } from './reference.ts';
import { randomBert, randomHeads, tiny } from './testing.ts';

const bert = randomBert(tiny, 1);
const heads = randomHeads(
  [
    [16, 8, 3],
    [16, 4, 1],
  ],
  2,
);
const random = seededRandom(3);
/** Of one token, of two, and so on up to the longest. */
const windows = [1, 2, 3, 7, 12, tiny.positions].map((count) =>
  Int32Array.from({ length: count }, () => Math.floor(random() * tiny.vocabulary)),
);
const expected = windows.map((ids) => referencePass(bert, heads, ids));

async function open(t: TestContext, precision: Precision): Promise<InferenceSession | undefined> {
  try {
    const session = await openGraph(encoderGraph(bert, heads, precision));
    t.after(() => session.release());
    return session;
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    skip(t, 'onnxruntime-node; not installed; run npm install to run this test');
    return undefined;
  }
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const scores = (logits: ArrayLike<number>): number[] => Array.from(logits, sigmoid);
const difference = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a, (value, i) => Math.abs(value - b[i]!)).reduce((most, one) => Math.max(most, one), 0);
const cosine = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  const dot = (x: ArrayLike<number>, y: ArrayLike<number>): number =>
    Array.from(x, (value, i) => value * y[i]!).reduce((sum, one) => sum + one, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
};

test('the error function at values of the tables', () => {
  // Abramowitz and Stegun, table 7.1, and its continuation (DLMF 7.23).
  for (const [x, y] of [
    [0, 0],
    [0.5, 0.5204998778130465],
    [1, 0.8427007929497149],
    [2, 0.9953222650189527],
    [3.5, 0.9999992569016276],
    [-1, -0.8427007929497149],
    [7, 1],
  ] as const)
    assert.ok(Math.abs(erf(x) - y) < 1e-15, `erf ${x} = ${erf(x)}`);
});

test('fp32: what the forward pass by the book gives', async (t) => {
  const session = await open(t, 'fp32');
  if (session === undefined) return;
  for (const [i, ids] of windows.entries()) {
    const { embedding, logits } = await runWindows(session, [ids]);
    assert.ok(difference(embedding, expected[i]!.embedding) <= 1e-5);
    assert.ok(difference(logits!, expected[i]!.logits) <= 1e-5);
  }
});

test('fp16: scores within 5e-3', async (t) => {
  const session = await open(t, 'fp16');
  if (session === undefined) return;
  for (const [i, ids] of windows.entries()) {
    const { logits } = await runWindows(session, [ids]);
    assert.ok(difference(scores(logits!), scores(expected[i]!.logits)) <= 5e-3);
  }
});

test('int8: embeddings point the same way', async (t) => {
  const session = await open(t, 'int8');
  if (session === undefined) return;
  for (const [i, ids] of windows.entries()) {
    const { embedding } = await runWindows(session, [ids]);
    assert.ok(cosine(embedding, expected[i]!.embedding) > 0.995);
  }
});

test('a window has the same score alone and among others, however they are padded', async (t) => {
  for (const precision of ['fp32', 'fp16'] as const) {
    const session = await open(t, precision);
    if (session === undefined) return;
    const batch = await runWindows(session, windows);
    const columns = batch.logits!.length / windows.length;
    for (const [i, ids] of windows.entries()) {
      const alone = await runWindows(session, [ids]);
      const among = batch.logits!.subarray(i * columns, (i + 1) * columns);
      assert.ok(difference(scores(alone.logits!), scores(among)) <= 1e-3, `${precision} ${i}`);
    }
  }
});

test('the same weights give the same bytes, another precision others', () => {
  const digests = precisions.map((precision) => sha256Of(encoderGraph(bert, heads, precision)));
  assert.deepEqual(
    precisions.map((precision) => sha256Of(encoderGraph(randomBert(tiny, 1), heads, precision))),
    digests,
  );
  assert.equal(new Set(digests).size, precisions.length);
});

test('a graph without heads has an embedding only', async (t) => {
  const session = await open(t, 'fp32');
  if (session === undefined) return;
  const bare = await openGraph(encoderGraph(bert, [], 'fp32'));
  t.after(() => bare.release());
  const { embedding, logits } = await runWindows(bare, [windows[3]!]);
  assert.equal(logits, undefined);
  assert.deepEqual(embedding, (await runWindows(session, [windows[3]!])).embedding);
});
