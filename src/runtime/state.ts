/** What a bounded run remembers of itself, beside the log: so that the same command continues, and another one is refused. */
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { ConfigError } from '../errors.ts';

export interface RunInput {
  readonly path: string;
  /** Name of the partition in positions. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly digest: string;
}

export interface RunState {
  readonly format: 1;
  readonly version: string;
  readonly topology: string;
  /** Hash of what decides about records, and those settings, to name the one that differs. */
  readonly config: string;
  readonly settings?: object;
  readonly seed: string;
  readonly inputs: readonly RunInput[];
  /** `--limit`: records that are read, the first ones in input order. */
  readonly limit?: number | undefined;
  /** The summary of a finished run. */
  readonly finished?: unknown;
}

const FILE = 'run.json';

export function readState(directory: string): RunState | undefined {
  const file = path.join(directory, FILE);
  if (!existsSync(file)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new ConfigError(
      'state',
      `state ${file}; it cannot be read; restore it, choose another --output, or start over with --fresh`,
      { cause },
    );
  }
  if (typeof value === 'object' && value !== null && 'format' in value && value.format === 1) return value as RunState;
  throw new ConfigError(
    'state',
    `state ${file}; not of this version of Riffle; use the version that wrote it, choose another --output, or start over with --fresh`,
  );
}

/** Written aside, synced and renamed: never half there. */
export function writeState(directory: string, state: RunState): void {
  mkdirSync(directory, { recursive: true });
  const aside = path.join(directory, `${FILE}.writing`);
  const file = openSync(aside, 'w');
  writeSync(file, `${JSON.stringify(state, null, 1)}\n`);
  fsyncSync(file);
  closeSync(file);
  renameSync(aside, path.join(directory, FILE));
}

/** What may not change between two starts on one state. @throws ConfigError that names the difference. */
export function checkSameRun(before: RunState, now: Omit<RunState, 'format' | 'version'>): void {
  const refused = (what: string) =>
    new ConfigError('state-differs', `${what}; restore it, choose another --output, or start over with --fresh`);
  const differs = (what: string, was: unknown, is: unknown) =>
    refused(`${what}; it was ${String(was)} when this run began and is ${String(is)} now`);
  if (before.topology !== now.topology) throw differs('topology', before.topology, now.topology);
  // It may be a secret: not for screens.
  if (before.seed !== now.seed) throw refused('dedup.seed; it is not the one that this run began with');
  if (before.config !== now.config) {
    const [setting] = differences(before.settings, now.settings, '');
    throw setting ? differs(...setting) : differs('configuration', before.config, now.config);
  }
  if (before.inputs.length !== now.inputs.length)
    throw differs('number of inputs', before.inputs.length, now.inputs.length);
  if (before.limit !== now.limit) throw differs('--limit', before.limit ?? 'none', now.limit ?? 'none');
  for (const [i, was] of before.inputs.entries()) {
    const is = now.inputs[i]!;
    if (was.path !== is.path) throw differs(`input ${i + 1}`, was.path, is.path);
    if (was.sizeBytes !== is.sizeBytes)
      throw differs(`size of ${is.path}`, `${was.sizeBytes} bytes`, `${is.sizeBytes} bytes`);
    if (was.digest !== is.digest) throw differs(`content of ${is.path}`, was.digest, is.digest);
  }
}

/** Key and both values of every setting that differs; lists are compared as a whole where one is longer. */
function differences(was: unknown, is: unknown, key: string): [key: string, was: string, is: string][] {
  if (!hasMembers(was) || !hasMembers(is) || (Array.isArray(was) && was.length !== Object.keys(is).length))
    return JSON.stringify(was) === JSON.stringify(is) || key === '' ? [] : [[key, asWritten(was), asWritten(is)]];
  const names = new Set([...Object.keys(was), ...Object.keys(is)]);
  return [...names].flatMap((name) => differences(was[name], is[name], key === '' ? name : `${key}.${name}`));
}

const hasMembers = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const asWritten = (value: unknown): string => JSON.stringify(value) ?? 'not given';

/** Samples of a digest: whole files up to three of them, else beginning, middle and end. */
const SAMPLE_BYTES = 64 * 1024;

/** Tells a changed input: SHA-256 of its size and of 64 KiB at its beginning, middle and end. Not proof against somebody who tries. */
export function inputDigest(file: string): string {
  const { size } = statSync(file);
  const hash = createHash('sha256').update(String(size));
  const buffer = Buffer.alloc(SAMPLE_BYTES);
  const descriptor = openSync(file, 'r');
  try {
    const starts =
      size <= 3 * SAMPLE_BYTES ? [0, SAMPLE_BYTES, 2 * SAMPLE_BYTES] : [0, Math.floor(size / 2), size - SAMPLE_BYTES];
    for (const start of starts) hash.update(buffer.subarray(0, readSync(descriptor, buffer, 0, SAMPLE_BYTES, start)));
  } finally {
    closeSync(descriptor);
  }
  return `sha256:${hash.digest('hex')}`;
}

/** Everything that Riffle puts into a state folder. */
const STATE_NAMES = [
  'standard-input.writing',
  FILE,
  `${FILE}.writing`,
  'log',
  'snapshots',
  'standard-input',
  'outputs',
  'retries.jsonl',
  'retries.jsonl.writing',
];

/** Forgets a run: its state and its output files, and nothing else that lies in the two folders. The lock is the caller's. */
export function removeRun(state: string, output: string): void {
  for (const name of STATE_NAMES) rmSync(path.join(state, name), { recursive: true, force: true });
  for (const name of outputNames(output)) unlinkSync(path.join(output, name));
}

const OUTPUT_NAME =
  /^(?:curated\.[\w-]+|rejected|quarantine|control|dead-letter)\.(?:jsonl|jsonl\.zst|parquet)(?:\.partial)?$/;

export const outputNames = (directory: string): string[] =>
  existsSync(directory)
    ? readdirSync(directory)
        .filter((name) => OUTPUT_NAME.test(name))
        .sort()
    : [];
