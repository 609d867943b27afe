/** Confluent's wire format: a zero byte, the schema's id in four bytes (big-endian), then the value. */
import { schemaError } from './reasons.ts';

export const PREFIX_BYTES = 5;

/** @throws RecordError `schema.badMagic` where the prefix is missing. */
export function schemaIdOf(message: Buffer): number {
  if (message.length >= PREFIX_BYTES && message[0] === 0) return message.readInt32BE(1);
  const actual =
    message.length < PREFIX_BYTES
      ? `only ${message.length} bytes`
      : `it begins with byte 0x${message[0]!.toString(16).padStart(2, '0')}, not 0x00 and a schema id`;
  throw schemaError(
    'schema.badMagic',
    `message; ${actual}; send it with a serializer of the schema registry, or leave registry.url out`,
  );
}

export function writePrefix(message: Buffer, schemaId: number): void {
  message[0] = 0;
  message.writeInt32BE(schemaId, 1);
}
