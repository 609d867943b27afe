import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ConfigError } from '../../src/errors.ts';

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Writes a file under its digest, whole or not at all. Returns its path. */
export function storeModel(folder: string, bytes: Uint8Array, extension: string): string {
  const file = path.join(folder, `${sha256Of(bytes)}${extension}`);
  const partial = `${file}.${process.pid}.partial`;
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(partial, bytes);
    renameSync(partial, file);
  } catch (cause) {
    if (existsSync(partial)) rmSync(partial);
    throw new ConfigError(
      'models-folder',
      `models folder ${folder}; cannot be written; name another one in RIFFLE_MODELS`,
      { cause },
    );
  }
  return file;
}

/** Whether a file of that digest lies there, whole. */
export function hasModel(folder: string, sha256: string, extension: string): boolean {
  return readIfThere(path.join(folder, `${sha256}${extension}`), (bytes) => sha256Of(bytes) === sha256) ?? false;
}

/** Reads a file that must be of one digest. Throws a ConfigError when it is not there or another one. */
export function readPinned(file: string, sha256: string, what: string): Buffer<ArrayBuffer> {
  const bytes = readIfThere(file, (found) => found);
  if (bytes === undefined) {
    throw new ConfigError('model-source', `${what} ${file}; cannot be read; name a file that is there`);
  }
  const actual = sha256Of(bytes);
  if (actual === sha256) return bytes;
  throw new ConfigError('model-source', `${what} ${file}; its SHA-256 is ${actual}, not ${sha256}; give the original`);
}

function readIfThere<T>(file: string, then: (bytes: Buffer<ArrayBuffer>) => T): T | undefined {
  let bytes: Buffer<ArrayBuffer>;
  try {
    bytes = readFileSync(file);
  } catch {
    return undefined;
  }
  return then(bytes);
}
