/**
 * The dead letters of a bounded run that were put back: one JSON line each, in the state. A run reads the list as one more source partition, so
 * what holds for every other one (exactly once, `inputs` is the sum of outcomes) holds for it; the list only ever grows.
 */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs';
import path from 'node:path';

export interface Retry {
  /** Where the record lies in the source. */
  readonly of: { readonly topic: string; readonly partition: string | number; readonly offset: string };
  /** Identity of the dead letter that was put back: another one than `of` when that was itself the outcome of a retry. */
  readonly letter: string;
}

/** Name of the partition in positions. */
export const RETRY_PARTITION = 'riffle-retries';

export const retryListFile = (state: string): string => path.join(state, 'retries.jsonl');

export function retryListBytes(state: string): number {
  return statSync(retryListFile(state), { throwIfNoEntry: false })?.size ?? 0;
}

/** From byte `from` on, each with its place in the list. */
export function readRetryList(file: string, from = 0): { at: number; next: number; retry: Retry }[] {
  if (!existsSync(file)) return [];
  const list: { at: number; next: number; retry: Retry }[] = [];
  const bytes = readFileSync(file);
  for (let at = from; at < bytes.length; ) {
    const next = bytes.indexOf(10, at) + 1;
    list.push({ at, next, retry: JSON.parse(bytes.toString('utf8', at, next)) as Retry });
    at = next;
  }
  return list;
}

/** All of them or none: written aside, synced and renamed. The caller holds the lock of the state. */
export function appendRetries(state: string, retries: readonly Retry[]): void {
  const file = retryListFile(state);
  const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const aside = `${file}.writing`;
  const descriptor = openSync(aside, 'w');
  writeSync(descriptor, `${before}${retries.map((retry) => `${JSON.stringify(retry)}\n`).join('')}`);
  fsyncSync(descriptor);
  closeSync(descriptor);
  renameSync(aside, file);
}
