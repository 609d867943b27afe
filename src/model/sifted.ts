/**
 * The sifted block: what sift found out about a contiguous range `[from, to)` of one source partition.
 *
 * Layout, little-endian: magic u32 · partition u32 · from u64 · to u64 · count u32 · reserved u32, then `count` entries of 56 bytes, then
 * the bytes that entries point into. Entry: offset u64 · exact u64 · kind u8 · shape u8 · retried u8 · reserved · bytes at u32 · lengths of head, signals,
 * failures (JSON) and language u32 each, which follow one another there · source start u64 · source length u32 · reserved u32.
 */
import { FatalError } from '../errors.ts';
import { type ByteWriter, byteWriter, viewOf } from './bytes.ts';
import type { Failure } from './reasons.ts';

/** How a record takes part in deduplication. Asked: answered, not inserted, because sift itself rejects it. */
export const STUB = 0;
export const ASKED = 1;
export const INSERTED = 2;

/** What the head of a record is. `SOURCE`: what follows the record's own bytes, which stay in the source. */
export const INLINE = 0;
export const SOURCE = 1;
export const DEAD = 2;
/** No document: only counted, by the type in its head; the index never hears of it. */
export const SKIPPED = 3;

const MAGIC = 0x31534652; // "RFS1"
const HEADER_BYTES = 32;
const ENTRY_BYTES = 56;
const decoder = new TextDecoder();

export interface SiftedEntry {
  readonly offset: bigint;
  /** Exact key of the normalised text; 0 for a stub. Tells two attempts at the same record apart (protocol rule 3). */
  readonly exact: bigint;
  readonly kind: number;
  readonly shape: number;
  /** INLINE: the output object without its closing brace. DEAD: the dead letter without `decision`, likewise. SOURCE: members behind those in the source. */
  readonly head: Uint8Array | string;
  /** SOURCE: where the JSON object and its own members lie in the source file, in bytes. */
  readonly sourceStart: number;
  readonly sourceBytes: number;
  /** JSON members, without braces: `"language/lid176@1":{…},"gopher@datatrove":{…}`. */
  readonly signals: string;
  readonly language: string;
  /** A dead letter that was put back: never dropped as a duplicate, it would be one of itself (protocol rule 14). */
  readonly retried: boolean;
  readonly failures: readonly Failure[];
}

export interface SiftedBlock {
  readonly partition: number;
  readonly from: bigint;
  readonly to: bigint;
  readonly count: number;
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

export interface SiftedWriter {
  readonly count: number;
  /** Bytes of heads so far: what limits a block. */
  readonly bytes: number;
  add(entry: SiftedEntry): void;
  take(partition: number, from: bigint, to: bigint): Uint8Array<ArrayBuffer>;
}

export function siftedWriter(): SiftedWriter {
  const table: ByteWriter = byteWriter(1 << 14);
  const area: ByteWriter = byteWriter(1 << 18);
  let count = 0;
  return {
    get count() {
      return count;
    },
    get bytes() {
      return area.length;
    },
    add(entry) {
      const at = area.length;
      let headBytes: number;
      if (typeof entry.head === 'string') headBytes = area.text(entry.head);
      else {
        headBytes = entry.head.length;
        area.raw(entry.head);
      }
      const signalsBytes = area.text(entry.signals);
      const failuresBytes = entry.failures.length === 0 ? 0 : area.text(JSON.stringify(entry.failures));
      const languageBytes = area.text(entry.language);
      table.u64(entry.offset);
      table.u64(entry.exact);
      table.u8(entry.kind);
      table.u8(entry.shape);
      table.u8(entry.retried ? 1 : 0);
      table.u8(0);
      table.u32(at);
      table.u32(headBytes);
      table.u32(signalsBytes);
      table.u32(failuresBytes);
      table.u32(languageBytes);
      table.u64(BigInt(entry.sourceStart));
      table.u32(entry.sourceBytes);
      table.u32(0);
      count++;
    },
    take(partition, from, to) {
      const entries = table.take();
      const bodies = area.take();
      const out = new Uint8Array(HEADER_BYTES + entries.length + bodies.length);
      const view = viewOf(out);
      view.setUint32(0, MAGIC, true);
      view.setUint32(4, partition, true);
      view.setBigUint64(8, from, true);
      view.setBigUint64(16, to, true);
      view.setUint32(24, count, true);
      out.set(entries, HEADER_BYTES);
      out.set(bodies, HEADER_BYTES + entries.length);
      count = 0;
      return out;
    },
  };
}

export function readSiftedBlock(bytes: Uint8Array): SiftedBlock {
  const view = viewOf(bytes);
  if (bytes.length < HEADER_BYTES || view.getUint32(0, true) !== MAGIC)
    throw new FatalError(
      'foreign-block',
      'sifted block; not written by this version of Riffle; finish the run with the version that began it, or start over with --fresh',
    );
  return {
    partition: view.getUint32(4, true),
    from: view.getBigUint64(8, true),
    to: view.getBigUint64(16, true),
    count: view.getUint32(24, true),
    bytes,
    view,
  };
}

export function siftedOffset(block: SiftedBlock, i: number): bigint {
  return block.view.getBigUint64(HEADER_BYTES + i * ENTRY_BYTES, true);
}

export function siftedExact(block: SiftedBlock, i: number): bigint {
  return block.view.getBigUint64(HEADER_BYTES + i * ENTRY_BYTES + 8, true);
}

export function siftedShape(block: SiftedBlock, i: number): number {
  return block.bytes[HEADER_BYTES + i * ENTRY_BYTES + 17]!;
}

/** The bytes of the source that hold all SOURCE entries of a block. */
export function sourceSpan(block: SiftedBlock): { start: number; end: number } {
  let start = Number.MAX_SAFE_INTEGER;
  let end = 0;
  for (let i = 0; i < block.count; i++) {
    if (siftedShape(block, i) !== SOURCE) continue;
    const at = HEADER_BYTES + i * ENTRY_BYTES;
    const from = Number(block.view.getBigUint64(at + 40, true));
    start = Math.min(start, from);
    end = Math.max(end, from + block.view.getUint32(at + 48, true));
  }
  return start < end ? { start, end } : { start: 0, end: 0 };
}

export function siftedEntry(block: SiftedBlock, i: number): SiftedEntry {
  const view = block.view;
  const e = HEADER_BYTES + i * ENTRY_BYTES;
  const base = HEADER_BYTES + block.count * ENTRY_BYTES;
  let at = base + view.getUint32(e + 20, true);
  const part = (length: number) => block.bytes.subarray(at, (at += length));
  const head = part(view.getUint32(e + 24, true));
  const signals = decoder.decode(part(view.getUint32(e + 28, true)));
  const failuresBytes = view.getUint32(e + 32, true);
  const failures: Failure[] = failuresBytes === 0 ? [] : (JSON.parse(decoder.decode(part(failuresBytes))) as Failure[]);
  const language = decoder.decode(part(view.getUint32(e + 36, true)));
  return {
    offset: view.getBigUint64(e, true),
    exact: view.getBigUint64(e + 8, true),
    kind: view.getUint8(e + 16),
    shape: view.getUint8(e + 17),
    head,
    signals,
    failures,
    language,
    retried: view.getUint8(e + 18) === 1,
    sourceStart: Number(view.getBigUint64(e + 40, true)),
    sourceBytes: view.getUint32(e + 48, true),
  };
}
