/**
 * Decodes record sets (Kafka protocol, record batch version 2) and leaves out control records and aborted transactions.
 *
 * A transactional reader is given a list of aborted transactions with each answer: producer and first offset. The broker lists them in order of their
 * *end*; a batch belongs to an aborted transaction when its producer has one that began at or before it and whose abort marker has not come yet. Only
 * true control batches end one (a data record may have the bytes of a marker as its key).
 */
import { FatalError } from '../../errors.ts';
import type { Message } from '../port.ts';
import { decompress } from './codecs.ts';
import { crc32c } from './crc32c.ts';
import type { AbortedTransaction } from './internals.ts';

/** Positions of the header's fields. */
const LENGTH = 8;
const MAGIC = 16;
const CHECKSUM = 17;
/** The checksum counts from here on. */
const ATTRIBUTES = 21;
const LAST_OFFSET_DELTA = 23;
const BASE_TIMESTAMP = 27;
const MAX_TIMESTAMP = 35;
const PRODUCER_ID = 43;
const COUNT = 57;
const RECORDS = 61;
/** Offset and length come before what the length counts. */
const LENGTH_FIELD_END = 12;

const CODEC_MASK = 0x07;
const APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;
const ABORT_MARKER = 0;

const NO_VALUE = new Uint8Array(0);

export interface RecordSet {
  /** The messages of the next batch that has any; undefined at the end. A damaged one is not passed over: it is met again. */
  nextBatch(): Message[] | undefined;
  /** The offset behind the last whole batch; where the next fetch begins. */
  readonly end: bigint;
  readonly sizeBytes: number;
}

/**
 * @param from messages below it are left out: a fetch begins with the whole batch that the offset lies in.
 * @throws FatalError `foreign-records` for formats that brokers stopped keeping long ago, and when bytes do not fit the format
 */
export function openRecordSet(
  set: Buffer,
  from: bigint,
  aborted: readonly AbortedTransaction[],
  place: string,
): RecordSet {
  const isAborted = createAbortFilter(aborted);
  const end = endOf(set, from);
  let at = 0;
  return {
    end,
    sizeBytes: set.byteLength,
    nextBatch() {
      while (isWhole(set, at)) {
        const batch = set.subarray(at, at + batchBytes(set, at));
        if (batch[MAGIC] !== 2) throw damaged(place, batch, `format ${batch[MAGIC]}`);
        requireIntact(place, batch);
        const messages = isAborted(batch) ? [] : decodeBatch(batch, from, place);
        at += batch.byteLength;
        if (messages.length > 0) return messages;
      }
      return undefined;
    },
  };
}

function requireIntact(place: string, batch: Buffer): void {
  const expected = batch.readUInt32BE(CHECKSUM);
  const actual = crc32c(batch.subarray(ATTRIBUTES));
  if (actual !== expected) throw damaged(place, batch, `its checksum is ${hex(actual)} and should be ${hex(expected)}`);
}

const hex = (checksum: number): string => checksum.toString(16).padStart(8, '0');

/** Never less than a header: what says so is damaged, and must not be stepped over in place. */
function batchBytes(set: Buffer, at: number): number {
  return Math.max(RECORDS, LENGTH_FIELD_END + set.readInt32BE(at + LENGTH));
}

/** The last batch of an answer may be cut off. */
function isWhole(set: Buffer, at: number): boolean {
  return set.byteLength - at >= RECORDS && set.byteLength - at >= batchBytes(set, at);
}

function endOf(set: Buffer, from: bigint): bigint {
  let end = from;
  for (let at = 0; isWhole(set, at); at += batchBytes(set, at)) {
    const behind = set.readBigInt64BE(at) + BigInt(set.readInt32BE(at + LAST_OFFSET_DELTA)) + 1n;
    if (behind > end) end = behind;
  }
  return end;
}

/** True for what no reader may see: control batches and those of aborted transactions. To be asked batch after batch. */
function createAbortFilter(aborted: readonly AbortedTransaction[]): (batch: Buffer) => boolean {
  const waiting = aborted
    .map(({ producerId, firstOffset }) => ({ producer: BigInt(producerId), first: BigInt(firstOffset) }))
    .sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0));
  const open = new Set<bigint>();
  let next = 0;
  return (batch) => {
    const attributes = batch.readInt16BE(ATTRIBUTES);
    const producer = batch.readBigInt64BE(PRODUCER_ID);
    const last = batch.readBigInt64BE(0) + BigInt(batch.readInt32BE(LAST_OFFSET_DELTA));
    for (; next < waiting.length && waiting[next]!.first <= last; next++) open.add(waiting[next]!.producer);
    if ((attributes & CONTROL) !== 0) {
      if (markerType(batch) === ABORT_MARKER) open.delete(producer);
      return true;
    }
    return (attributes & TRANSACTIONAL) !== 0 && open.has(producer);
  };
}

/** A control record's key: version, then type, 16 bits each. */
function markerType(batch: Buffer): number | undefined {
  if (batch.readInt32BE(COUNT) === 0) return undefined;
  const cursor = { at: RECORDS };
  readVarint(batch, cursor);
  cursor.at++;
  readVarint(batch, cursor);
  readVarint(batch, cursor);
  return readVarint(batch, cursor) >= 4 ? batch.readInt16BE(cursor.at + 2) : undefined;
}

function decodeBatch(batch: Buffer, from: bigint, place: string): Message[] {
  const base = batch.readBigInt64BE(0);
  const attributes = batch.readInt16BE(ATTRIBUTES);
  const appendTime = (attributes & APPEND_TIME) !== 0;
  const baseTimestampMs = Number(batch.readBigInt64BE(appendTime ? MAX_TIMESTAMP : BASE_TIMESTAMP));
  const count = batch.readInt32BE(COUNT);
  const messages: Message[] = [];
  try {
    const records = decompress(attributes & CODEC_MASK, batch.subarray(RECORDS));
    const cursor = { at: 0 };
    for (let i = 0; i < count; i++) {
      const length = readVarint(records, cursor);
      const behind = cursor.at + length;
      if (length <= 0 || behind > records.byteLength) throw new RangeError(`record ${i} of ${count} is cut off`);
      cursor.at++;
      const timestampDeltaMs = readVarint(records, cursor);
      const offset = base + BigInt(readVarint(records, cursor));
      if (offset >= from)
        messages.push(decodeRecord(records, cursor, offset, baseTimestampMs + (appendTime ? 0 : timestampDeltaMs)));
      cursor.at = behind;
    }
  } catch (cause) {
    throw damaged(place, batch, cause instanceof Error ? cause.message : String(cause), cause);
  }
  return messages;
}

interface Cursor {
  at: number;
}

function decodeRecord(records: Buffer, cursor: Cursor, offset: bigint, timestampMs: number): Message {
  const key = readBytes(records, cursor);
  const value = readBytes(records, cursor);
  const binaryHeaders: string[] = [];
  const headers = readHeaders(records, cursor, binaryHeaders);
  const text = key && textOf(key);
  const binary = key !== undefined && text === undefined;
  return {
    offset,
    timestampMs,
    // No Buffer: `slice` of one is a view, of this a copy.
    value: value === undefined ? NO_VALUE : new Uint8Array(value.buffer, value.byteOffset, value.byteLength),
    ...(key && { key: text ?? key.toString('base64') }),
    ...(headers && { headers }),
    ...((binary || binaryHeaders.length > 0) && { binary: { key: binary, headers: binaryHeaders } }),
    ...(value === undefined && { tombstone: true }),
  };
}

function readHeaders(records: Buffer, cursor: Cursor, binary: string[]): Record<string, string> | undefined {
  const count = readVarint(records, cursor);
  if (count <= 0) return undefined;
  // No prototype: `__proto__` is a header like any other.
  const headers: Record<string, string> = Object.create(null);
  for (let i = 0; i < count; i++) {
    const name = readBytes(records, cursor)?.toString('utf8') ?? '';
    const value = readBytes(records, cursor);
    const text = value === undefined ? '' : textOf(value);
    headers[name] = text ?? value!.toString('base64');
    if (text === undefined) binary.push(name);
  }
  return headers;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Undefined where they are no UTF-8. */
function textOf(bytes: Buffer): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

function readBytes(buffer: Buffer, cursor: Cursor): Buffer | undefined {
  const length = readVarint(buffer, cursor);
  if (length < 0) return undefined;
  const start = cursor.at;
  cursor.at += length;
  if (cursor.at > buffer.byteLength) throw new RangeError(`${length} bytes are missing`);
  return buffer.subarray(start, cursor.at);
}

/** Zigzag, seven bits a byte, low ones first. Up to 64 bits; exact to 2^53, which is more than lengths and milliseconds need. */
function readVarint(buffer: Buffer, cursor: Cursor): number {
  let value = 0;
  let scale = 1;
  for (;;) {
    const byte = buffer[cursor.at++];
    if (byte === undefined) throw new RangeError('a number is cut off');
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) break;
    scale *= 128;
  }
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

function damaged(place: string, batch: Buffer, actual: string, cause?: unknown): FatalError {
  const first = batch.readBigInt64BE(0);
  const behind = first + (batch[MAGIC] === 2 ? BigInt(batch.readInt32BE(LAST_OFFSET_DELTA)) : 0n) + 1n;
  const partition = place.slice(place.lastIndexOf('-') + 1);
  return new FatalError(
    'foreign-records',
    `${place}@${first}; ${actual}; the record batch up to ${behind} cannot be read: write it again with a current producer; on the raw topic, go on without it by --set source.skipTo=${partition}@${behind}`,
    { cause },
  );
}
