import {
  existsSync,
  mkdirSync,
  openSync,
  realpathSync,
  readSync,
  closeSync,
  readdirSync,
  statSync,
  ftruncateSync,
} from 'node:fs';
import path from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import { ConfigError, FatalError } from '../../errors.ts';
import { numberKey, TAG } from './layout.ts';

const MAGIC = 'riffle-log';
const FORMAT = 1;
const OWN_FILES = new Set(['data.mdb', 'lock.mdb']);

/** `mdb.c`: MDB_MAGIC, at byte 24 of both meta pages, behind the page header. */
const LMDB_MAGIC = 0xbeefc0de;
/** Address space only; the library enlarges it when it is used up. */
const MAP_BYTES = 2 ** 40;
/** The file is made longer in such steps, ahead of what is written; the space is not allocated until it is used. */
const GROW_BYTES = 64 * 2 ** 20;

export interface Environment {
  readonly root: RootDatabase<Buffer, Buffer>;
  readonly meta: Database<Buffer, Buffer>;
  readonly messages: Database<Buffer, Buffer>;
  readonly directory: string;
  /** Makes the file long enough for a transaction that writes so many bytes. To be called inside it. */
  ensureLength(bytes: number): void;
}

/**
 * Opens or creates the environment in a directory of its own.
 * Nothing is written before it is clear that what lies there is ours: a foreign or damaged file stays as it is.
 * @throws ConfigError `foreign-log`, `newer-log`; FatalError `corrupt-log`
 */
export function openEnvironment(directory: string): Environment {
  const strangers = readdirSync(directory).filter((name) => !OWN_FILES.has(name));
  if (strangers.length > 0) {
    throw new ConfigError(
      'foreign-log',
      `${directory}; holds ${strangers[0]}, which is not part of a log; give the log a directory of its own`,
    );
  }
  const file = path.join(directory, 'data.mdb');
  const before = existsSync(file) ? statSync(file).size : 0;
  if (before > 0) checkFile(file, before);
  let root: RootDatabase<Buffer, Buffer>;
  try {
    root = open<Buffer, Buffer>({
      path: directory,
      noSubdir: false,
      encoding: 'binary',
      keyEncoding: 'binary',
      mapSize: MAP_BYTES,
      maxDbs: 4,
      maxReaders: 512,
      eventTurnBatching: false,
    });
  } catch (cause) {
    throw openError(file, cause);
  }
  const names = [...root.getKeys({})].map((key) => Buffer.from(key).toString('utf8').replace(/\0$/, ''));
  if (names.some((name) => name !== 'meta' && name !== 'messages')) {
    void root.close();
    throw foreign(file);
  }
  const common = { encoding: 'binary', keyEncoding: 'binary' } as const;
  const meta = root.openDB<Buffer, Buffer>('meta', common);
  const messages = root.openDB<Buffer, Buffer>('messages', { ...common, useVersions: true });
  checkHeader(root, meta, file);
  let lengthBytes = statSync(file).size;
  const ensureLength = (bytes: number): void => {
    const { lastPageNumber, pageSize } = statsOf(root);
    const needed = (lastPageNumber + 1) * pageSize + bytes;
    if (needed <= lengthBytes) return;
    lengthBytes = Math.max(statSync(file).size, Math.ceil(needed / GROW_BYTES) * GROW_BYTES);
    const fd = openSync(file, 'r+');
    try {
      ftruncateSync(fd, lengthBytes);
    } finally {
      closeSync(fd);
    }
  };
  return { root, meta, messages, directory, ensureLength };
}

/** Creates the folder when there is none. @returns its one true path. @throws ConfigError `log-unusable` */
export function makeDirectory(directory: string): string {
  try {
    mkdirSync(directory, { recursive: true });
    return realpathSync(directory);
  } catch (cause) {
    throw openError(directory, cause);
  }
}

/** LMDB's own errors are below -30,000 (`lmdb.h`): the file is not what it should be. The rest are the system's. */
function openError(place: string, cause: unknown): Error {
  const message = cause instanceof Error ? cause.message : String(cause);
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? Number(cause.code) : NaN;
  if (code < -30_000) return corrupt(place, message, cause);
  return new ConfigError(
    'log-unusable',
    `${place}; ${message}; check that it can be written, and that address space is not limited (ulimit -v)`,
    { cause },
  );
}

/** The library's types leave these open. */
function statsOf(root: RootDatabase<Buffer, Buffer>): { lastPageNumber: number; pageSize: number } {
  const stats = root.getStats();
  if ('lastPageNumber' in stats && 'pageSize' in stats) {
    return { lastPageNumber: Number(stats.lastPageNumber), pageSize: Number(stats.pageSize) };
  }
  throw new FatalError('log-library', 'lmdb; its statistics lack the page size; use the version that is pinned');
}

/**
 * LMDB maps the file: a read beyond its end kills the process, and no error can be caught. So the length is checked before it is opened.
 * `ensureLength` keeps it ahead of the last page, hence a shorter file was cut by somebody.
 */
function checkFile(file: string, lengthBytes: number): void {
  const head = Buffer.alloc(65536 + 256);
  const fd = openSync(file, 'r');
  try {
    readSync(fd, head, 0, head.length, 0);
  } finally {
    closeSync(fd);
  }
  const metaOffset = [24].find((at) => head.readUInt32LE(at) === LMDB_MAGIC);
  if (metaOffset === undefined) throw foreign(file);
  if (lengthBytes < 8192) throw corrupt(file, `${lengthBytes} bytes, less than its two meta pages`);
  const lastPage = lastPageOf(head, metaOffset);
  if (lastPage !== undefined && lengthBytes < (lastPage.number + 1) * lastPage.pageBytes) {
    throw corrupt(
      file,
      `${lengthBytes} bytes, but pages up to byte ${(lastPage.number + 1) * lastPage.pageBytes} are in use: it was cut`,
    );
  }
}

/** `struct MDB_meta`: magic u32, version u32, address u64, map size u64, two `MDB_db` of 48 bytes (the first begins with the page size), last page u64, transaction u64. */
function lastPageOf(head: Buffer, metaOffset: number): { number: number; pageBytes: number } | undefined {
  const pageBytes = head.readUInt32LE(metaOffset + 24);
  if (pageBytes < 512 || pageBytes > 65536) return undefined;
  const at = metaOffset + 24 + 96;
  const first = Number(head.readBigUInt64LE(at));
  const second = pageBytes + at + 8 <= head.length ? Number(head.readBigUInt64LE(pageBytes + at)) : 0;
  const firstTxn = head.readBigUInt64LE(at + 8);
  const secondTxn = pageBytes + at + 16 <= head.length ? head.readBigUInt64LE(pageBytes + at + 8) : 0n;
  return { number: firstTxn >= secondTxn ? first : second, pageBytes };
}

function checkHeader(root: RootDatabase<Buffer, Buffer>, meta: Database<Buffer, Buffer>, file: string): void {
  const stored = meta.get(numberKey(TAG.header));
  if (stored !== undefined) {
    const header = parseHeader(stored);
    if (header?.magic !== MAGIC) throw closing(root, foreign(file));
    if (header.format > FORMAT) {
      throw closing(
        root,
        new ConfigError(
          'newer-log',
          `${file}; has format ${header.format}, this version reads up to ${FORMAT}; use a newer riffle or another state directory`,
        ),
      );
    }
    return;
  }
  root.transactionSync(() => {
    // Another process may have been first.
    if (meta.get(numberKey(TAG.header)) !== undefined) return;
    const header = { magic: MAGIC, format: FORMAT, createdMs: Date.now() };
    meta.putSync(numberKey(TAG.header), Buffer.from(JSON.stringify(header)));
  });
}

function parseHeader(stored: Buffer): { magic: string; format: number } | undefined {
  try {
    const header: unknown = JSON.parse(stored.toString('utf8'));
    if (typeof header !== 'object' || header === null || !('magic' in header) || !('format' in header))
      return undefined;
    return { magic: String(header.magic), format: Number(header.format) };
  } catch {
    return undefined;
  }
}

function closing(root: RootDatabase<Buffer, Buffer>, error: Error): Error {
  void root.close();
  return error;
}

function foreign(file: string): ConfigError {
  return new ConfigError('foreign-log', `${file}; was not written by riffle; give the log a directory of its own`);
}

function corrupt(file: string, actual: string, cause?: unknown): FatalError {
  return new FatalError('corrupt-log', `${file}; ${actual}; restore it from a copy, or start over with --fresh`, {
    cause,
  });
}
