import { ConfigError } from '../../src/errors.ts';
import type { Dense } from './bert.ts';
import type { Head } from './graph.ts';

/** Numbers on the way through a head: its input, hidden layers, outputs. */
export interface HeadShape {
  readonly name: string;
  readonly widths: readonly number[];
}

/** The heads that come with Riffle, in the order of the columns of `logits`. */
export const shippedHeads = [
  { name: 'toxicity', widths: [384, 128, 4] },
  { name: 'spam', widths: [384, 32, 1] },
] as const satisfies readonly HeadShape[];

/** Logits of an embedding, in double precision. */
export function applyHead(head: Head, embedding: ArrayLike<number>): Float64Array {
  return head.reduce<Float64Array>(
    (x, map, i) => applyDense(i === 0 ? x : x.map((value) => Math.max(0, value)), map),
    Float64Array.from(embedding),
  );
}

export function applyDense(x: Float64Array, { inputs, outputs, weight, bias }: Dense): Float64Array {
  const out = Float64Array.from(bias);
  for (let i = 0; i < inputs; i++) for (let j = 0; j < outputs; j++) out[j]! += x[i]! * weight[i * outputs + j]!;
  return out;
}

/** Float32, little-endian: weight and bias of each map, head after head. */
export function writeHeads(heads: readonly Head[]): Uint8Array<ArrayBuffer> {
  const numbers = heads.flat().flatMap(({ weight, bias }) => [weight, bias]);
  const out = new Float32Array(numbers.reduce((sum, one) => sum + one.length, 0));
  let at = 0;
  for (const one of numbers) {
    out.set(one, at);
    at += one.length;
  }
  return new Uint8Array(out.buffer);
}

/** Throws a ConfigError for a file of another size. */
export function readHeads(bytes: Uint8Array, shapes: readonly HeadShape[], origin: string): Head[] {
  const wanted = shapes.flatMap(({ widths }) => mapSizes(widths)).reduce((sum, [i, o]) => sum + i * o + o, 0);
  if (bytes.length !== wanted * 4) {
    throw new ConfigError(
      'encoder-heads',
      `heads ${origin}; ${bytes.length} bytes, not ${wanted * 4}; restore the file`,
    );
  }
  const numbers = new Float32Array(bytes.slice().buffer);
  let at = 0;
  const take = (count: number): Float32Array<ArrayBuffer> => numbers.slice(at, (at += count));
  return shapes.map(({ widths }) =>
    mapSizes(widths).map(([inputs, outputs]): Dense => {
      const weight = take(inputs * outputs);
      return { inputs, outputs, weight, bias: take(outputs) };
    }),
  );
}

function mapSizes(widths: readonly number[]): [number, number][] {
  return widths.slice(1).map((outputs, i) => [widths[i]!, outputs]);
}
