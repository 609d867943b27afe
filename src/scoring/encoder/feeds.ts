import type { InferenceSession, Tensor } from 'onnxruntime-node';
import type { EncoderManifest } from '../manifest-encoder.ts';
import type { SharedBatch } from './shared-batch.ts';

type TensorClass = typeof Tensor;

/** Makes the tensors that a graph is fed with from what lies in the shared memory. */
export type MakeFeeds = (rows: number, width: number) => InferenceSession.FeedsType;

/** Memory for what has to be written besides the ids is taken once. */
export function createFeeds(
  { inputs }: Pick<EncoderManifest['model'], 'inputs'>,
  { ids, lengths }: SharedBatch,
  TensorClass: TensorClass,
): MakeFeeds {
  const room = ids.length;
  const wide = inputs.type === 'int64';
  // Every other 32 bits of an int64 are its lower half, and the upper one stays zero: filling through BigInt is ten times as slow.
  const idsWide = createWide(wide ? room : 0);
  const lengthsWide = createWide(wide ? lengths.length : 0);
  const mask = inputs.attentionMask === undefined ? undefined : new Int32Array(room * (wide ? 2 : 1));
  const types = inputs.tokenTypes === undefined ? undefined : new Int32Array(room * (wide ? 2 : 1));
  const tensor = (halves: Int32Array, dims: readonly number[]): Tensor => {
    const count = dims.reduce((a, b) => a * b, 1);
    if (!wide) return new TensorClass('int32', halves.subarray(0, count), dims);
    return new TensorClass('int64', new BigInt64Array(halves.buffer, halves.byteOffset, count), dims);
  };

  return (rows, width) => {
    const dims = [rows, width];
    const feeds: Record<string, Tensor> = {
      [inputs.ids]: tensor(wide ? widen(ids, rows * width, idsWide) : ids, dims),
    };
    if (inputs.lengths !== undefined)
      feeds[inputs.lengths] = tensor(wide ? widen(lengths, rows, lengthsWide) : lengths, [rows]);
    if (mask !== undefined) {
      fillMask(mask, lengths, rows, width, wide ? 2 : 1);
      feeds[inputs.attentionMask!] = tensor(mask, dims);
    }
    if (types !== undefined) feeds[inputs.tokenTypes!] = tensor(types, dims);
    return feeds;
  };
}

const createWide = (count: number): Int32Array => new Int32Array(2 * count);

function widen(from: Int32Array, count: number, into: Int32Array): Int32Array {
  for (let i = 0; i < count; i++) into[2 * i] = from[i]!;
  return into;
}

/** Ones where a window has tokens, `stride` places each. */
function fillMask(mask: Int32Array, lengths: Int32Array, rows: number, width: number, stride: number): void {
  mask.fill(0, 0, rows * width * stride);
  for (let row = 0; row < rows; row++) {
    const start = row * width;
    for (let i = 0; i < lengths[row]!; i++) mask[(start + i) * stride] = 1;
  }
}
