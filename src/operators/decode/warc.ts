import type { ByteWindow } from './byte-window.ts';
import { decodeError } from './reasons.ts';
import { type DecodeLimits, keptBytes, type RawBatch, type RawRecord } from './types.ts';
import { behindBlock, type Frame, findRecordStart, frameRecord, skippedType, syncBytes } from './warc-frame.ts';

/**
 * The records of a WARC or WET file, from the window's first byte, which must start a record.
 *
 * An own reader: warcio gives one record at a time through async iterators, needs a second reader to find a way out of wrong lengths,
 * and gives no offset to resume from. It is the oracle of the tests; bench/decode.ts compares the speeds.
 */
export async function* readWarc(window: ByteWindow, limits: DecodeLimits): AsyncGenerator<RawBatch> {
  let at = 0;
  for (;;) {
    const from = window.base + at;
    const records: RawRecord[] = [];
    let frame = frameRecord(window.bytes, at, window.ended, limits);
    while (frame.kind === 'record' || frame.kind === 'bad') {
      records.push(frame.kind === 'record' ? goodRecord(window, frame) : badRecord(window, frame, limits));
      at = frame.next;
      frame = frameRecord(window.bytes, at, window.ended, limits);
    }
    at = frame.start;
    const batch = (to: number): RawBatch => ({
      format: 'warc',
      from: BigInt(from),
      to: BigInt(to),
      addressable: false, // `bytes` is the block, `offset` the header before it
      records,
    });

    if (frame.kind === 'skip') {
      const record = await passOver(window, frame, limits);
      records.push(record);
      at = Number(record.next) - window.base;
      yield batch(Number(record.next));
      if (at > window.bytes.length) return; // it ended with the damage
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

function badRecord(window: ByteWindow, frame: FrameOf<'bad'>, limits: DecodeLimits): RawRecord {
  const { bytes, base } = window;
  const end = Math.min(frame.next, frame.start + keptBytes(limits));
  const kept = Buffer.from(bytes.subarray(frame.start, end));
  return faulty(window, frame, BigInt(base + frame.start), base + frame.next, kept);
}

/** A bad record of a type that carries no document loses nothing and stays skipped, unless the file ends with it. */
function faulty(
  window: ByteWindow,
  { fault, fields }: FrameOf<'bad' | 'skip'>,
  offset: bigint,
  next: number,
  bytes: Buffer,
): RawRecord {
  const atEnd = window.ended && next === window.base + window.bytes.length;
  const damage = atEnd ? window.damage : undefined;
  const record: RawRecord = {
    offset,
    next: BigInt(damage ? next + 1 : next), // the damage itself counts as a byte
    kind: 'warc',
    bytes,
    ...(fields ? { headers: fields } : {}),
  };
  const skipped = fields && !atEnd ? skippedType(fields) : undefined;
  if (skipped && skipped !== 'other') return { ...record, skipped };
  const remedy = atEnd ? 'get the file again' : 'reading goes on at the next record';
  return {
    ...record,
    error: damage ?? decodeError(fault.code, `WARC record; ${fault.actual}; ${remedy}`),
  };
}

function endsBroken(records: readonly RawRecord[]): boolean {
  return records.at(-1)?.error !== undefined;
}

function damagedTail(window: ByteWindow, at: number): RawRecord {
  const offset = BigInt(window.base + at);
  const record: RawRecord = { offset, next: offset + 1n, kind: 'warc', bytes: Buffer.alloc(0) };
  return window.damage ? { ...record, error: window.damage } : record;
}

/**
 * Passes over a record without keeping it: to the next record start, or to its announced end where a record follows.
 * Works with offsets, because indexes move with the window.
 */
async function passOver(window: ByteWindow, frame: FrameOf<'skip'>, limits: DecodeLimits): Promise<RawRecord> {
  const start = window.base + frame.start;
  let announced = window.base + frame.end;
  let search = window.base + frame.from;
  const wanted = keptBytes(limits);
  while (window.end - start < wanted && (await window.fill(start - window.base)));
  const kept = Buffer.from(window.bytes.subarray(start - window.base, start - window.base + wanted));

  for (;;) {
    const found = findRecordStart(window.bytes, search - window.base, window.ended);
    const next = found < 0 ? Number.POSITIVE_INFINITY : window.base + found;
    let keep = search - 1;
    if (announced < next && announced <= window.end) {
      const behind = behindBlock(window.bytes, announced - window.base, window.ended);
      if (behind.is === 'end') return finish(window.base + behind.next);
      if (behind.is === 'wrong') announced = Number.POSITIVE_INFINITY;
      else keep = announced;
    }
    if (found >= 0 && next <= announced) return finish(next);
    if (window.ended) return finish(window.end);
    // The last bytes may be the beginning of a record start; the one before them must be a line break.
    search = Math.max(search, window.end - syncBytes);
    await window.fill(Math.min(keep, search - 1) - window.base);
  }

  function finish(next: number): RawRecord {
    return faulty(window, frame, BigInt(start), next, kept.subarray(0, next - start));
  }
}
