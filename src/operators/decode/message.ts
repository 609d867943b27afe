import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { guessContainer, guessFormat } from './format.ts';
import { decodeError } from './reasons.ts';
import { type DecodeLimits, defaultDecodeLimits, keptBytes, type RawRecord, type RecordKind } from './types.ts';
import { frameRecord, skippedType } from './warc-frame.ts';

/**
 * A message of a raw topic as a record: its kind comes from `contentType` (the message's header, or the topic's `source.format`),
 * else from its bytes. A gzip or zstd value is unpacked. A WARC message holds one record. Never throws: a bad message has `error`.
 */
export function recordFromMessage(
  offset: bigint,
  value: Uint8Array,
  contentType?: string,
  limits: DecodeLimits = defaultDecodeLimits,
): RawRecord {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const base = { offset, next: offset + 1n } as const;
  const bad = (error: RawRecord['error'] & object): RawRecord => ({
    ...base,
    kind: 'text',
    bytes: bytes.subarray(0, keptBytes(limits)),
    error,
  });
  if (bytes.length > limits.maxRecordBytes) {
    return bad(
      decodeError(
        'decode.tooLarge',
        `message; ${bytes.length} bytes, the limit is ${limits.maxRecordBytes}; raise source.maxRecordBytes`,
      ),
    );
  }
  const unpacked = unpack(bytes, limits);
  if (!Buffer.isBuffer(unpacked)) return bad(unpacked);
  const kind = kindOf(contentType) ?? guessKind(unpacked);
  if (kind === undefined) {
    return bad(
      decodeError(
        'decode.unsupported',
        `message; unknown binary data; send JSON, WARC, HTML or text, or set its content-type`,
      ),
    );
  }
  if (kind !== 'warc') return { ...base, kind, bytes: unpacked };

  const frame = frameRecord(unpacked, 0, true, { ...limits, maxRecordBytes: Number.MAX_SAFE_INTEGER });
  if (frame.kind !== 'record' || frame.next !== unpacked.length) {
    return bad(decodeError('decode.badWarc', `message; not exactly one whole WARC record; send one record a message`));
  }
  const skipped = skippedType(frame.fields);
  const record: RawRecord = { ...base, kind, bytes: unpacked.subarray(frame.block, frame.end), headers: frame.fields };
  return skipped ? { ...record, skipped } : record;
}

function unpack(bytes: Buffer, limits: DecodeLimits): Buffer | ReturnType<typeof decodeError> {
  const guess = guessContainer(bytes);
  if (!('container' in guess) || guess.container === 'plain') return bytes;
  const options = { maxOutputLength: limits.maxDecodedBytes };
  try {
    return guess.container === 'gzip' ? gunzipSync(bytes, options) : zstdDecompressSync(bytes, options);
  } catch (cause) {
    const code = cause instanceof RangeError ? 'decode.bomb' : 'decode.badEncoding';
    return decodeError(
      code,
      `message; its ${guess.container} data does not unpack within ${limits.maxDecodedBytes} bytes; send it again`,
      cause,
    );
  }
}

function kindOf(contentType: string | undefined): RecordKind | undefined {
  const type = (contentType ?? '').split(';', 1)[0]!.trim().toLowerCase();
  if (type === 'application/json' || type.endsWith('+json') || type === 'json' || type === 'jsonl') return 'json';
  if (type === 'application/warc' || type === 'warc') return 'warc';
  if (type === 'text/html' || type === 'application/xhtml+xml' || type === 'html') return 'html';
  if (type === 'text/plain' || type === 'text/markdown' || type === 'text') return 'text';
  return undefined;
}

function guessKind(bytes: Buffer): RecordKind | undefined {
  const guess = guessFormat(bytes, '');
  if ('refused' in guess || guess.format === 'parquet') return undefined;
  return guess.format === 'jsonl' ? 'json' : guess.format;
}
