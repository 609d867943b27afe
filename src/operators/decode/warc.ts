import type { ByteWindow } from './byte-window.ts';
import { decodeError } from './reasons.ts';
import { type DecodeLimits, keptBytes, type RawBatch, type RawRecord } from './types.ts';
import { type Frame, findRecordStart, frameRecord, skippedType } from './warc-frame.ts';

/**
 * The records of a WARC or WET file, from the window's first byte, which must start a record.
 *
 * An own reader: warcio gives one record at a time through async iterators, needs a second reader to find a way out of wrong lengths,
 * and gives no offset to resume from. It is the oracle of the tests; bench/decode.ts compares the speeds.
 */
export async function* readWarc(
  window: ByteWindow,
  limits: DecodeLimits,
  addressable: boolean,
): AsyncGenerator<RawBatch> {
  let at = 0;
  for (;;) {
    const from = window.base + at;
    const records: RawRecord[] = [];
    let frame = frameRecord(window.bytes, at, window.ended, limits);
    while (frame.kind === 'record' || frame.kind === 'bad') {
      records.push(frame.kind === 'record' ? goodRecord(window, frame) : badRecord(window, frame));
      at = frame.next;
      frame = frameRecord(window.bytes, at, window.ended, limits);
    }
    at = frame.start;
    const batch = (to: number): RawBatch => ({
      format: 'warc',
      from: BigInt(from),
      to: BigInt(to),
      addressable,
      records,
    });

    if (frame.kind === 'tooLarge') {
      const record = await skipTooLarge(window, frame, limits);
      records.push(record);
      at = Number(record.next) - window.base;
      yield batch(Number(record.next));
    } else if (frame.kind === 'need') {
      if (window.base + at > from) yield batch(window.base + at);
      await window.fill(at, frame.wantBytes);
      at = 0;
    } else {
      if (window.damage && !endsBroken(records)) records.push(damagedTail(window, at));
      const last = records.at(-1);
      const to = last ? Number(last.next) : window.base + at;
      if (to > from) yield batch(to);
      return;
    }
  }
}

type FrameOf<Kind extends Frame['kind']> = Extract<Frame, { kind: Kind }>;

function goodRecord(window: ByteWindow, frame: FrameOf<'record'>): RawRecord {
  const skipped = skippedType(frame.fields);
  const record: RawRecord = {
    offset: BigInt(window.base + frame.start),
    next: BigInt(window.base + frame.next),
    kind: 'warc',
    bytes: window.bytes.subarray(frame.block, frame.end),
    headers: frame.fields,
  };
  return skipped ? { ...record, skipped } : record;
}

/** A bad record of a type that carries no document loses nothing: it stays skipped. */
function badRecord(window: ByteWindow, frame: FrameOf<'bad'>): RawRecord {
  const atEnd = window.ended && frame.next === window.bytes.length;
  const skipped = frame.fields && !atEnd ? skippedType(frame.fields) : undefined;
  const record: RawRecord = {
    offset: BigInt(window.base + frame.start),
    next: BigInt(window.base + frame.next),
    kind: 'warc',
    bytes: Buffer.from(window.bytes.subarray(frame.start, Math.min(frame.next, frame.start + keptBytes(limits)))),
    ...(frame.fields ? { headers: frame.fields } : {}),
  };
  if (skipped && skipped !== 'other') return { ...record, skipped };
  return { ...record, error: (atEnd ? window.damage : undefined) ?? frame.error };
}

function endsBroken(records: readonly RawRecord[]): boolean {
  return records.at(-1)?.error !== undefined;
}

function damagedTail(window: ByteWindow, at: number): RawRecord {
  const offset = BigInt(window.base + at);
  const record: RawRecord = { offset, next: offset + 1n, kind: 'warc', bytes: Buffer.alloc(0) };
  return window.damage ? { ...record, error: window.damage } : record;
}

/** Passes over a block that is over the limit without keeping it; ends at its announced end or at an earlier record start. */
async function skipTooLarge(window: ByteWindow, frame: FrameOf<'tooLarge'>, limits: DecodeLimits): Promise<RawRecord> {
  const offset = BigInt(window.base + frame.start);
  const announcedEnd = window.base + frame.block + frame.lengthBytes;
  while (window.bytes.length - frame.start < keptBytes(limits) && (await window.fill(frame.start))) frame = rebase(frame);
  const bytes = Buffer.from(window.bytes.subarray(frame.start, frame.start + keptBytes(limits)));
  let at = frame.block;
  let next = -1;
  for (;;) {
    const found = findRecordStart(window.bytes, at, window.ended);
    if (found >= 0 && window.base + found < announcedEnd) {
      next = window.base + found;
      break;
    }
    if (window.base + window.bytes.length >= announcedEnd || window.ended) break;
    // A record start may be cut by the buffer's end: keep its last bytes.
    at = Math.max(at, window.bytes.length - 64);
    await window.fill(at);
    at = 0;
  }
  if (next < 0) next = Math.min(announcedEnd, window.base + window.bytes.length);
  const actual = `${frame.lengthBytes} bytes, the limit is ${limits.maxRecordBytes}`;
  const error = decodeError('decode.tooLarge', `WARC record; ${actual}; raise decode.maxRecordBytes to read it`);
  const skipped = skippedType(frame.fields);
  const record: RawRecord = { offset, next: BigInt(next), kind: 'warc', bytes, headers: frame.fields };
  return skipped && skipped !== 'other' ? { ...record, skipped } : { ...record, error };
}

function rebase(frame: FrameOf<'tooLarge'>): FrameOf<'tooLarge'> {
  return { ...frame, start: 0, block: frame.block - frame.start };
}
