/** Messages of the raw topic on their way to a worker: packed into one buffer, so that a batch crosses in one piece; and there, as records. */
import { RecordError } from '../errors.ts';
import type { Message } from '../log/port.ts';
import { RETRY_OF } from '../model/record.ts';
import { recordFromMessage } from '../operators/decode/message.ts';
import { decodeError, decodeErrorCodes } from '../operators/decode/reasons.ts';
import type { DecodeLimits, MessageOrigin, RawBatch, RawRecord } from '../operators/decode/types.ts';

export interface RawMessages {
  /** The range of source offsets that the blocks made of them cover: gaps in it are no records. */
  readonly from: bigint;
  readonly to: bigint;
  readonly offsets: BigUint64Array<ArrayBuffer>;
  /** Where each value ends in `values`. */
  readonly ends: Float64Array<ArrayBuffer>;
  readonly values: Uint8Array<ArrayBuffer>;
  readonly origins: readonly MessageOrigin[];
  /** Index of those without a value. */
  readonly tombstones: readonly number[];
}

/** Headers of a message that its sender knows to be damaged: the dead letter that it will be. */
export const DAMAGE_CODE = 'riffle.damage.code';
export const DAMAGE_MESSAGE = 'riffle.damage.message';
/** Its size, where not all of it was sent. */
export const DAMAGE_BYTES = 'riffle.damage.bytes';
/** What it is known by, where its sender could tell. */
export const WARC_ID = 'warc-record-id';

/** Headers are kept for a dead letter up to this, all together; a header bomb does not travel. */
const MAX_HEADER_BYTES = 16 << 10;
/** Says that there were more. */
const MORE_HEADERS = 'riffle.headers-left-out';
/** Those that mean something here have room before all others. */
const MEANT = ['content-type', RETRY_OF, DAMAGE_CODE, DAMAGE_MESSAGE, DAMAGE_BYTES, WARC_ID];

/** `messages` of one partition in order; not empty. */
export function packMessages(from: bigint, messages: readonly Message[]): RawMessages {
  const ends = new Float64Array(messages.length);
  let bytes = 0;
  for (const [i, { value }] of messages.entries()) ends[i] = bytes += value.length;
  const values = new Uint8Array(bytes);
  for (const [i, { value }] of messages.entries()) values.set(value, ends[i]! - value.length);
  return {
    from,
    to: messages.at(-1)!.offset + 1n,
    offsets: BigUint64Array.from(messages, ({ offset }) => offset),
    ends,
    values,
    origins: messages.map(({ key, headers, timestampMs }) => ({
      key: key ?? null,
      headers: bounded(headers ?? {}),
      timestampMs,
    })),
    tombstones: messages.flatMap(({ tombstone }, i) => (tombstone ? [i] : [])),
  };
}

function bounded(headers: Readonly<Record<string, string>>): Record<string, string> {
  const kept: Record<string, string> = {};
  let room = MAX_HEADER_BYTES;
  let left = 0;
  const names = new Set([...MEANT.filter((name) => name in headers), ...Object.keys(headers)]);
  for (const name of names) {
    const value = headers[name]!;
    const bytes = name.length + value.length;
    if (bytes > room) left++;
    else {
      kept[name] = value;
      room -= bytes;
    }
  }
  return left === 0 ? kept : { ...kept, [MORE_HEADERS]: String(left) };
}

/** Values by their schemas, or what is wrong with them. @throws TransientError when nobody can be asked. */
export async function decodeValues(
  { ends, values, origins, tombstones }: RawMessages,
  decode: (value: Uint8Array) => Promise<Uint8Array>,
): Promise<(Uint8Array | RecordError)[]> {
  const empty = new Set(tombstones);
  const decoded: (Uint8Array | RecordError)[] = [];
  for (const [i, { headers }] of origins.entries()) {
    const value = values.subarray(i === 0 ? 0 : ends[i - 1]!, ends[i]);
    if (empty.has(i) || headers[DAMAGE_CODE] !== undefined) decoded.push(value);
    else
      decoded.push(
        await decode(value).catch((error: unknown) => {
          if (error instanceof RecordError) return error;
          throw error;
        }),
      );
  }
  return decoded;
}

/** Looked at before a value is touched: unpacking one may take its thread along. */
export interface Guard {
  begin(offset: bigint): void;
  /** What it was given up for. */
  poisoned(offset: bigint): RecordError | undefined;
}

const unguarded: Guard = { begin: () => undefined, poisoned: () => undefined };

/**
 * `format`: what values are when no `content-type` header says it and `auto` when their bytes do. `decoded`: what a registry made of them.
 */
export function rawBatch(
  messages: RawMessages,
  format: string,
  limits: DecodeLimits,
  decoded?: readonly (Uint8Array | RecordError)[],
  guard: Guard = unguarded,
): RawBatch {
  const { from, to, offsets, ends, values, origins, tombstones } = messages;
  const empty = new Set(tombstones);
  const records = origins.map((message, i): RawRecord => {
    const offset = offsets[i]!;
    const value = values.subarray(i === 0 ? 0 : ends[i - 1]!, ends[i]);
    const { headers } = message;
    const retryOf = headers[RETRY_OF];
    const more = { message, ...(retryOf !== undefined && isJson(retryOf) && { retryOf }) };
    guard.begin(offset);
    const poison = guard.poisoned(offset);
    if (poison) return { offset, next: offset + 1n, kind: 'text', bytes: value, error: poison, ...more };
    if (empty.has(i)) {
      const error = decodeError('decode.noText', 'message; it has no value; send the record again with its text');
      return { offset, next: offset + 1n, kind: 'text', bytes: new Uint8Array(0), error, ...more };
    }
    const damage = decodeErrorCodes.find((code) => code === headers[DAMAGE_CODE]);
    if (damage !== undefined) {
      const error = decodeError(damage, headers[DAMAGE_MESSAGE] ?? 'message; its sender calls it damaged');
      const record: RawRecord = { offset, next: offset + 1n, kind: 'text', bytes: value, headers, error, ...more };
      return withSize(record, wholeBytes(headers) ?? value.byteLength);
    }
    const known = decoded?.[i];
    if (known instanceof RecordError)
      return { offset, next: offset + 1n, kind: 'text', bytes: value, error: known, ...more };
    if (known !== undefined) return { ...recordFromMessage(offset, known, 'application/json', limits), ...more };
    const type = headers['content-type'] ?? (format === 'auto' ? undefined : format);
    return withSize({ ...recordFromMessage(offset, value, type, limits), ...more }, value.byteLength);
  });
  return { format: undefined, from, to, addressable: false, records };
}

/** Of what is too large only the beginning goes on, with the size of the whole. */
function withSize(record: RawRecord, valueBytes: number): RawRecord {
  const { error, message } = record;
  return error?.code === 'decode.tooLarge' ? { ...record, message: { ...message!, valueBytes } } : record;
}

function wholeBytes(headers: Readonly<Record<string, string>>): number | undefined {
  const text = headers[DAMAGE_BYTES];
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** It is spliced into the record's metadata: what is no JSON object would break it. */
function isJson(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
