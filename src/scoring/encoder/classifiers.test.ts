/** The manifests of docs/scorers.md, as a user would write them, on graphs of the same architecture with random weights. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { bertNormalizer, bertPreTokenizer, Tokenizer, WordPiece } from 'tokenizers';
import { bertClassifier } from '../../../training/onnx/bert-classifier.ts';
import { seededRandom } from '../../../training/random.ts';
import { loadScorers, shippedModels } from '../load.ts';
import { startScorer } from './scorer.ts';

const shape = { vocabulary: 30_522, positions: 512, hidden: 32, intermediate: 64, heads: 2, layers: 2 };
const folder = mkdtempSync(path.join(tmpdir(), 'riffle-scorers-'));
after(() => rmSync(folder, { recursive: true }));
copyFileSync(path.join(shippedModels, 'vocab.txt'), path.join(folder, 'vocab.txt'));

const page = readFileSync(path.resolve(import.meta.dirname, '../../../docs/scorers.md'), 'utf8');
const manifests = [...page.matchAll(/```json\n(.*?)```/gs)].map(([, json]) => json!);

/** The original: `tokenizers` with special tokens, and onnxruntime fed by the names of `transformers`. */
const entries = readFileSync(path.join(folder, 'vocab.txt'), 'utf8').trimEnd().split('\n');
const tokenizer = new Tokenizer(
  WordPiece.init(Object.fromEntries(entries.map((entry, id) => [entry, id])), { unkToken: '[UNK]' }),
);
tokenizer.setNormalizer(
  bertNormalizer({ cleanText: true, handleChineseChars: true, stripAccents: true, lowercase: true }),
);
tokenizer.setPreTokenizer(bertPreTokenizer());

async function original(graph: Uint8Array, text: string, from = 0, to = 510): Promise<number[]> {
  const ids = [101, ...(await tokenizer.encode(text, null, { addSpecialTokens: false })).getIds().slice(from, to), 102];
  const session = await InferenceSession.create(graph);
  const tensor = (fill: (i: number) => number) =>
    new Tensor(
      'int64',
      BigInt64Array.from(ids, (_, i) => BigInt(fill(i))),
      [1, ids.length],
    );
  const { logits } = await session.run({
    input_ids: tensor((i) => ids[i]!),
    attention_mask: tensor(() => 1),
    token_type_ids: tensor(() => 0),
  });
  return [...(logits!.data as Float32Array)];
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** Fills in what the page leaves to the user, and loads it. */
function install(which: number, file: string, graph: Uint8Array, scores: readonly number[]) {
  const sha256 = createHash('sha256').update(graph).digest('hex');
  writeFileSync(path.join(folder, file), graph);
  const json = manifests[which]!.replace(/"<sha256sum [^>]*>"/, JSON.stringify(sha256)).replace(
    /\["<[^>]*>"\]/,
    JSON.stringify(scores),
  );
  writeFileSync(path.join(folder, file.replace('.onnx', '.json')), json);
  const { name } = JSON.parse(json) as { name: string };
  return loadScorers([folder, shippedModels], [name, 'toxicity/base@1']).encoders[0]!;
}

const selfTestOf = (which: number): string => /"text": "([^"]*)"/.exec(manifests[which]!)![1]!;
const paragraph = readFileSync(path.resolve(import.meta.dirname, '../../../README.md'), 'utf8');

test('FineWeb-Edu: one regression output, the first 512 tokens', async () => {
  const graph = bertClassifier({ ...shape, labels: 1 }, seededRandom(1));
  const cut = (logit: number): number => Math.min(1, Math.max(0, logit / 5));
  const loaded = install(0, 'fineweb-edu.onnx', graph, [cut((await original(graph, selfTestOf(0)))[0]!)]);
  const scorer = await startScorer([loaded], { provider: 'cpu', workers: 1 });
  for (const text of [selfTestOf(0), 'Stone.', paragraph, 'Größe, naïve, 東京 🙂']) {
    const [logit] = await original(graph, text);
    const score = (await scorer.score(text, 'a'))['quality/fineweb-edu@1'];
    assert.ok(
      typeof score === 'number' && Math.abs(score - cut(logit!)) < 1e-3,
      `${JSON.stringify(score)} is not ${cut(logit!)}`,
    );
  }
  assert.deepEqual(await scorer.score('', 'a'), { 'quality/fineweb-edu@1': 0 });
  await scorer.close();
});

test('toxic-bert: six labels, windows at the head, the tail and between', async () => {
  const graph = bertClassifier({ ...shape, labels: 6 }, seededRandom(2));
  const axes = ['toxic', 'severe', 'obscene', 'threat', 'insult', 'identity'];
  const loaded = install(1, 'toxic-bert.onnx', graph, (await original(graph, selfTestOf(1))).map(sigmoid));
  const scorer = await startScorer([loaded], { provider: 'cpu', workers: 2 });

  const short = (await scorer.score(selfTestOf(1), 'a'))['toxicity/toxic-bert@1'] as Record<string, number>;
  const [logits, ...windows] = await Promise.all([
    original(graph, selfTestOf(1)),
    ...[0, 254, 508, 762].map((from) => original(graph, paragraph, from, from + 254)),
  ]);
  for (const [k, axis] of axes.entries()) {
    assert.ok(Math.abs(short[axis]! - sigmoid(logits[k]!)) < 1e-3);
    assert.equal(short[axis], short[`${axis}.mean`], 'one window');
  }

  // A document of exactly four windows is seen whole, whoever it is.
  const ids = await tokenizer.encode(paragraph, null, { addSpecialTokens: false });
  const fourWindows = paragraph.slice(0, ids.getOffsets()[4 * 254 - 1]![1]);
  const long = (await scorer.score(fourWindows, 'b'))['toxicity/toxic-bert@1'] as Record<string, number>;
  for (const [k, axis] of axes.entries()) {
    const each = windows.map((one) => sigmoid(one[k]!));
    assert.ok(Math.abs(long[axis]! - Math.max(...each)) < 1e-3);
    assert.ok(Math.abs(long[`${axis}.mean`]! - each.reduce((a, b) => a + b) / 4) < 1e-3);
  }
  await scorer.close();
});

test('the page does not promise a field that there is not', () => {
  for (const [, field] of page.matchAll(/^\| `([a-zA-Z]+)[.`[]/gm))
    assert.ok(
      manifests.join().includes(`"${field}"`) || ['thresholds', 'cpu', 'cuda', 'webgpu', 'auto'].includes(field!),
      field,
    );
});

test('a wrong activation, tokenizer or calibration does not pass the self-test', async () => {
  const graph = bertClassifier({ ...shape, labels: 1 }, seededRandom(1));
  const loaded = install(0, 'fineweb-edu.onnx', graph, [0.999]);
  await assert.rejects(startScorer([loaded], { provider: 'cpu', workers: 1 }), {
    name: 'ConfigError',
    code: 'scorer-self-test',
    message: /self-test 0 gives .*, not 0\.999; check tokenizer, inputs, activation/,
  });
});
