import { seededRandom, shuffled } from '../random.ts';
import type { Dense } from './bert.ts';
import type { Head } from './graph.ts';

/** What a head learns from: embeddings with a label for each output. */
export interface HeadProblem {
  readonly rows: readonly {
    readonly x: Float32Array;
    /** 1, 0, or −1 where nobody says. */
    readonly labels: readonly number[];
    readonly weight: number;
    /** Of its source: an intercept for each output is learned beside the head and dropped, so that what a source is like stays out of it. */
    readonly group: number;
  }[];
  readonly widths: readonly [inputs: number, hidden: number, outputs: number];
  readonly groups: number;
  readonly epochs: number;
  readonly seed: number;
}

const BATCH = 256;
const RATE = 1e-3;
const DECAY = 0.01;
/** The least deviation that a dimension is divided by: two of MiniLM's hardly differ between texts. */
const LEAST_DEVIATION = 1e-3;

/**
 * One hidden layer with ReLU, logistic loss on each output, AdamW with a rate that falls along a cosine (Kingma and Ba 2015; Loshchilov and
 * Hutter 2019). Deterministic for a seed.
 */
export function trainPerceptron({ rows, widths, groups, epochs, seed }: HeadProblem): Head {
  const [inputs, hidden, outputs] = widths;
  const { mean, deviation } = moments(
    rows.map(({ x }) => x),
    inputs,
  );
  const random = seededRandom(seed);
  const first = parameters(inputs * hidden, () => gaussian(random) * Math.sqrt(2 / inputs));
  const firstBias = parameters(hidden, () => 0);
  const second = parameters(hidden * outputs, () => gaussian(random) * Math.sqrt(1 / hidden));
  const secondBias = parameters(outputs, () => 0);
  const groupBias = parameters(groups * outputs, () => 0);
  const all = [first, firstBias, second, secondBias, groupBias];
  const x = new Float64Array(inputs);
  const h = new Float64Array(hidden);
  const dh = new Float64Array(hidden);

  function learn({ x: raw, labels, weight, group }: HeadProblem['rows'][number]): void {
    for (let i = 0; i < inputs; i++) x[i] = (raw[i]! - mean[i]!) / deviation[i]!;
    forward(x, first.value, firstBias.value, h);
    for (let j = 0; j < hidden; j++) h[j] = Math.max(0, h[j]!);
    dh.fill(0);
    for (let k = 0; k < outputs; k++) {
      if (labels[k]! < 0) continue;
      let z = secondBias.value[k]! + groupBias.value[group * outputs + k]!;
      for (let j = 0; j < hidden; j++) z += h[j]! * second.value[j * outputs + k]!;
      const d = weight * (1 / (1 + Math.exp(-z)) - labels[k]!);
      secondBias.gradient[k]! += d;
      groupBias.gradient[group * outputs + k]! += d;
      for (let j = 0; j < hidden; j++) {
        second.gradient[j * outputs + k]! += d * h[j]!;
        if (h[j]! > 0) dh[j]! += d * second.value[j * outputs + k]!;
      }
    }
    for (let j = 0; j < hidden; j++) firstBias.gradient[j]! += dh[j]!;
    addOuter(x, dh, first.gradient);
  }

  const steps = epochs * Math.ceil(rows.length / BATCH);
  let step = 0;
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = shuffled(rows, random);
    for (let from = 0; from < order.length; from += BATCH) {
      const batch = order.slice(from, from + BATCH);
      for (const row of batch) learn(row);
      step++;
      const rate = (RATE * (1 + Math.cos((Math.PI * step) / steps))) / 2;
      for (const one of all) one.update(rate, step, batch.length, one === first || one === second ? DECAY : 0);
    }
  }
  return [
    overInputs(first.value, firstBias.value, mean, deviation),
    {
      inputs: hidden,
      outputs,
      weight: Float32Array.from(second.value),
      bias: Float32Array.from(secondBias.value),
    },
  ];
}

interface Parameters {
  readonly value: Float64Array;
  readonly gradient: Float64Array;
  /** Takes a step against the mean gradient of `count` rows and clears it. */
  update(rate: number, step: number, count: number, decay: number): void;
}

function parameters(size: number, initial: () => number): Parameters {
  const value = Float64Array.from({ length: size }, initial);
  const gradient = new Float64Array(size);
  const mean = new Float64Array(size);
  const square = new Float64Array(size);
  return {
    value,
    gradient,
    update(rate, step, count, decay) {
      const a = 1 - 0.9 ** step;
      const b = 1 - 0.999 ** step;
      for (let i = 0; i < size; i++) {
        const g = gradient[i]! / count;
        gradient[i] = 0;
        mean[i] = 0.9 * mean[i]! + 0.1 * g;
        square[i] = 0.999 * square[i]! + 0.001 * g * g;
        value[i]! -= rate * (mean[i]! / a / (Math.sqrt(square[i]! / b) + 1e-8) + decay * value[i]!);
      }
    },
  };
}

/** out = bias + x · weight; four inputs at a time, because what costs is loading and storing `out`. The inputs are a multiple of four. */
function forward(x: Float64Array, weight: Float64Array, bias: Float64Array, out: Float64Array): void {
  const width = out.length;
  out.set(bias);
  for (let i = 0; i < x.length; i += 4) {
    const [a, b, c, d] = [x[i]!, x[i + 1]!, x[i + 2]!, x[i + 3]!];
    const at = i * width;
    for (let j = 0; j < width; j++) {
      out[j]! +=
        a * weight[at + j]! +
        b * weight[at + width + j]! +
        c * weight[at + 2 * width + j]! +
        d * weight[at + 3 * width + j]!;
    }
  }
}

function addOuter(x: Float64Array, d: Float64Array, gradient: Float64Array): void {
  const width = d.length;
  for (let i = 0; i < x.length; i++) {
    const value = x[i]!;
    const from = i * width;
    for (let j = 0; j < width; j++) gradient[from + j]! += value * d[j]!;
  }
}

function moments(rows: readonly Float32Array[], width: number): { mean: Float64Array; deviation: Float64Array } {
  const mean = new Float64Array(width);
  const square = new Float64Array(width);
  for (const row of rows) {
    for (let i = 0; i < width; i++) {
      mean[i]! += row[i]! / rows.length;
      square[i]! += (row[i]! * row[i]!) / rows.length;
    }
  }
  const deviation = square.map((value, i) => Math.max(LEAST_DEVIATION, Math.sqrt(Math.max(0, value - mean[i]! ** 2))));
  return { mean, deviation };
}

/** A first map over inputs as they are, from one over their z-scores. */
function overInputs(first: Float64Array, bias: Float64Array, mean: Float64Array, deviation: Float64Array): Dense {
  const inputs = mean.length;
  const outputs = bias.length;
  const shifted = bias.slice();
  for (let i = 0; i < inputs; i++)
    for (let j = 0; j < outputs; j++) shifted[j]! -= (first[i * outputs + j]! * mean[i]!) / deviation[i]!;
  const weight = first.map((w, i) => w / deviation[Math.floor(i / outputs)]!);
  return { inputs, outputs, weight: Float32Array.from(weight), bias: Float32Array.from(shifted) };
}

/** Box and Muller. */
function gaussian(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
