import type { ByteWindow } from './byte-window.ts';
import { decodeError } from './reasons.ts';
import { type DecodeLimits, keptBytes, type RawBatch, type RawRecord } from './types.ts';

/** Where a value that begins at `start` stands; scanning can stop at a buffer's end and go on in the next. */
interface Scan {
  depth: number;
  inString: boolean;
  /** A bare word or number outside of any object: ends at a blank, comma or bracket. */
  bare: boolean;
}

const quote = 34;
const backslash = 92;

/**
 * A JSON file that is no JSON lines: an array of documents, or documents that span lines. Each element is a record.
 * Only brackets and strings are looked at; whether an element is right JSON is found when it is decoded.
 * Reads from the window's first byte: the start of the file, or behind an element. `isArray`: the file begins with `[`.
 */
export async function* readJsonDocuments(
  window: ByteWindow,
  limits: DecodeLimits,
  options: { addressable: boolean; isArray: boolean },
): AsyncGenerator<RawBatch> {
  let at = 0;
  let closed = !options.isArray;
  let opened = !options.isArray || window.base > 0;
  for (;;) {
    const from = window.base + at;
    const records: RawRecord[] = [];
    for (;;) {
      const between = skipBetween(window.bytes, at, window.base, opened);
      at = between.next;
      opened = between.opened;
      closed ||= between.closed;
      if (at === window.bytes.length) break;
      const end = valueEnd(window.bytes, at, newScan(window.bytes[at]!));
      if (end < 0) break;
      records.push(element(window, at, end, limits));
      at = end;
    }
    const batch = (to: number): RawBatch => ({
      format: 'json',
      from: BigInt(from),
      to: BigInt(to),
      addressable: options.addressable,
      records,
    });

    const rest = window.bytes.length - at;
    if (rest > limits.maxRecordBytes) {
      const record = await skipElement(window, at, limits);
      records.push(record);
      at = Number(record.next) - window.base;
      yield batch(Number(record.next));
      continue;
    }
    if (!window.ended) {
      if (window.base + at > from) yield batch(window.base + at);
      await window.fill(at, rest);
      at = 0;
      continue;
    }
    const tail = lastElement(window, at, closed, limits);
    if (tail) records.push(tail);
    const to = tail ? Number(tail.next) : window.base + window.bytes.length;
    if (to > from) yield batch(to);
    return;
  }
}

/** Skips blanks, commas, the array's own brackets and a byte order mark. */
function skipBetween(bytes: Buffer, from: number, base: number, opened: boolean) {
  let at = from;
  const state = { next: from, opened, closed: false };
  if (base + at === 0 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) at = 3;
  for (; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte === 93) state.closed = true;
    else if (byte === 91 && !state.opened) state.opened = true;
    else if (byte !== 32 && byte !== 9 && byte !== 10 && byte !== 13 && byte !== 44) break;
  }
  state.next = at;
  return state;
}

function newScan(first: number): Scan {
  return { depth: 0, inString: false, bare: first !== quote && first !== 123 && first !== 91 };
}

/** Index behind the value, scanned from `from` on; -1 when the buffer ends first, with `scan` carried on. */
function valueEnd(bytes: Buffer, from: number, scan: Scan): number {
  let at = from;
  while (at < bytes.length) {
    if (scan.inString) {
      const end = bytes.indexOf(quote, at);
      // A buffer may end in the middle of an escape; windows are searched again from the value's start, so nothing is lost.
      if (end < 0) return -1;
      let slashes = 0;
      while (bytes[end - 1 - slashes] === backslash && end - 1 - slashes >= from) slashes++;
      at = end + 1;
      if (slashes % 2 === 1) continue;
      scan.inString = false;
      if (scan.depth === 0) return at;
      continue;
    }
    const byte = bytes[at]!;
    if (scan.bare) {
      if (byte <= 32 || byte === 44 || byte === 93 || byte === 123 || byte === 91) return at > from ? at : at + 1;
    } else if (byte === quote) scan.inString = true;
    else if (byte === 123 || byte === 91) scan.depth++;
    else if ((byte === 125 || byte === 93) && --scan.depth <= 0) return at + 1;
    at++;
  }
  return -1;
}

function element(window: ByteWindow, start: number, end: number, limits: DecodeLimits): RawRecord {
  const offset = BigInt(window.base + start);
  const next = BigInt(window.base + end);
  if (end - start > limits.maxRecordBytes) return tooLarge(window.bytes.subarray(start), offset, next, limits);
  return { offset, next, kind: 'json', bytes: window.bytes.subarray(start, end) };
}

function tooLarge(bytes: Buffer, offset: bigint, next: bigint, limits: DecodeLimits): RawRecord {
  const message = `JSON document; ${next - offset} bytes, the limit is ${limits.maxRecordBytes}; split it or raise source.maxRecordBytes`;
  const kept = Buffer.from(bytes.subarray(0, keptBytes(limits)));
  return { offset, next, kind: 'json', bytes: kept, error: decodeError('decode.tooLarge', message) };
}

/** Passes over an element that is over the limit, keeping only its beginning. */
async function skipElement(window: ByteWindow, start: number, limits: DecodeLimits): Promise<RawRecord> {
  const offset = window.base + start;
  const kept = Buffer.from(window.bytes.subarray(start, start + keptBytes(limits)));
  const scan = newScan(window.bytes[start]!);
  let from = start;
  let end = valueEnd(window.bytes, from, scan);
  while (end < 0) {
    // An escape must not be cut from what it escapes: the backslashes at the end are seen again.
    let keep = window.bytes.length;
    while (keep > from && window.bytes[keep - 1] === backslash) keep--;
    if (!(await window.fill(keep))) break;
    from = 0;
    end = valueEnd(window.bytes, from, scan);
  }
  const stop = end < 0 ? window.base + window.bytes.length : window.base + end;
  return tooLarge(kept, BigInt(offset), BigInt(stop), limits);
}

/** What is left at the end: an element without an end, an array without one, or broken compression. One dead letter at most. */
function lastElement(window: ByteWindow, start: number, closed: boolean, limits: DecodeLimits): RawRecord | undefined {
  const { bytes, base, damage } = window;
  if (start === bytes.length && closed && !damage) return undefined;
  const bareTail = start < bytes.length && newScan(bytes[start]!).bare && closed && !damage;
  if (bareTail) return element(window, start, bytes.length, limits);
  const cut = decodeError('decode.truncated', 'JSON file; it ends inside a document or array; get the file again');
  return {
    offset: BigInt(base + start),
    next: BigInt(window.end + 1), // the missing end counts as a byte, so that it is told once
    kind: 'json',
    bytes: Buffer.from(bytes.subarray(start, start + keptBytes(limits))),
    error: damage ?? cut,
  };
}
