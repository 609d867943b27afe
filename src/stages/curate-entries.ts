/** The sifted records of one stretch, found by offset and exact key, with their bodies. */
import { FatalError } from '../errors.ts';
import {
  readSiftedBlock,
  type SiftedBlock,
  type SiftedEntry,
  SKIPPED,
  SOURCE,
  siftedEntry,
  siftedExact,
  siftedOffset,
  siftedShape,
  sourceSpan,
} from '../model/sifted.ts';

/** A record's output object without its closing brace: `bytes`, then `tail`. */
export interface Body {
  readonly bytes: Uint8Array;
  readonly tail: string;
}

export interface Found {
  readonly entry: SiftedEntry;
  readonly body: Body;
}

export interface Entries {
  /** About how long the output lines of all records will be together. */
  readonly expectedBytes: number;
  /** The copy of a record that the index accepted is the one that counts (protocol rule 3). */
  take(offset: bigint, exact: bigint): Found;
  /** Any copy, where the accepted one is a stub whose copy was lost. */
  takeAny(offset: bigint): Found;
  has(offset: bigint, exact: bigint): boolean;
  /** Types of the records without a document in `[next, limit)`. */
  skipped(next: bigint, limit: bigint): string[];
}

/** Reads a stretch of the partition's source file. */
export type ReadSource = (start: number, bytes: number) => Uint8Array;

/** Gaps between spliced records (skipped ones, say) are read too, up to this; beyond it each record is read alone. */
const MAX_SPAN_BYTES = 32 << 20;

export function createEntries(sifted: readonly Uint8Array[], readSource: ReadSource): Entries {
  const blocks = sifted.map((bytes) => ({
    block: readSiftedBlock(bytes),
    at: 0,
    source: undefined as Source | undefined,
  }));

  function find(offset: bigint, exact: bigint | undefined): { held: (typeof blocks)[number]; i: number } | undefined {
    for (const held of blocks) {
      const { block } = held;
      if (offset < block.from || offset >= block.to) continue;
      const i = (held.at = seek(block, held.at, offset));
      if (i === block.count || siftedOffset(block, i) !== offset) continue;
      if (exact === undefined || siftedExact(block, i) === exact) return { held, i };
    }
    return undefined;
  }

  function take(offset: bigint, exact: bigint | undefined): Found {
    const found = find(offset, exact);
    if (found === undefined)
      throw new FatalError(
        'join',
        `record at ${offset}; no sifted copy has the key that the index accepted; report it`,
      );
    const { held, i } = found;
    const entry = siftedEntry(held.block, i);
    if (entry.shape !== SOURCE) return { entry, body: { bytes: entry.head as Uint8Array, tail: '' } };
    held.source ??= openSpan(held.block, readSource);
    const bytes = held.source(entry.sourceStart, entry.sourceBytes);
    return { entry, body: { bytes, tail: Buffer.from(entry.head as Uint8Array).toString() } };
  }

  return {
    expectedBytes: blocks.reduce((sum, { block }) => sum + expectedBytes(block), 0),
    take,
    takeAny: (offset) => take(offset, undefined),
    has: (offset, exact) => find(offset, exact) !== undefined,
    skipped(next, limit) {
      const types = new Map<bigint, string>();
      for (const { block } of blocks) collectSkipped(block, next, limit, types);
      return [...types.values()];
    },
  };
}

/** Bodies, and some 800 bytes of signals, decision and position each. */
function expectedBytes(block: SiftedBlock): number {
  const { start, end } = sourceSpan(block);
  return block.bytes.length + Math.min(end - start, MAX_SPAN_BYTES) + 800 * block.count;
}

function seek(block: SiftedBlock, from: number, offset: bigint): number {
  let i = from;
  while (i < block.count && (siftedOffset(block, i) < offset || siftedShape(block, i) === SKIPPED)) i++;
  return i;
}

type Source = (start: number, bytes: number) => Uint8Array;

/** One read for a whole block: its records lie side by side. */
function openSpan(block: SiftedBlock, readSource: ReadSource): Source {
  const span = sourceSpan(block);
  if (span.end - span.start > MAX_SPAN_BYTES) return readSource;
  const all = readSource(span.start, span.end - span.start);
  return (start, bytes) => all.subarray(start - span.start, start - span.start + bytes);
}

function collectSkipped(block: SiftedBlock, next: bigint, limit: bigint, into: Map<bigint, string>): void {
  for (let i = 0; i < block.count; i++) {
    if (siftedShape(block, i) !== SKIPPED) continue;
    const offset = siftedOffset(block, i);
    if (offset >= next && offset < limit)
      into.set(offset, Buffer.from(siftedEntry(block, i).head as Uint8Array).toString());
  }
}
