/** What the encoder benches run on: graphs of known shapes with random weights, and windows of real documents. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Windows } from '../src/scoring/encoder/batcher.ts';
import { createCutter } from '../src/scoring/encoder/scorer.ts';
import { shippedModels } from '../src/scoring/load.ts';
import { type EncoderManifest, encoderManifest } from '../src/scoring/manifest-encoder.ts';
import type { LoadedEncoder } from '../src/scoring/scorer-set.ts';
import { sharedPath } from '../src/testing/shared.ts';
import { type BertShape, miniLm } from '../training/encoder/bert.ts';
import { encoderGraph } from '../training/encoder/graph.ts';
import { randomBert, randomHeads } from '../training/encoder/testing.ts';

export { miniLm };

export const bertBase: BertShape = { ...miniLm, hidden: 768, intermediate: 3072, layers: 12 };

const HEADS = 5;

/** Floating-point operations of one token in a window of so many: two a weight of the layers, and attention over the window. */
export function operationsPerToken({ hidden, intermediate, layers }: BertShape, windowTokens: number): number {
  return layers * (2 * (4 * hidden * hidden + 2 * hidden * intermediate) + 4 * windowTokens * hidden);
}

/** Real web documents; without the shared data, pieces of the Markdown of the dependencies. */
export function documents(): { origin: string; texts: string[] } {
  const file = sharedPath('data/web/crawl_docs_small/docs.jsonl.gz');
  if (file === undefined) {
    const names = ['typescript', 'zod', 'commander', 'htmlparser2', 'lmdb', 'fast-check', 'yaml', 'hono'];
    const texts = names.map((name) =>
      readFileSync(path.resolve(import.meta.dirname, `../node_modules/${name}/README.md`), 'utf8'),
    );
    return {
      origin: 'README files of dependencies',
      texts: texts.flatMap((text) => text.match(/[\s\S]{4000}/g) ?? []),
    };
  }
  const lines = gunzipSync(readFileSync(file)).toString('utf8').split('\n');
  const texts = lines.filter((line) => line !== '').map((line): string => (JSON.parse(line) as { text: string }).text);
  return { origin: 'crawl_docs_small', texts };
}

/** Which windows of a document: as the shipped encoder has them, and the whole of its first 512 tokens. */
export const windowRules: Readonly<Record<128 | 512, EncoderManifest['window']>> = {
  128: { tokens: 128, head: 2, tail: 1, random: 1, minTokens: 16, reduction: 'max' },
  512: { tokens: 512, head: 1, tail: 0, random: 0, minTokens: 1, reduction: 'max' },
};

export function loadedEncoder(
  file: string,
  precision: 'fp32' | 'fp16',
  window: EncoderManifest['window'],
): LoadedEncoder {
  const vocabulary = readFileSync(path.join(shippedModels, 'vocab.txt'));
  const tokenizer = new Uint8Array(new SharedArrayBuffer(vocabulary.length));
  tokenizer.set(vocabulary);
  const sha256 = '0'.repeat(64);
  const manifest = encoderManifest.parse({
    name: 'bench/random@1',
    kind: 'onnx-encoder',
    description: 'random weights',
    languages: [],
    tokenizer: { kind: 'wordpiece-uncased', file: 'vocab.txt', sha256, entries: miniLm.vocabulary },
    model: {
      file: path.basename(file),
      sha256,
      precision,
      inputs: { ids: 'input_ids', lengths: 'lengths', type: 'int32' },
      output: 'logits',
      columns: HEADS,
      activation: 'sigmoid',
    },
    maxTokens: 16_384,
    window,
    outputs: [{ axis: 'score', index: 0, calibration: { slope: 1, intercept: 0 } }],
    licence: '',
    trainingData: '',
    selfTest: [{ text: '', scores: [0] }],
  });
  return { manifest, graphs: [{ path: file, precision }], tokenizer };
}

/** Writes a graph of this shape into a folder that goes away with the process. */
export function writeGraph(shape: BertShape, precision: 'fp32' | 'fp16'): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'riffle-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, `${shape.layers}x${shape.hidden}-${precision}.onnx`);
  writeFileSync(file, encoderGraph(randomBert(shape, 1), randomHeads([[shape.hidden, 128, HEADS]], 2), precision));
  return file;
}

/** The windows of each document. */
export async function windowsOf(texts: readonly string[], loaded: LoadedEncoder): Promise<Windows[]> {
  const cutter = await createCutter(loaded);
  const all: Windows[] = [];
  for (const [i, text] of texts.entries()) all.push(await cutter.cut(text, `bench-0@${i}`));
  return all;
}

export function join(all: readonly Windows[]): Windows {
  const ids = new Int32Array(all.reduce((sum, one) => sum + one.ids.length, 0));
  let at = 0;
  for (const one of all) {
    ids.set(one.ids, at);
    at += one.ids.length;
  }
  return { ids, lengths: Int32Array.from(all.flatMap(({ lengths }) => [...lengths])) };
}
