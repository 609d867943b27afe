import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';

/** A record before it is written: named fields in order, and the block. */
export interface WarcRecord {
  type: 'warcinfo' | 'request' | 'response' | 'metadata' | 'revisit' | 'resource' | 'conversion';
  url?: string;
  contentType: string;
  block: Buffer;
  /** Bytes that the payload digest covers, where the record has a payload. */
  payload?: Buffer;
  extra?: Record<string, string>;
  /** Written as Content-Length instead of the truth: a clipped record. */
  claimedLength?: number;
}

const base32Alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

function sha1Base32(bytes: Buffer): string {
  let bits = '';
  for (const byte of createHash('sha1').update(bytes).digest()) bits += byte.toString(2).padStart(8, '0');
  return bits.replaceAll(/.{5}/g, (five) => base32Alphabet[Number.parseInt(five, 2)]!);
}

/** A version-4-shaped record id from a name, so that every run writes the same one. */
export function recordId(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  return `<urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}>`;
}

/** One WARC/1.1 record, uncompressed (ISO 28500:2017, section 4). */
export function recordBytes(record: WarcRecord, id: string, date: string): Buffer {
  const fields: Record<string, string> = { 'WARC-Type': record.type, 'WARC-Record-ID': id, 'WARC-Date': date };
  if (record.url) fields['WARC-Target-URI'] = record.url;
  if (record.payload) fields['WARC-Payload-Digest'] = `sha1:${sha1Base32(record.payload)}`;
  fields['WARC-Block-Digest'] = `sha1:${sha1Base32(record.block)}`;
  Object.assign(fields, record.extra, {
    'Content-Type': record.contentType,
    'Content-Length': String(record.claimedLength ?? record.block.length),
  });
  const head = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  const end = record.claimedLength === undefined ? '\r\n\r\n' : '';
  return Buffer.concat([Buffer.from(`WARC/1.1\r\n${head.join('')}\r\n`), record.block, Buffer.from(end)]);
}

/** One gzip member a record, so that a reader may start at any of them. */
export const gzipMembers = (records: Buffer[]): Buffer =>
  Buffer.concat(records.map((bytes) => gzipSync(bytes, { level: 9 })));
