/** Encodes record batches (Kafka protocol, version 2) into one buffer of the right size. */
import { compress } from './codecs.ts';
import { crc32c } from './crc32c.ts';

type Bytes = string | Uint8Array | null | undefined;

/** A message as kafkajs hands it over. */
export interface BatchRecord {
  readonly key?: Bytes;
  readonly value?: Bytes;
  readonly headers?: Readonly<Record<string, Bytes | readonly Bytes[]>> | undefined;
  /** Its place in the batch when left out. */
  readonly offsetDelta?: number;
  readonly timestampDelta?: number;
}

export interface BatchFields {
  readonly compression: number;
  readonly firstTimestamp: number | string;
  readonly maxTimestamp: number | string;
  /** A number, a string, or kafkajs's own wide integer. */
  readonly producerId: { toString(): string };
  readonly producerEpoch: number;
  readonly firstSequence: number;
  readonly transactional: boolean;
  readonly lastOffsetDelta: number;
  readonly records: readonly BatchRecord[];
}

const HEADER_BYTES = 61;
const LENGTH_FIELD_END = 12;
/** The checksum counts from the attributes on. */
const CHECKED_FROM = 21;
const TRANSACTIONAL = 0x10;
const NO_LEADER_EPOCH = 0;

/** The batch with its offset and length, as it stands in a produce request. */
export async function encodeBatch(fields: BatchFields): Promise<Buffer> {
  const { compression, records } = fields;
  const { bodies, bytes } = measure(records);
  const scratch = takeScratch(bytes);
  const packed = await compress(compression, encodeRecords(records, bodies, scratch.subarray(0, bytes)));
  const batch = Buffer.allocUnsafe(HEADER_BYTES + packed.byteLength);
  batch.writeBigInt64BE(0n, 0);
  batch.writeInt32BE(batch.byteLength - LENGTH_FIELD_END, 8);
  batch.writeInt32BE(NO_LEADER_EPOCH, 12);
  batch.writeInt8(2, 16);
  batch.writeInt16BE(compression | (fields.transactional ? TRANSACTIONAL : 0), 21);
  batch.writeInt32BE(fields.lastOffsetDelta, 23);
  batch.writeBigInt64BE(BigInt(fields.firstTimestamp), 27);
  batch.writeBigInt64BE(BigInt(fields.maxTimestamp), 35);
  batch.writeBigInt64BE(BigInt(fields.producerId.toString()), 43);
  batch.writeInt16BE(fields.producerEpoch, 51);
  batch.writeInt32BE(fields.firstSequence, 53);
  batch.writeInt32BE(records.length, 57);
  packed.copy(batch, HEADER_BYTES);
  keepScratch(scratch);
  batch.writeUInt32BE(crc32c(batch.subarray(CHECKED_FROM)), 17);
  return batch;
}

/** Where records are put together before they are compressed, used again: garbage outside of the heap makes the collector run most of all. */
const scratches: Buffer[] = [];
const SCRATCHES = 4;
const SCRATCH_BYTES = 1 << 20;

function takeScratch(bytes: number): Buffer {
  if (bytes > SCRATCH_BYTES) return Buffer.allocUnsafe(bytes);
  return scratches.pop() ?? Buffer.allocUnsafe(SCRATCH_BYTES);
}

/** One that a failed compression may still read is not kept. */
function keepScratch(scratch: Buffer): void {
  if (scratch.byteLength === SCRATCH_BYTES && scratches.length < SCRATCHES) scratches.push(scratch);
}

/** Bytes of each record behind its length, and of all with their lengths. */
function measure(records: readonly BatchRecord[]): { bodies: Float64Array; bytes: number } {
  const bodies = new Float64Array(records.length);
  let bytes = 0;
  for (const [i, record] of records.entries()) {
    const body = bodyBytes(record, i);
    bodies[i] = body;
    bytes += varintBytes(body) + body;
  }
  return { bodies, bytes };
}

function encodeRecords(records: readonly BatchRecord[], bodies: Float64Array, into: Buffer): Buffer {
  let at = 0;
  for (const [i, { key, value, headers, offsetDelta = i, timestampDelta = 0 }] of records.entries()) {
    at = writeVarint(into, at, bodies[i]!);
    into[at++] = 0;
    at = writeVarint(into, at, timestampDelta);
    at = writeVarint(into, at, offsetDelta);
    at = writeBytes(into, at, key);
    at = writeBytes(into, at, value);
    const list = listHeaders(headers);
    at = writeVarint(into, at, list.length);
    for (const [name, bytes] of list) at = writeBytes(into, writeBytes(into, at, name), bytes);
  }
  return into;
}

function bodyBytes(record: BatchRecord, index: number): number {
  const { key, value, headers, offsetDelta = index, timestampDelta = 0 } = record;
  const list = listHeaders(headers);
  let bytes = 1 + varintBytes(timestampDelta) + varintBytes(offsetDelta) + fieldBytes(key) + fieldBytes(value);
  bytes += varintBytes(list.length);
  for (const [name, content] of list) bytes += fieldBytes(name) + fieldBytes(content);
  return bytes;
}

const NONE: readonly [string, Bytes][] = [];

/** A name may have several values. */
function listHeaders(headers: BatchRecord['headers']): readonly [string, Bytes][] {
  if (headers === undefined) return NONE;
  return Object.entries(headers).flatMap(([name, given]) =>
    Array.isArray(given) ? given.map((one: Bytes): [string, Bytes] => [name, one]) : [[name, given as Bytes]],
  );
}

function lengthOf(bytes: string | Uint8Array): number {
  return typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.byteLength;
}

function fieldBytes(bytes: Bytes): number {
  if (bytes === null || bytes === undefined) return 1;
  const length = lengthOf(bytes);
  return varintBytes(length) + length;
}

function writeBytes(into: Buffer, start: number, bytes: Bytes): number {
  if (bytes === null || bytes === undefined) return writeVarint(into, start, -1);
  const at = writeVarint(into, start, lengthOf(bytes));
  if (typeof bytes === 'string') return at + into.write(bytes, at);
  into.set(bytes, at);
  return at + bytes.byteLength;
}

/** Exact to 2^52. */
function zigzag(value: number): number {
  return value >= 0 ? 2 * value : -2 * value - 1;
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = zigzag(value); rest >= 128; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}

function writeVarint(into: Buffer, start: number, value: number): number {
  let at = start;
  let rest = zigzag(value);
  for (; rest >= 128; rest = Math.floor(rest / 128)) into[at++] = (rest % 128) | 128;
  into[at++] = rest;
  return at;
}
