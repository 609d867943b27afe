import type { ByteWindow } from './byte-window.ts';
import { decodeError } from './reasons.ts';
import { type DecodeLimits, keptBytes, type RawBatch, type RawRecord } from './types.ts';

/** An HTML or text file: the file is the record. An empty file has none. */
export async function* readWhole(
  window: ByteWindow,
  kind: 'html' | 'text',
  limits: DecodeLimits,
  addressable: boolean,
): AsyncGenerator<RawBatch> {
  while (window.bytes.length <= limits.maxRecordBytes && (await window.fill(0, window.bytes.length)));
  const bytes = window.bytes;
  if (bytes.length === 0 && !window.damage) return;

  let record: RawRecord = { offset: 0n, next: BigInt(Math.max(1, bytes.length)), kind, bytes };
  if (bytes.length > limits.maxRecordBytes) {
    const message = `${kind} file; over the limit of ${limits.maxRecordBytes} bytes; split it or raise source.maxRecordBytes`;
    record = {
      ...record,
      bytes: Buffer.from(bytes.subarray(0, keptBytes(limits))),
      error: decodeError('decode.tooLarge', message),
    };
  } else if (window.damage) {
    record = { ...record, bytes: Buffer.from(bytes.subarray(0, keptBytes(limits))), error: window.damage };
  }
  yield { format: kind, from: 0n, to: record.next, addressable, records: [record] };
}
