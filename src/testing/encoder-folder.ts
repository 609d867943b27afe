/** A folder with an encoder, as a user would have it: a tiny graph, a vocabulary and a manifest. */
import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createGraph } from '../../training/onnx/graph.ts';
import { loadScorers, shippedModels } from '../scoring/load.ts';
import type { EncoderManifest } from '../scoring/manifest-encoder.ts';

/** [mean of the ids, number of tokens] of each window, each divided by a million and by a thousand. */
export function countingGraph(entries: number): Uint8Array<ArrayBuffer> {
  const graph = createGraph();
  const table = graph.constant(
    'table',
    Float32Array.from({ length: entries }, (_, id) => id / 1e6),
    [entries],
  );
  const axis = graph.constant('axis', BigInt64Array.of(1n), [1]);
  const mask = graph.node('Cast', ['mask'], { to: { int: 1 } });
  const masked = graph.node('Mul', [graph.node('Gather', [table, 'ids']), mask]);
  const count = graph.node('ReduceSum', [mask, axis], { keepdims: { int: 1 } });
  const mean = graph.node('Div', [graph.node('ReduceSum', [masked, axis], { keepdims: { int: 1 } }), count]);
  const thousand = graph.constant('thousand', Float32Array.of(1000), []);
  graph.node('Concat', [mean, graph.node('Div', [count, thousand])], { axis: { int: 1 } }, 'numbers');
  const dims = ['batch', 'sequence'];
  return graph.write({
    inputs: ['ids', 'mask'].map((name) => ({ name, type: 'int32', dims })),
    outputs: [{ name: 'numbers', type: 'float32', dims: ['batch', 2] }],
  });
}

const { tokenizer } = loadScorers().scorers[0]!.manifest;
const digest = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

export interface Files {
  readonly folder: string;
  readonly manifest: { [key: string]: unknown } & Pick<EncoderManifest, 'tokenizer' | 'model' | 'outputs'>;
}

/** Scorer `test/count@1`; `change` spoils it. */
export function folderOf(
  t: { after(end: () => void): void },
  change: (files: Files) => void = () => undefined,
): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'riffle-scorer-'));
  t.after(() => rmSync(folder, { recursive: true }));
  copyFileSync(path.join(shippedModels, 'vocab.txt'), path.join(folder, 'vocab.txt'));
  const graph = countingGraph(30_522);
  writeFileSync(path.join(folder, 'count.onnx'), graph);
  const calibration = { slope: 1, intercept: 0 };
  const manifest: Files['manifest'] = {
    name: 'test/count@1',
    kind: 'onnx-encoder',
    description: 'counts',
    languages: [],
    tokenizer,
    model: {
      file: 'count.onnx',
      sha256: digest(graph),
      precision: 'fp32',
      inputs: { ids: 'ids', attentionMask: 'mask', type: 'int32' },
      output: 'numbers',
      activation: 'none',
    },
    maxTokens: 1000,
    window: { tokens: 102, head: 1, tail: 1, random: 0, minTokens: 1, reduction: 'mean' },
    outputs: [
      { axis: 'mean', index: 0, calibration },
      { axis: 'count', index: 1, calibration },
    ],
    licence: 'none',
    trainingData: 'none',
    // "the" is 1996: [CLS] the [SEP].
    selfTest: [{ text: 'the', scores: [(101 + 1996 + 102) / 3 / 1e6, 3 / 1000] }],
  };
  change({ folder, manifest });
  writeFileSync(path.join(folder, 'count.json'), JSON.stringify(manifest));
  return folder;
}
