import type { Bert, Layer, Norm } from './bert.ts';
import type { Head } from './graph.ts';
import { applyDense, applyHead } from './heads.ts';

/** A matrix by rows. */
type Matrix = readonly Float64Array[];

/**
 * The forward pass of one window by the book, in double precision and without any padding (Devlin et al. 2019; Vaswani et al. 2017, section 3): what the graphs are
 * compared with. A second for 100 tokens of MiniLM-L6.
 */
export function referencePass(
  bert: Bert,
  heads: readonly Head[],
  ids: Int32Array,
): {
  embedding: Float64Array;
  logits: Float64Array;
} {
  const { hidden, epsilon } = bert.shape;
  const rows = Array.from(ids, (id, at) =>
    Float64Array.from({ length: hidden }, (_, i) => bert.words[id * hidden + i]! + bert.positions[at * hidden + i]!),
  );
  let x: Matrix = rows.map((row) => normalise(row, bert.norm, epsilon));
  for (const layer of bert.layers) x = throughLayer(x, layer, bert);
  const mean = Float64Array.from({ length: hidden }, (_, i) => x.reduce((sum, row) => sum + row[i]!, 0) / x.length);
  const length = Math.hypot(...mean);
  const embedding = mean.map((value) => value / length);
  return { embedding, logits: Float64Array.from(heads.flatMap((head) => [...applyHead(head, embedding)])) };
}

function throughLayer(x: Matrix, layer: Layer, { shape }: Bert): Matrix {
  const seen = attend(x, layer, shape.heads);
  const y = x.map((row, i) =>
    normalise(add(row, applyDense(seen[i]!, layer.attention)), layer.attentionNorm, shape.epsilon),
  );
  return y.map((row) => {
    const wide = applyDense(row, layer.intermediate).map((value) => (value * (1 + erf(value / Math.SQRT2))) / 2);
    return normalise(add(row, applyDense(wide, layer.output)), layer.outputNorm, shape.epsilon);
  });
}

/** For each token and head, the values of all tokens, by the softmax of query · key / √width. */
function attend(x: Matrix, layer: Layer, heads: number): Matrix {
  const q = x.map((row) => applyDense(row, layer.query));
  const k = x.map((row) => applyDense(row, layer.key));
  const v = x.map((row) => applyDense(row, layer.value));
  const width = q[0]!.length / heads;
  const out = x.map(() => new Float64Array(width * heads));
  for (let from = 0; from < width * heads; from += width) {
    const part = (row: Float64Array): Float64Array => row.subarray(from, from + width);
    for (const [i, query] of q.entries()) {
      const scores = k.map((key) => dot(part(query), part(key)) / Math.sqrt(width));
      const most = Math.max(...scores);
      const powers = scores.map((score) => Math.exp(score - most));
      const total = powers.reduce((sum, power) => sum + power, 0);
      for (const [j, power] of powers.entries())
        for (let c = from; c < from + width; c++) out[i]![c]! += (power / total) * v[j]![c]!;
    }
  }
  return out;
}

function normalise(x: Float64Array, { gain, bias }: Norm, epsilon: number): Float64Array {
  const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
  const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length;
  return x.map((value, i) => ((value - mean) / Math.sqrt(variance + epsilon)) * gain[i]! + bias[i]!);
}

function add(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, i) => value + b[i]!);
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}

/** The error function to full precision: its series up to 3, the continued fraction of erfc above (Abramowitz and Stegun 7.1.6, 7.1.14). */
export function erf(x: number): number {
  const z = Math.abs(x);
  if (z > 6) return Math.sign(x);
  if (z <= 3) {
    // erf z = 2/√π · e^(−z²) · Σ 2ⁿ z^(2n+1) / (1·3·…·(2n+1)): all terms positive, so nothing cancels.
    let term = z;
    let sum = z;
    for (let n = 1; term > sum * 1e-17; n++) {
      term *= (2 * z * z) / (2 * n + 1);
      sum += term;
    }
    return Math.sign(x) * (2 / Math.sqrt(Math.PI)) * Math.exp(-z * z) * sum;
  }
  // erfc z = e^(−z²)/√π · 1/(z + ½/(z + 1/(z + 3⁄2/(z + …)))).
  let fraction = z;
  for (let n = 60; n >= 1; n--) fraction = z + n / 2 / fraction;
  return Math.sign(x) * (1 - Math.exp(-z * z) / Math.sqrt(Math.PI) / fraction);
}
