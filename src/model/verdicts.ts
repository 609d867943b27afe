/**
 * The verdict block: the index's answers for a contiguous range `[from, to)` of one source partition. What it covers and does not list is not
 * a record; what it lists as a stub has no duplicate (protocol rule 11).
 *
 * Layout, little-endian: magic u32 · partition u32 · from u64 · to u64 · configuration hash u64 · count u32 · bands u32, then `count`
 * entries of 48 bytes: offset u64 · exact key u64 · duplicate's offset u64 · duplicate's partition u32 (all ones: none) · copies u32 · similarity f32 ·
 * containment f32 · generation u32 · kind u8 · votes u8 · exact match u8 · reserved u8.
 */
import { FatalError } from '../errors.ts';
import { viewOf } from './bytes.ts';

const MAGIC = 0x31445652; // "RVD1"
const HEADER_BYTES = 40;
const ENTRY_BYTES = 48;
const NONE = 0xffffffff;

export interface Verdict {
  readonly offset: bigint;
  readonly exact: bigint;
  readonly kind: number;
  /** Bands of this record that one generation of the history knows, at most `bands` of the block. */
  readonly votes: number;
  readonly generation: number;
  /** The exact key was seen before. */
  readonly exactMatch: boolean;
  /** Of the best match in the window, 0 when there is none. */
  readonly similarity: number;
  /** Share of this record's shingles found in the matched earlier one, estimated. */
  readonly containment: number;
  /** How often this exact text was seen, this record included. */
  readonly copies: number;
  /** First record seen with this text; undefined when the match is only in the history. */
  readonly duplicateOf: { readonly partition: number; readonly offset: bigint } | undefined;
}

export interface VerdictBlock {
  readonly partition: number;
  readonly from: bigint;
  readonly to: bigint;
  readonly config: bigint;
  readonly bands: number;
  readonly count: number;
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

export function writeVerdictBlock(
  head: Omit<VerdictBlock, 'bytes' | 'view' | 'count'>,
  verdicts: readonly Verdict[],
): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(HEADER_BYTES + verdicts.length * ENTRY_BYTES);
  const view = viewOf(out);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, head.partition, true);
  view.setBigUint64(8, head.from, true);
  view.setBigUint64(16, head.to, true);
  view.setBigUint64(24, head.config, true);
  view.setUint32(32, verdicts.length, true);
  view.setUint32(36, head.bands, true);
  let at = HEADER_BYTES;
  for (const v of verdicts) {
    view.setBigUint64(at, v.offset, true);
    view.setBigUint64(at + 8, v.exact, true);
    view.setBigUint64(at + 16, v.duplicateOf?.offset ?? 0n, true);
    view.setUint32(at + 24, v.duplicateOf?.partition ?? NONE, true);
    view.setUint32(at + 28, v.copies, true);
    view.setFloat32(at + 32, v.similarity, true);
    view.setFloat32(at + 36, v.containment, true);
    view.setUint32(at + 40, v.generation, true);
    view.setUint8(at + 44, v.kind);
    view.setUint8(at + 45, v.votes);
    view.setUint8(at + 46, v.exactMatch ? 1 : 0);
    at += ENTRY_BYTES;
  }
  return out;
}

export function readVerdictBlock(bytes: Uint8Array): VerdictBlock {
  const view = viewOf(bytes);
  if (bytes.length < HEADER_BYTES || view.getUint32(0, true) !== MAGIC)
    throw new FatalError(
      'foreign-block',
      'verdict block; not written by this version of Riffle; finish the run with the version that began it, or start over with --fresh',
    );
  return {
    partition: view.getUint32(4, true),
    from: view.getBigUint64(8, true),
    to: view.getBigUint64(16, true),
    config: view.getBigUint64(24, true),
    count: view.getUint32(32, true),
    bands: view.getUint32(36, true),
    bytes,
    view,
  };
}

export function verdictOffset(block: VerdictBlock, i: number): bigint {
  return block.view.getBigUint64(HEADER_BYTES + i * ENTRY_BYTES, true);
}

export function verdictExact(block: VerdictBlock, i: number): bigint {
  return block.view.getBigUint64(HEADER_BYTES + i * ENTRY_BYTES + 8, true);
}

export function verdictKind(block: VerdictBlock, i: number): number {
  return block.bytes[HEADER_BYTES + i * ENTRY_BYTES + 44]!;
}

export function verdictAt(block: VerdictBlock, i: number): Verdict {
  const view = block.view;
  const at = HEADER_BYTES + i * ENTRY_BYTES;
  const partition = view.getUint32(at + 24, true);
  return {
    offset: view.getBigUint64(at, true),
    exact: view.getBigUint64(at + 8, true),
    kind: view.getUint8(at + 44),
    votes: view.getUint8(at + 45),
    exactMatch: view.getUint8(at + 46) === 1,
    generation: view.getUint32(at + 40, true),
    similarity: view.getFloat32(at + 32, true),
    containment: view.getFloat32(at + 36, true),
    copies: view.getUint32(at + 28, true),
    duplicateOf: partition === NONE ? undefined : { partition, offset: view.getBigUint64(at + 16, true) },
  };
}
