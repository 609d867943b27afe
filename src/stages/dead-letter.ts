/** What becomes of a record that sift cannot process (contract: dead letter). */
import { createHash } from 'node:crypto';
import { RecordError, RiffleError } from '../errors.ts';
import { identityOf, positionJson, RETRY_OF, type SourcePosition } from '../model/record.ts';
import type { RawRecord } from '../operators/decode/types.ts';

/** The dead letter without `decision` and its closing brace. */
export function deadLetter(record: RawRecord, error: Problem, position: SourcePosition, maxBytes: number): string {
  // Of a record that is too large, reading kept the beginning only.
  const tooLarge = record.error?.code === 'decode.tooLarge';
  const wholeBytes = record.message?.valueBytes ?? Number(record.next - record.offset);
  const valueBytes = tooLarge && record.kind !== 'parquet-row' ? wholeBytes : record.bytes.length;
  const truncated = tooLarge || record.bytes.length > maxBytes;
  const kept = record.bytes.subarray(0, maxBytes);
  const { message, retryOf } = record;
  const value = utf8OrBase64(truncated ? wholeCharacters(kept) : kept);
  return JSON.stringify({
    id: record.headers?.['warc-record-id']?.replace(/^<(.*)>$/, '$1') ?? identityOf(position),
    error,
    position: JSON.parse(positionJson(position)) as unknown,
    key: message?.key ?? null,
    headers: { ...(message ?? record).headers, ...(retryOf !== undefined && { [RETRY_OF]: retryOf }) },
    timestamp: message ? timestampOf(message.timestampMs) : (record.headers?.['warc-date'] ?? null),
    value: value.text,
    encoding: value.encoding,
    valueBytes,
    truncated,
    sha256: createHash('sha256').update(record.bytes).digest('hex'),
  }).slice(0, -1);
}

/** The last moment that has a date (ECMA-262, section 21.4.1.1). */
const LAST_MS = 8.64e15;

/** A producer may claim any moment, and -1 is none. */
const timestampOf = (ms: number): string | null => (ms >= 0 && ms <= LAST_MS ? new Date(ms).toISOString() : null);

export interface Problem {
  readonly stage: string;
  readonly operator: string;
  readonly code: string;
  readonly message: string;
}

export function problemOf(error: unknown): Problem {
  if (error instanceof RecordError)
    return { stage: 'sift', operator: error.operator, code: error.code, message: error.message };
  const code = error instanceof RiffleError ? error.code : 'sift.crash';
  const message = error instanceof Error ? error.message : String(error);
  return { stage: 'sift', operator: 'sift', code, message };
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Without a UTF-8 sequence that is cut at the end: cutting must not turn a text into base64. */
function wholeCharacters(bytes: Uint8Array): Uint8Array {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? bytes.subarray(0, -back) : bytes;
  }
  return bytes;
}

function utf8OrBase64(bytes: Uint8Array): { text: string; encoding: 'utf-8' | 'base64' } {
  try {
    return { text: strictUtf8.decode(bytes), encoding: 'utf-8' };
  } catch {
    return {
      text: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64'),
      encoding: 'base64',
    };
  }
}
