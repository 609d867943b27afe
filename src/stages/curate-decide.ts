/**
 * A stretch decided in worker threads, whatever happens to them on the way. Where encoders are configured that takes two requests, with the encoders in
 * between. Nothing of it is visible before it is committed, so whatever is lost is simply done again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { TransientError } from '../errors.ts';
import type { Policy } from '../pruning/policy.ts';
import { orAborted } from '../runtime/or-aborted.ts';
import { WorkerDied, type WorkerPool } from '../runtime/pool.ts';
import type { Encoder } from '../scoring/encoder/encoder.ts';
import type { Answer } from './curate-answers.ts';
import { type AskHooks, askEncoders } from './curate-ask.ts';
import type { Asked } from './curate-doubts.ts';
import type { Stretch } from './curate-join.ts';
import type { CurateResult } from './curate-records.ts';
import { type CurateSuspects, createCurateSuspects } from './curate-suspects.ts';
import { createTurns } from './turns.ts';
import type { CurateRequest, DoubtsRequest } from './worker-requests.ts';

export interface DeciderParts {
  readonly pool: WorkerPool;
  /** Those of the process, in the order of `shareEncoders`. */
  readonly encoders: readonly Encoder[];
  readonly signal: AbortSignal;
  readonly hooks: AskHooks;
}

export interface Decider {
  /** By one policy from beginning to end: never one commit by two. @throws also once the signal is aborted */
  decide(partition: number, stretch: Stretch, policy: Policy): Promise<CurateResult>;
  /** Its lines are committed: their memory is on its way back to a worker. */
  recycle(result: CurateResult): void;
}

/** Until what a worker could not reach is asked again. */
const PAUSE_MS = 1000;
/** Stretches whose windows are held at once, for each worker thread. */
const HELD_A_WORKER = 2;

export function createDecider({ pool, encoders, signal, hooks }: DeciderParts): Decider {
  const free: ArrayBuffer[] = [];
  const turns = createTurns(HELD_A_WORKER * pool.size);

  async function answersFor(request: Omit<DoubtsRequest, 'type'>): Promise<Answer[]> {
    return await turns.take(async () => {
      signal.throwIfAborted();
      const doubts: DoubtsRequest = { ...request, type: 'doubts' };
      const asked = await pool.callAny<Asked[]>(doubts);
      return await askEncoders(encoders, asked, signal, hooks);
    });
  }

  /** What to do before another attempt. @throws what another attempt will not mend */
  async function recover(error: unknown, suspects: CurateSuspects): Promise<void> {
    if (signal.aborted) throw error;
    if (error instanceof WorkerDied) return suspects.add(error);
    // A registry that is down pauses the stream.
    if (!(error instanceof TransientError)) throw error;
    hooks.waiting?.(error.message);
    await orAborted(sleep(PAUSE_MS), signal);
  }

  return {
    async decide(partition, stretch, policy) {
      const suspects = createCurateSuspects(partition, stretch);
      const task = { partition, ...stretch };
      // What encoders have said once, they need not be asked again.
      let answers: Answer[] | undefined;
      for (;;) {
        try {
          if (encoders.length > 0) answers ??= await answersFor({ task, policy, poison: suspects.poison });
          const recycled = free.splice(0);
          const request: CurateRequest = { type: 'curate', task, policy, poison: suspects.poison, answers, recycled };
          return await pool.callAny<CurateResult>(request, recycled);
        } catch (error) {
          await recover(error, suspects);
        }
      }
    },
    recycle(result) {
      for (const { bytes } of Object.values(result.outputs)) free.push(bytes.buffer);
    },
  };
}
