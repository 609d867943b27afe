import type { ByteWindow } from './byte-window.ts';
import { decodeError } from './reasons.ts';
import { type DecodeLimits, keptBytes, type RawBatch, type RawRecord } from './types.ts';

const newline = 10;

/**
 * JSON lines: one record a line, blank lines skipped, `\r` before the line break left out.
 * Reads from the window's first byte, which must start a line, up to offset `to` (a line start) or the end.
 */
export async function* readLines(
  window: ByteWindow,
  limits: DecodeLimits,
  options: { addressable: boolean; to?: number | undefined },
): AsyncGenerator<RawBatch> {
  const to = options.to ?? Number.POSITIVE_INFINITY;
  const batch = (from: number, end: number, records: RawRecord[]): RawBatch => ({
    format: 'jsonl',
    from: BigInt(from),
    to: BigInt(end),
    addressable: options.addressable,
    records,
  });

  let start = 0;
  while (window.base + start < to) {
    const from = window.base + start;
    const records: RawRecord[] = [];
    start = takeLines(window, start, to, limits, records);
    if (window.base + start > from) yield batch(from, window.base + start, records);
    if (window.base + start >= to) return;

    const rest = window.bytes.length - start;
    if (rest > limits.maxRecordBytes && !window.ended) {
      const lineStart = window.base + start;
      const record = await skipLine(window, start, limits);
      yield batch(lineStart, Number(record.next), [record]);
      start = Number(record.next) - window.base;
      continue;
    }
    // A line longer than a chunk doubles the window, so that copying stays linear.
    if (await window.fill(start, rest)) {
      start = 0;
      continue;
    }
    const last = lastLine(window, 0, limits);
    if (last) yield batch(window.base, Number(last.next), [last]);
    return;
  }
}

/** Takes every complete line from index `start` on; returns the index behind the last of them. */
function takeLines(window: ByteWindow, start: number, to: number, limits: DecodeLimits, records: RawRecord[]): number {
  const { bytes, base } = window;
  let at = start;
  while (base + at < to) {
    // Runs of line breaks, a call each, would take 50 times as long.
    while (bytes[at] === newline && base + at < to) at++;
    const end = bytes.indexOf(newline, at);
    if (end < 0 || base + at >= to) break;
    const record = lineRecord(bytes, base, at, end, end + 1, limits);
    if (record) records.push(record);
    at = end + 1;
  }
  return at;
}

function lineRecord(
  bytes: Buffer,
  base: number,
  start: number,
  end: number,
  next: number,
  limits: DecodeLimits,
): RawRecord | undefined {
  let stop = end;
  if (stop > start && bytes[stop - 1] === 13) stop--;
  if (isBlank(bytes, start, stop)) return undefined;
  const offset = BigInt(base + start);
  if (stop - start > limits.maxRecordBytes)
    return tooLargeLine(bytes.subarray(start, stop), offset, BigInt(base + next), stop - start, limits);
  return { offset, next: BigInt(base + next), kind: 'json', bytes: bytes.subarray(start, stop) };
}

function isBlank(bytes: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    if (byte !== 32 && byte !== 9 && byte !== 13) return false;
  }
  return true;
}

function tooLargeLine(bytes: Buffer, offset: bigint, next: bigint, length: number, limits: DecodeLimits): RawRecord {
  const message = `JSON line; ${length} bytes, the limit is ${limits.maxRecordBytes}; split it or raise source.maxRecordBytes`;
  // Copied, so that a dead letter of 256 KiB does not hold a buffer of many MiB.
  const kept = Buffer.from(bytes.subarray(0, keptBytes(limits)));
  return { offset, next, kind: 'json', bytes: kept, error: decodeError('decode.tooLarge', message) };
}

/** The line at index `start` is over the limit: reads to its end and keeps only its beginning. */
async function skipLine(window: ByteWindow, start: number, limits: DecodeLimits): Promise<RawRecord> {
  const lineStart = window.base + start;
  const kept = Buffer.from(window.bytes.subarray(start, start + keptBytes(limits)));
  let more = await window.fill(window.bytes.length);
  let end = window.bytes.indexOf(newline);
  while (more && end < 0) {
    more = await window.fill(window.bytes.length);
    end = window.bytes.indexOf(newline);
  }
  const stop = window.base + (end < 0 ? window.bytes.length : end);
  const next = end < 0 ? stop : stop + 1;
  return tooLargeLine(kept, BigInt(lineStart), BigInt(next), stop - lineStart, limits);
}

/** What is left without a line break at the end: a record, or a dead letter when the compression broke off here. */
function lastLine(window: ByteWindow, start: number, limits: DecodeLimits): RawRecord | undefined {
  const { bytes, base, damage } = window;
  if (!damage) return lineRecord(bytes, base, start, bytes.length, bytes.length, limits);
  const next = window.end + 1; // the damage itself counts as a byte
  const kept = Buffer.from(bytes.subarray(start, start + keptBytes(limits)));
  return { offset: BigInt(base + start), next: BigInt(next), kind: 'json', bytes: kept, error: damage };
}
