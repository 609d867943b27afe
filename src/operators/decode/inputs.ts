import { accessSync, constants, globSync, lstatSync, readdirSync, type Stats, statSync } from 'node:fs';
import path from 'node:path';
import { ConfigError } from '../../errors.ts';
import type { InputFile } from './types.ts';

export interface ExpandedInputs {
  /** In the order given; files of a folder or pattern sorted by path; each file once. */
  readonly files: readonly InputFile[];
  /** True when `-` was among the inputs: standard input comes after the files. */
  readonly standardInput: boolean;
  /** What a folder or pattern held and was not taken. */
  readonly ignored: { readonly symlinks: number; readonly hidden: number; readonly otherNames: number };
}

/** Names that a folder's walk takes. A file named on the command line is taken whatever its name is. */
const inputName =
  /\.(?:warc|wet|jsonl|ndjson|json|parquet|html?|xhtml|md|markdown|txt)(?:\.(?:gz|zst|lz4|bz2|xz))?$|^(?:licen[cs]e|copying|notice|readme|changelog|history|authors|contributing)(?:-[a-z0-9]+)*$/i;

/**
 * Expands `--input` values: a file, a folder (walked in sorted order; symlinks and hidden names are left out), a glob pattern,
 * or `-` for standard input. Throws ConfigError for what does not exist, cannot be read, or matches no file.
 */
export function expandInputs(inputs: readonly string[], cwd: string = process.cwd()): ExpandedInputs {
  const files = new Map<string, InputFile>();
  const ignored = { symlinks: 0, hidden: 0, otherNames: 0 };
  let standardInput = false;
  const add = (file: string, stats: Stats): void => {
    requireReadable(file);
    // A pipe or device has no size and cannot be read twice, which a resumed run needs.
    if (!stats.isFile())
      throw new ConfigError('input-kind', `input ${file}; neither a file nor a folder; pipe it in with --input -`);
    if (!files.has(file)) files.set(file, { path: file, sizeBytes: stats.size });
  };

  for (const input of inputs) {
    if (input === '-') {
      standardInput = true;
      continue;
    }
    const before = files.size;
    const absolute = path.resolve(cwd, input);
    const stats = statSync(absolute, { throwIfNoEntry: false });
    if (stats?.isDirectory()) {
      const found = walk(absolute, ignored);
      for (const file of found) add(file, statsOf(file));
      if (found.length === 0) throw noMatch(input, 'a folder without input files');
    } else if (stats) {
      add(absolute, stats);
    } else if (/[*?[{]/.test(input)) {
      const matches = globFiles(input, cwd, ignored);
      for (const file of matches) add(file, statsOf(file));
      if (matches.length === 0 && files.size === before) throw noMatch(input, 'a pattern that matches no file');
    } else {
      throw new ConfigError('input-missing', `input ${input}; no such file or folder under ${cwd}; check the path`);
    }
  }
  return { files: [...files.values()], standardInput, ignored };
}

function noMatch(input: string, actual: string): ConfigError {
  return new ConfigError(
    'input-empty',
    `input ${input}; ${actual}; give .warc, .wet, .jsonl, .json, .parquet, .html, .md or .txt files`,
  );
}

function statsOf(file: string): Stats {
  const stats = lstatSync(file, { throwIfNoEntry: false });
  if (stats) return stats;
  throw new ConfigError(
    'input-unreadable',
    `input ${file}; it is listed but cannot be opened: its name is not UTF-8, or it was just removed; rename it or leave it out`,
  );
}

function requireReadable(file: string): void {
  try {
    accessSync(file, constants.R_OK);
  } catch (cause) {
    throw new ConfigError('input-unreadable', `input ${file}; it cannot be read; check its permissions`, { cause });
  }
}

function walk(folder: string, ignored: { symlinks: number; hidden: number; otherNames: number }): string[] {
  const found: string[] = [];
  let entries: ReturnType<typeof readEntries>;
  try {
    entries = readEntries(folder);
  } catch (cause) {
    throw new ConfigError('input-unreadable', `input ${folder}; the folder cannot be read; check its permissions`, {
      cause,
    });
  }
  for (const entry of entries) {
    const file = path.join(folder, entry.name);
    if (entry.name.startsWith('.')) ignored.hidden++;
    else if (entry.isSymbolicLink()) ignored.symlinks++;
    else if (entry.isDirectory()) found.push(...walk(file, ignored));
    else if (entry.isFile() && inputName.test(entry.name)) found.push(file);
    else ignored.otherNames++;
  }
  return found;
}

function readEntries(folder: string) {
  return readdirSync(folder, { withFileTypes: true }).sort((a, b) => compare(a.name, b.name));
}

function globFiles(pattern: string, cwd: string, ignored: { symlinks: number }): string[] {
  const files: string[] = [];
  for (const match of globSync(pattern, { cwd })) {
    const file = path.resolve(cwd, match);
    const stats = statsOf(file);
    if (stats.isSymbolicLink()) ignored.symlinks++;
    else if (stats.isFile()) files.push(file);
  }
  return files.sort(compare);
}

/** By UTF-16 code unit, so that the order does not depend on the machine's locale. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
