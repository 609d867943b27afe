/**
 * Output formats other than JSON lines (protocol rule 17): those cannot be cut to a committed byte, so the run writes JSON lines into its state,
 * and they are turned into the wanted format when it is complete.
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync } from 'node:fs';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { ConfigError, RiffleError } from '../errors.ts';
import type { Conversion } from './export-worker.ts';

export type OutputFormat = 'jsonl' | Conversion['format'];

/** Where a run with this format writes its JSON lines. */
export const linesFolder = (state: string, output: string, format: OutputFormat): string =>
  format === 'jsonl' ? output : path.join(state, 'outputs');

/** For a new run: none of its files may be there. @throws ConfigError `output-exists`, before anything is written. */
export function requireFree(output: string, topics: readonly string[], format: OutputFormat): void {
  for (const topic of topics) {
    const file = path.join(output, `${topic}.${format}`);
    if (existsSync(file))
      throw new ConfigError(
        'output-exists',
        `${file}; exists and belongs to another run; move it away, choose another --output, or start over with --fresh`,
      );
  }
}

/**
 * Writes each `<topic>.jsonl` of folder `from` as `<to>/<topic>.<format>`: aside as `.partial`, synced, renamed. May be called again after a
 * crash anywhere in it: the same files come out.
 */
export async function exportOutputs(
  from: string,
  to: string,
  format: Conversion['format'],
  renamed: () => void = () => undefined,
): Promise<void> {
  mkdirSync(to, { recursive: true });
  const conversions = readdirSync(from)
    .filter((name) => name.endsWith('.jsonl'))
    .sort()
    .map((name): Conversion => {
      const topic = path.basename(name, '.jsonl');
      const target = path.join(to, `${topic}.${format}.partial`);
      return { source: path.join(from, name), target, format, deadLetters: topic === 'dead-letter' };
    });
  const worker = new Worker(new URL('./export-worker.ts', import.meta.url), { workerData: conversions });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  worker.on('message', ({ target }: Conversion) => {
    try {
      renameSync(target, target.slice(0, -'.partial'.length));
      renamed();
    } catch (error) {
      reject(error);
    }
  });
  worker.on('error', reject);
  worker.on('exit', () => resolve());
  try {
    await promise;
    syncDirectory(to);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new RiffleError(
      'export',
      `output files in ${to}; they could not be written as ${format} (${why}); everything is decided and kept: run the same command again when the cause is gone`,
      { cause },
    );
  } finally {
    await worker.terminate();
  }
}

function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
