import { type HeaderFields, headerEnd, parseHeader } from './header-block.ts';
import type { DecodeErrorCode } from './reasons.ts';
import type { DecodeLimits, SkippedType } from './types.ts';

/** A WARC header over this is none. */
const maxHeaderBytes = 64 * 1024;
/** How far a record start must be visible to be taken for one: version line and the first field name. */
export const syncBytes = 64;
const marker = Buffer.from('WARC/');

/** What is wrong with a record. */
export interface Fault {
  readonly code: DecodeErrorCode;
  readonly actual: string;
}

/** The next thing in the buffer, by index. */
export type Frame =
  | {
      readonly kind: 'record';
      readonly start: number;
      readonly block: number;
      readonly end: number;
      readonly next: number;
      readonly fields: HeaderFields;
    }
  /** A bad record that ends at `next`. */
  | {
      readonly kind: 'bad';
      readonly start: number;
      readonly next: number;
      readonly fault: Fault;
      readonly fields?: HeaderFields;
    }
  /** A record to pass over: it ends at the first record start behind `from`, at the latest at `end`. */
  | {
      readonly kind: 'skip';
      readonly start: number;
      readonly from: number;
      readonly end: number;
      readonly fault: Fault;
      readonly fields?: HeaderFields;
    }
  /** More bytes are needed before anything can be said; nothing before `start` is. */
  | { readonly kind: 'need'; readonly start: number; readonly wantBytes: number }
  | { readonly kind: 'end'; readonly start: number };

/**
 * Frames the record that begins at or behind index `at`. `ended`: no more bytes will come.
 *
 * Content-Length is believed only when a record or the end of the file follows the block. Where it does not, the length was wrong:
 * the record is bad and runs to the next place that looks like a record start, so that one lie costs one record.
 */
export function frameRecord(bytes: Buffer, at: number, ended: boolean, limits: DecodeLimits): Frame {
  const start = skipLineBreaks(bytes, at);
  if (start === bytes.length) return ended ? { kind: 'end', start } : { kind: 'need', start, wantBytes: 1 };
  const seen = bytes.length - start;
  if (seen <= marker.length && !ended) return { kind: 'need', start, wantBytes: syncBytes };
  if (!hasMarker(bytes, start)) {
    const code = isCutMarker(bytes, start) ? 'decode.truncated' : 'decode.badWarc';
    return resync(bytes, start, start, ended, limits, code, 'bytes that are no WARC record');
  }

  const block = headerEnd(bytes, start, start + maxHeaderBytes);
  if (block < 0) {
    if (seen < maxHeaderBytes && !ended) return { kind: 'need', start, wantBytes: maxHeaderBytes };
    const code = ended && seen < maxHeaderBytes ? 'decode.truncated' : 'decode.badWarc';
    return resync(bytes, start, start + 1, ended, limits, code, 'a header without an end');
  }
  const { fields } = parseHeader(bytes.toString('utf8', start, block));
  const length = fields['content-length'] ?? '';
  if (!/^\d{1,15}$/.test(length)) {
    return withFields(
      resync(bytes, start, block, ended, limits, 'decode.badLength', `Content-Length "${length.slice(0, 40)}"`),
      fields,
    );
  }
  const lengthBytes = Number(length);
  if (lengthBytes > limits.maxRecordBytes) {
    const actual = `${lengthBytes} bytes announced, the limit is ${limits.maxRecordBytes}`;
    return {
      kind: 'skip',
      start,
      from: block,
      end: block + lengthBytes,
      fault: { code: 'decode.tooLarge', actual },
      fields,
    };
  }
  const end = block + lengthBytes;
  if (end > bytes.length) {
    if (!ended) return { kind: 'need', start, wantBytes: end - bytes.length + syncBytes };
    const message = `${lengthBytes} bytes announced, ${bytes.length - block} there`;
    return withFields(resync(bytes, start, block, ended, limits, 'decode.truncated', message), fields);
  }
  const behind = behindBlock(bytes, end, ended);
  if (behind.is === 'unknown') return { kind: 'need', start, wantBytes: syncBytes };
  if (behind.is === 'end') return { kind: 'record', start, block, end, next: behind.next, fields };
  return withFields(
    resync(
      bytes,
      start,
      block,
      ended,
      limits,
      'decode.badLength',
      `Content-Length ${lengthBytes}, no record behind it`,
    ),
    fields,
  );
}

/** Whether a block can end at index `end`: a record, the end of the file or many line breaks follow. */
export function behindBlock(
  bytes: Buffer,
  end: number,
  ended: boolean,
): { readonly is: 'end'; readonly next: number } | { readonly is: 'wrong' | 'unknown' } {
  const next = skipLineBreaks(bytes, end);
  // Not `next`: how far a run of line breaks is in memory depends on the buffer.
  if (next - end >= syncBytes) return { is: 'end', next: end + syncBytes };
  if (hasMarker(bytes, next)) return { is: 'end', next };
  if (!ended && next + marker.length >= bytes.length) return { is: 'unknown' };
  return next === bytes.length || isCutMarker(bytes, next) ? { is: 'end', next } : { is: 'wrong' };
}

/** The bad record at `start` ends where the next one seems to begin, searched from `from` on. */
function resync(
  bytes: Buffer,
  start: number,
  from: number,
  ended: boolean,
  limits: DecodeLimits,
  code: DecodeErrorCode,
  actual: string,
): Frame {
  const next = findRecordStart(bytes, from, ended);
  if (next < 0 && !ended && bytes.length - start < limits.maxRecordBytes) {
    return { kind: 'need', start, wantBytes: Math.max(syncBytes, bytes.length - start) };
  }
  // What looked like the end of a cut file goes on behind: then its length was wrong.
  const fault: Fault = { code: code === 'decode.truncated' && next >= 0 ? 'decode.badLength' : code, actual };
  if (next < 0 && !ended) return { kind: 'skip', start, from, end: Number.POSITIVE_INFINITY, fault };
  return { kind: 'bad', start, next: next < 0 ? bytes.length : next, fault };
}

function withFields(frame: Frame, fields: HeaderFields): Frame {
  return frame.kind === 'bad' || frame.kind === 'skip' ? { ...frame, fields } : frame;
}

/** Index of the next `WARC/x.y` at a line start with a header field on the line below; -1 when there is none. */
export function findRecordStart(bytes: Buffer, from: number, ended: boolean): number {
  for (let at = bytes.indexOf(marker, from); at >= 0; at = bytes.indexOf(marker, at + 1)) {
    if (at > 0 && bytes[at - 1] !== 10) continue;
    if (!ended && at + syncBytes > bytes.length) return -1;
    if (/^WARC\/\d\.\d+\r?\n[A-Za-z][\w-]*:/.test(bytes.toString('latin1', at, at + syncBytes))) return at;
  }
  return -1;
}

function hasMarker(bytes: Buffer, at: number): boolean {
  return (
    bytes[at] === 87 &&
    bytes.subarray(at, at + marker.length).equals(marker) &&
    bytes[at + 5]! >= 48 &&
    bytes[at + 5]! <= 57
  );
}

/** The file ends inside a record's first five bytes. */
function isCutMarker(bytes: Buffer, at: number): boolean {
  const rest = bytes.length - at;
  return rest <= marker.length && marker.subarray(0, rest).equals(bytes.subarray(at));
}

function skipLineBreaks(bytes: Buffer, from: number): number {
  let at = from;
  while (at < bytes.length && (bytes[at] === 10 || bytes[at] === 13)) at++;
  return at;
}

/** Types without a document; the standard asks to skip unknown ones (WARC 1.1, 5.5). `undefined`: it has one. */
export function skippedType(fields: HeaderFields): SkippedType | undefined {
  const type = fields['warc-type']?.toLowerCase() ?? '';
  switch (type) {
    case 'response':
    case 'resource':
    case 'conversion':
    case 'continuation': // part of a document: refused with a reason, not skipped
      return undefined;
    case 'request':
    case 'warcinfo':
    case 'metadata':
    case 'revisit':
      return type;
    default:
      return 'other';
  }
}
