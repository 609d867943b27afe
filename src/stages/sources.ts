/** The source partitions of a bounded run: its input files in order, and behind them the dead letters that were put back. */
import { RiffleError } from '../errors.ts';
import { openSource } from '../operators/decode/source.ts';
import type { DecodeLimits, InputFile, RawBatch } from '../operators/decode/types.ts';
import { RETRY_PARTITION, retryListBytes, retryListFile } from '../runtime/retry-list.ts';
import type { RunInput } from '../runtime/state.ts';
import { until } from './limit.ts';
import { readRetried } from './retried.ts';

export interface SourceFile extends InputFile {
  /** Name of the partition in positions. */
  readonly name: string;
  /** Nothing at or beyond it is read (`--limit`). */
  readonly end?: bigint | undefined;
}

export function sourcesOf(
  inputs: readonly RunInput[],
  ends: readonly (bigint | undefined)[],
  stateDirectory: string,
): SourceFile[] {
  const files = inputs.map(({ name, path, sizeBytes }, i) => ({ name, path, sizeBytes, end: ends[i] }));
  const retries = { path: retryListFile(stateDirectory), sizeBytes: retryListBytes(stateDirectory) };
  return [...files, { name: RETRY_PARTITION, ...retries }];
}

/** Reads one of them from `from` on. `searching`: time goes by that is not the current record's. */
export function openPartition(
  source: SourceFile,
  all: readonly SourceFile[],
  from: bigint,
  limits: DecodeLimits,
  searching: () => void,
): AsyncIterable<RawBatch> {
  if (source.name === RETRY_PARTITION) {
    const files = new Map(all.map((file) => [file.name, file]));
    return readRetried(source, files, from, limits, searching);
  }
  if (source.end === undefined) return openSource(source, { from, limits });
  return from >= source.end ? nothing() : until(openSource(source, { from, limits }), source.end);
}

async function* nothing(): AsyncGenerator<RawBatch> {}

/** An operating system's error names no file, or says it in its own words. */
export function readingFailed(file: string, cause: unknown): unknown {
  if (!(cause instanceof Error) || !('syscall' in cause)) return cause;
  const message = `input ${file}; it cannot be read any more (${cause.message}); restore it and run the same command again`;
  return new RiffleError('input-unreadable', message, { cause });
}
