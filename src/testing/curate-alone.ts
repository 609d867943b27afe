/** What a test needs to run curate without the stages before it: a policy, blocks made by hand, and a pool that decides in this thread. */
import assert from 'node:assert/strict';
import { INLINE, INSERTED, siftedWriter } from '../model/sifted.ts';
import { type Verdict, writeVerdictBlock } from '../model/verdicts.ts';
import { createPlainJsonReader } from '../operators/decode/plain-json.ts';
import { type Policy, policySchema } from '../pruning/policy.ts';
import type { WorkerPool } from '../runtime/pool.ts';
import { curateRecords } from '../stages/curate-records.ts';
import type { CurateRequest } from '../stages/worker-requests.ts';

export const policy = policySchema.parse({
  name: 't',
  version: 1,
  owner: 'o',
  rationale: 'r',
  created: '2026-01-01',
  seed: 's',
}) as Policy;

/** Records `from` to `to` of partition 0, each with its offset as id. */
export function siftedBlock(from: number, to: number, exactOf: (offset: number) => bigint): Uint8Array {
  const writer = siftedWriter();
  for (let i = from; i < to; i++)
    writer.add({
      offset: BigInt(i),
      exact: exactOf(i),
      kind: INSERTED,
      shape: INLINE,
      head: `{"id":"${i}","text":"x"`,
      sourceStart: 0,
      sourceBytes: 0,
      signals: '',
      language: '',
      retried: false,
      failures: [],
    });
  return writer.take(0, BigInt(from), BigInt(to));
}

export function verdictBlock(
  from: number,
  to: number,
  exactOf: (offset: number) => bigint,
  kind: number = INSERTED,
): Uint8Array {
  const list = Array.from(
    { length: to - from },
    (_, i): Verdict => ({
      offset: BigInt(from + i),
      exact: exactOf(from + i),
      kind,
      votes: 0,
      generation: 0,
      exactMatch: false,
      similarity: 0,
      containment: 0,
      copies: 1,
      duplicateOf: undefined,
    }),
  );
  return writeVerdictBlock({ partition: 0, from: BigInt(from), to: BigInt(to), config: 0n, bands: 24 }, list);
}

/** Decides in this thread, when `gate` lets it. */
export function decider(
  rawTopic: string,
  gate: () => Promise<void> = async () => undefined,
  nameOf: (partition: number) => string | number = (partition) => partition,
): WorkerPool {
  return {
    async callAny(request: CurateRequest) {
      await gate();
      return curateRecords(request.task, {
        policy: request.policy,
        guard: request.poison && { poison: request.poison, begin: () => undefined },
        stage0: undefined,
        plainJson: createPlainJsonReader(),
        scoredLanguages: [],
        rawTopic,
        keepText: 'all',
        nameOf,
        readSource: () => assert.fail('no spliced records here'),
      });
    },
    // Curate asks for nothing else.
  } as unknown as WorkerPool;
}
