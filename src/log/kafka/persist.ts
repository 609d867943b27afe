import { setTimeout as sleep } from 'node:timers/promises';
import { FatalError, RiffleError, TransientError } from '../../errors.ts';
import type { Client } from './client.ts';
import { describe, isPermanent, typeOf } from './failures.ts';

const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 1000;

/**
 * Tries something again while the broker is away, with growing pauses, for `retryMs`. Only for what may be done twice.
 * @throws TransientError `broker-away` when the time is over; FatalError `broker-refuses` for what trying again cannot help; our own errors as they are.
 */
export async function persist<T>(
  { options, cluster }: Pick<Client, 'options' | 'cluster'>,
  subject: string,
  attempt: () => Promise<T>,
  retried?: () => void,
): Promise<T> {
  const deadline = performance.now() + options.retryMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof RiffleError) throw error;
      if (isPermanent(error)) throw refused(subject, error);
      if (performance.now() + pauseMs > deadline)
        throw new TransientError(
          'broker-away',
          `${subject}; ${describe(error)}, for ${Math.round(options.retryMs / 1000)} s; ${remedyOf(error)}`,
          { cause: error },
        );
      retried?.();
      options.warn(`${subject}; ${describe(error)}; trying again`);
      await sleep(pauseMs);
      await cluster.refreshMetadata().catch(() => undefined);
    }
  }
}

const remedyOf = (error: unknown): string =>
  typeOf(error) === 'UNKNOWN_TOPIC_OR_PARTITION'
    ? 'a topic may have been deleted: restore it, or start over under another app name'
    : 'bring the broker back, Riffle goes on where it stopped';

export function refused(subject: string, error: unknown): FatalError {
  return new FatalError(
    'broker-refuses',
    `${subject}; the broker refuses: ${describe(error)}; see riffle check for what it lacks`,
    { cause: error },
  );
}
