import { seededRandom } from '../random.ts';
import type { Bert, BertShape, Dense, Norm } from './bert.ts';
import type { Head } from './graph.ts';

/** An encoder of the same architecture with random weights: small, so that tests of graphs are fast. */
export const tiny: BertShape = {
  vocabulary: 50,
  positions: 24,
  hidden: 16,
  intermediate: 32,
  heads: 2,
  layers: 2,
  epsilon: 1e-12,
};

export function randomBert(shape: BertShape, seed: number): Bert {
  const random = seededRandom(seed);
  const numbers = (count: number, spread: number, middle = 0): Float32Array<ArrayBuffer> =>
    Float32Array.from({ length: count }, () => middle + spread * (random() * 2 - 1));
  const dense = (inputs: number, outputs: number): Dense => ({
    inputs,
    outputs,
    weight: numbers(inputs * outputs, 2 / Math.sqrt(inputs)),
    bias: numbers(outputs, 0.2),
  });
  const { hidden, intermediate } = shape;
  const norm = (): Norm => ({ gain: numbers(hidden, 0.3, 1), bias: numbers(hidden, 0.2) });
  return {
    shape,
    words: numbers(shape.vocabulary * hidden, 1),
    positions: numbers(shape.positions * hidden, 0.3),
    norm: norm(),
    layers: Array.from({ length: shape.layers }, () => ({
      query: dense(hidden, hidden),
      key: dense(hidden, hidden),
      value: dense(hidden, hidden),
      attention: dense(hidden, hidden),
      attentionNorm: norm(),
      intermediate: dense(hidden, intermediate),
      output: dense(intermediate, hidden),
      outputNorm: norm(),
    })),
  };
}

/** Heads of these widths each. */
export function randomHeads(widths: readonly (readonly number[])[], seed: number): Head[] {
  const random = seededRandom(seed);
  const numbers = (count: number): Float32Array<ArrayBuffer> =>
    Float32Array.from({ length: count }, () => random() * 2 - 1);
  return widths.map((all) =>
    all
      .slice(1)
      .map((outputs, i) => ({ inputs: all[i]!, outputs, weight: numbers(all[i]! * outputs), bias: numbers(outputs) })),
  );
}
