/** Dead letters of a run over files: in its output folder, and put back by a list in its state. */
import path from 'node:path';
import { ConfigError } from '../errors.ts';
import { lockState } from '../runtime/lock.ts';
import { appendRetries, readRetryList, type Retry, retryListFile } from '../runtime/retry-list.ts';
import { readState, writeState } from '../runtime/state.ts';
import { identityOfLetter, originOf, readDeadLetters } from './dead-letters.ts';
import type { Chosen, DeadLetterPlace, RetryReport } from './dlq-place.ts';

/** @throws ConfigError when there is no run. */
export function filesPlace(folder: string, stateFolder: string | undefined): DeadLetterPlace {
  const output = path.resolve(folder);
  const state = path.resolve(stateFolder ?? path.join(output, '.riffle'));
  if (readState(state) === undefined)
    throw new ConfigError(
      'no-run',
      `folder ${folder}; no run has its state in ${state}; name the run's --output, and its --state if it had one`,
    );
  const putBack = () => new Set(readRetryList(retryListFile(state)).map(({ retry }) => retry.letter));
  return {
    name: folder,
    options: `--output '${folder}'${stateFolder === undefined ? '' : ` --state '${stateFolder}'`}`,
    letters: () => readDeadLetters(output, state),
    putBack: async () => putBack(),
    retry: async (chosen) => retry(state, chosen, putBack),
    afterRetry: [
      'run the same command again: it reads them again and writes their new outcomes',
      'a limit of one record may be another one now: --set source.maxRecordBytes=…',
    ],
    close: async () => undefined,
  };
}

/** @throws ConfigError when the run is going on. */
function retry(state: string, chosen: readonly Chosen[], putBack: () => ReadonlySet<string>): RetryReport {
  const unlock = lockState(state);
  try {
    const done = putBack();
    const fresh: Retry[] = [];
    const already: string[] = [];
    for (const letter of chosen) {
      const name = identityOfLetter(letter);
      if (done.has(name)) already.push(name);
      else fresh.push({ of: originOf(letter), letter: name });
    }
    fresh.sort(bySource);
    if (fresh.length > 0) {
      // In this order: a run that is reopened for nothing ends again at once, one that stays finished would never read the list.
      const { finished: _finished, ...open } = readState(state)!;
      writeState(state, open);
      appendRetries(state, fresh);
    }
    return { putBack: fresh.map(({ letter }) => letter), already };
  } finally {
    unlock();
  }
}

/** In source order: a compressed file is then read once for all of them. */
function bySource({ of: a }: Retry, { of: b }: Retry): number {
  if (a.partition !== b.partition) return String(a.partition) < String(b.partition) ? -1 : 1;
  return BigInt(a.offset) < BigInt(b.offset) ? -1 : 1;
}
