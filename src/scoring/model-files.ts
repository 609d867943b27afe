import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readFileSync, readSync } from 'node:fs';
import path from 'node:path';
import { ConfigError } from '../errors.ts';

/** A file that a manifest names. */
export interface ModelFile {
  readonly file: string;
  readonly sha256: string;
}

const CHUNK_BYTES = 1 << 22;

/**
 * Where a manifest's file lies: in the first of `folders` that has it, under its name or, as the cache of built models has it, under its digest.
 * Throws a ConfigError when there is none, or when it is another file of that name.
 */
export function findModelFile(wanted: ModelFile, folders: readonly string[], remedy: string): string {
  const full = findIfThere(wanted, folders);
  if (full !== undefined) return full;
  throw new ConfigError('scorer-missing', `model file ${wanted.file}; not in ${folders.join(' nor in ')}; ${remedy}`);
}

/** The same, but nothing when there is none. */
export function findIfThere({ file, sha256 }: ModelFile, folders: readonly string[]): string | undefined {
  const extension = path.extname(file);
  const full = folders
    .flatMap((folder) => [path.join(folder, file), path.join(folder, `${sha256}${extension}`)])
    .find(existsSync);
  if (full === undefined) return undefined;
  const actual = digestOf(full);
  if (actual === sha256) return full;
  throw new ConfigError(
    'scorer-digest',
    `model file ${full}; its SHA-256 is ${actual}, not ${sha256}; restore the file or train again`,
  );
}

/** The bytes of a file, where worker threads share them. Throws as `findModelFile` does. */
export function readModelFile(wanted: ModelFile, folders: readonly string[]): SharedArrayBuffer {
  const full = findModelFile(wanted, folders, 'give the folder of a trained model');
  const bytes = readOrRefuse(full, () => readFileSync(full));
  const shared = new SharedArrayBuffer(bytes.length);
  new Uint8Array(shared).set(bytes);
  return shared;
}

/** Throws a ConfigError that names `what` where `get` cannot read. */
export function readOrRefuse<T>(what: string, get: () => T): T {
  try {
    return get();
  } catch (cause) {
    throw new ConfigError('scorer-missing', `model file ${what}; cannot be read; give the folder of a trained model`, {
      cause,
    });
  }
}

/** In pieces: a graph may have hundreds of megabytes. */
function digestOf(full: string): string {
  return readOrRefuse(full, () => {
    const hash = createHash('sha256');
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    const descriptor = openSync(full, 'r');
    try {
      for (let bytes = -1; bytes !== 0; ) {
        bytes = readSync(descriptor, chunk);
        hash.update(chunk.subarray(0, bytes));
      }
    } finally {
      closeSync(descriptor);
    }
    return hash.digest('hex');
  });
}
