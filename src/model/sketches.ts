/**
 * The sketch block: what the index needs of a contiguous range `[from, to)` of one source partition. It lists *every* record of the range
 * (protocol rule 1), those without a text as stubs.
 *
 * Layout, little-endian: magic u32 · partition u32 · from u64 · to u64 · configuration hash u64 · count u32 · stride u32, then `count` × offset
 * u64, `count` × exact u64, `count` × kind u8 padded to 8, then a sketch of `stride` bytes for each entry that is not a stub, in order.
 */
import { FatalError } from '../errors.ts';
import { viewOf } from './bytes.ts';
import { STUB } from './sifted.ts';

const MAGIC = 0x314b5352; // "RSK1"
const HEADER_BYTES = 40;

export interface SketchBlock {
  readonly partition: number;
  readonly from: bigint;
  readonly to: bigint;
  readonly config: bigint;
  readonly count: number;
  readonly stride: number;
  readonly offsets: BigUint64Array;
  readonly exact: BigUint64Array;
  readonly kinds: Uint8Array;
  /** One of `stride` bytes for each entry whose kind is not STUB, in order. */
  readonly sketches: Uint8Array;
}

const padded = (n: number) => (n + 7) & ~7;

export function writeSketchBlock(block: SketchBlock): Uint8Array<ArrayBuffer> {
  const { count } = block;
  const kindsAt = HEADER_BYTES + 16 * count;
  const sketchesAt = kindsAt + padded(count);
  const out = new Uint8Array(sketchesAt + block.sketches.length);
  const view = viewOf(out);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, block.partition, true);
  view.setBigUint64(8, block.from, true);
  view.setBigUint64(16, block.to, true);
  view.setBigUint64(24, block.config, true);
  view.setUint32(32, count, true);
  view.setUint32(36, block.stride, true);
  new BigUint64Array(out.buffer, HEADER_BYTES, count).set(block.offsets.subarray(0, count));
  new BigUint64Array(out.buffer, HEADER_BYTES + 8 * count, count).set(block.exact.subarray(0, count));
  out.set(block.kinds.subarray(0, count), kindsAt);
  out.set(block.sketches, sketchesAt);
  return out;
}

export function readSketchBlock(bytes: Uint8Array): SketchBlock {
  const view = viewOf(bytes);
  if (bytes.length < HEADER_BYTES || view.getUint32(0, true) !== MAGIC)
    throw new FatalError(
      'foreign-block',
      'sketch block; not written by this version of Riffle; finish the run with the version that began it, or start over with --fresh',
    );
  const count = view.getUint32(32, true);
  const stride = view.getUint32(36, true);
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
  const kindsAt = HEADER_BYTES + 16 * count;
  return {
    partition: view.getUint32(4, true),
    from: view.getBigUint64(8, true),
    to: view.getBigUint64(16, true),
    config: view.getBigUint64(24, true),
    count,
    stride,
    offsets: new BigUint64Array(aligned.buffer, aligned.byteOffset + HEADER_BYTES, count),
    exact: new BigUint64Array(aligned.buffer, aligned.byteOffset + HEADER_BYTES + 8 * count, count),
    kinds: aligned.subarray(kindsAt, kindsAt + count),
    sketches: aligned.subarray(kindsAt + padded(count)),
  };
}

/** The part of a block at or above `from`: what is left of one that was partly folded before (protocol rule 4). */
export function sliceSketchBlock(block: SketchBlock, from: bigint): SketchBlock {
  let skip = 0;
  let sketched = 0;
  while (skip < block.count && block.offsets[skip]! < from) {
    if (block.kinds[skip] !== STUB) sketched++;
    skip++;
  }
  return {
    ...block,
    from,
    count: block.count - skip,
    offsets: block.offsets.subarray(skip),
    exact: block.exact.subarray(skip),
    kinds: block.kinds.subarray(skip),
    sketches: block.sketches.subarray(sketched * block.stride),
  };
}
