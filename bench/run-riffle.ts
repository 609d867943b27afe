import path from 'node:path';
import { measure, type Spent } from './process-tree.ts';

/** What a bench reads of the summary that `riffle run --json` prints. */
export interface RunSummary {
  readonly inputs: number;
  readonly outcomes: Readonly<Record<'curated' | 'rejected' | 'quarantine' | 'dead-letter', number>>;
  readonly peakRssBytes: number;
  readonly eventLoopDelay: { readonly p999: number };
}

export type Ran = Spent & { readonly summary: RunSummary };

const command = path.resolve(import.meta.dirname, '../bin/riffle.js');

/** One whole topology as a process of its own, from start to end, with default settings. */
export async function runRiffle(
  topology: string,
  input: string,
  output: string,
  options: { sampleMs?: number } = {},
): Promise<Ran> {
  const spent = await measure(
    [
      process.execPath,
      command,
      'run',
      topology,
      '--input',
      input,
      '--output',
      output,
      '--fresh',
      '--json',
      '--no-http',
      '--log-level',
      'error',
    ],
    options,
  );
  if (spent.status !== 0) throw new Error(`riffle run ${topology}; ended with ${spent.status}: ${spent.stderr}`);
  const summary: RunSummary = JSON.parse(spent.stdout);
  return { ...spent, summary };
}

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};
