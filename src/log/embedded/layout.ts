/**
 * Keys and values of the environment. All integers are big-endian, so that byte order is number order and a partition is one key range.
 *
 *   messages   topic u32 · partition u32 · offset u64            → the message's bytes (its append time is the entry's version)
 *   meta       tag u8 · …                                        → fixed-width numbers, or JSON for what is written once
 *
 * Keys are written into one scratch buffer each: LMDB copies a key before the call returns.
 */

/** First byte of a `meta` key. */
export const TAG = {
  header: 0,
  state: 1,
  topic: 2,
  partition: 3,
  group: 4,
  position: 5,
  lease: 6,
  output: 7,
  key: 8,
} as const;

const messageKeyBytes = Buffer.alloc(16);
const numberKeyBytes = [Buffer.alloc(1), Buffer.alloc(5), Buffer.alloc(9), Buffer.alloc(13)];

/** Key of one message. Valid until the next call. */
export function messageKey(topic: number, partition: number, offset: bigint): Buffer {
  messageKeyBytes.writeUInt32BE(topic, 0);
  messageKeyBytes.writeUInt32BE(partition, 4);
  messageKeyBytes.writeBigUInt64BE(offset, 8);
  return messageKeyBytes;
}

/** `tag · a · b · c`, with up to three numbers. Valid until the next call with as many. */
export function numberKey(tag: number, ...parts: readonly number[]): Buffer {
  const key = numberKeyBytes[parts.length]!;
  key[0] = tag;
  for (let i = 0; i < parts.length; i++) key.writeUInt32BE(parts[i]!, 1 + 4 * i);
  return key;
}

export function nameKey(tag: number, name: string): Buffer {
  return Buffer.concat([Buffer.of(tag), Buffer.from(name, 'utf8')]);
}

/** Where the last message of a key of a compacted partition stands. */
export function compactionKey(topic: number, partition: number, key: string): Buffer {
  return Buffer.concat([Buffer.from(numberKey(TAG.key, topic, partition)), Buffer.from(key, 'utf8')]);
}

/** Longest topic name, group name or message key in UTF-8 bytes: LMDB's key limit (1,978) less the prefix. */
export const MAX_NAME_BYTES = 1900;

const u64Bytes = Buffer.alloc(8);
const pairBytes = Buffer.alloc(16);

/** A number as a value. Valid until the next call. */
export function u64(value: bigint): Buffer {
  u64Bytes.writeBigUInt64BE(value);
  return u64Bytes;
}

/** Two numbers as a value. Valid until the next call. */
export function pair(first: bigint, second: bigint): Buffer {
  pairBytes.writeBigUInt64BE(first, 0);
  pairBytes.writeBigUInt64BE(second, 8);
  return pairBytes;
}

export function readU64(value: Uint8Array, at = 0): bigint {
  return new DataView(value.buffer, value.byteOffset).getBigUint64(at);
}
