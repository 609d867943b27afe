import { readFileSync } from 'node:fs';
import { crc32, inflateRawSync } from 'node:zlib';
import { ConfigError } from '../../src/errors.ts';

const END = 0x06054b50;
const END_BYTES = 22;
const ENTRY = 0x02014b50;
const ENTRY_BYTES = 46;
const LOCAL = 0x04034b50;
const LOCAL_BYTES = 30;
const STORED = 0;
const DEFLATED = 8;

/** A zip archive (APPNOTE.TXT 6.3, without zip64 and encryption): names, and the bytes of one file at a time. */
export interface Zip {
  readonly names: readonly string[];
  /** Throws a ConfigError for a name that is not there or bytes that are not whole. */
  read(name: string): Uint8Array<ArrayBuffer>;
}

interface Entry {
  readonly method: number;
  readonly crc: number;
  readonly packedBytes: number;
  readonly bytes: number;
  readonly at: number;
}

/** Reads the archive's directory; `origin` names it in errors. */
export function openZip(archive: Buffer, origin: string): Zip {
  const end = archive.lastIndexOf(Buffer.from(Uint32Array.of(END).buffer));
  if (end < 0 || end + END_BYTES > archive.length) throw broken(origin, 'it has no directory');
  const entries = readDirectory(archive, origin, archive.readUInt32LE(end + 16), archive.readUInt16LE(end + 10));
  return {
    names: [...entries.keys()],
    read(name) {
      const entry = entries.get(name);
      if (entry === undefined) throw broken(origin, `it has no file ${name}`);
      return unpack(archive, `${origin}, ${name}`, entry);
    },
  };
}

export function openZipFile(file: string): Zip {
  return openZip(readFileSync(file), file);
}

function readDirectory(archive: Buffer, origin: string, start: number, count: number): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  for (let i = 0, at = start; i < count; i++) {
    if (at + ENTRY_BYTES > archive.length || archive.readUInt32LE(at) !== ENTRY)
      throw broken(origin, `its directory ends at entry ${i} of ${count}`);
    const nameEnd = at + ENTRY_BYTES + archive.readUInt16LE(at + 28);
    entries.set(archive.toString('utf8', at + ENTRY_BYTES, nameEnd), {
      method: archive.readUInt16LE(at + 10),
      crc: archive.readUInt32LE(at + 16),
      packedBytes: archive.readUInt32LE(at + 20),
      bytes: archive.readUInt32LE(at + 24),
      at: archive.readUInt32LE(at + 42),
    });
    at = nameEnd + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
  }
  return entries;
}

function unpack(archive: Buffer, origin: string, entry: Entry): Uint8Array<ArrayBuffer> {
  const { at, packedBytes, method } = entry;
  if (at + LOCAL_BYTES > archive.length || archive.readUInt32LE(at) !== LOCAL)
    throw broken(origin, 'it is not where the directory says');
  // The local header has lengths of its own: its extra field may differ from the directory's.
  const start = at + LOCAL_BYTES + archive.readUInt16LE(at + 26) + archive.readUInt16LE(at + 28);
  const packed = archive.subarray(start, start + packedBytes);
  if (method !== STORED && method !== DEFLATED) throw broken(origin, `it is packed by method ${method}`);
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = new Uint8Array(method === STORED ? packed : inflateRawSync(packed, { maxOutputLength: entry.bytes || 1 }));
  } catch (cause) {
    throw broken(origin, 'it cannot be unpacked', cause);
  }
  if (bytes.length !== entry.bytes || crc32(bytes) !== entry.crc) throw broken(origin, 'its bytes are not whole');
  return bytes;
}

function broken(origin: string, what: string, cause?: unknown): ConfigError {
  return new ConfigError('zip-broken', `zip archive ${origin}; ${what}; fetch it again`, { cause });
}
