import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DECIDING, SIFTING } from '../runtime/activity.ts';
import { type WorkerPool, WorkerDied } from '../runtime/pool.ts';
import { noFaults } from '../runtime/context.ts';
import { groups, topicNames, topicSpecs } from '../runtime/topics.ts';
import { decider, policy, siftedBlock, verdictBlock } from '../testing/curate-alone.ts';
import { createMemoryLog } from '../testing/memory-log.ts';
import { loadTopology } from '../cli/load-topology.ts';
import { runCurate } from './curate.ts';
import { createCurateSuspects } from './curate-suspects.ts';
import type { CurateRequest } from './worker-requests.ts';

const died = (offset: bigint, kind: number = DECIDING, partition = 0) =>
  new WorkerDied({ kind, partition, offset, sinceMs: 0 }, '');

test('a record that kills twice after it is named is given up, and no other', () => {
  const suspects = createCurateSuspects(0, { next: 10n, limit: 20n });
  suspects.add(died(10n, SIFTING));
  suspects.add(died(10n, DECIDING, 1));
  suspects.add(died(9n));
  assert.equal(suspects.poison, undefined);
  suspects.add(died(10n));
  assert.deepEqual(suspects.poison, []);
  suspects.add(died(13n));
  suspects.add(died(14n));
  assert.deepEqual(suspects.poison, []);
  suspects.add(died(13n));
  assert.deepEqual(suspects.poison, [13n]);
});

test('deaths behind the last record end the run in the end', () => {
  const suspects = createCurateSuspects(0, { next: 10n, limit: 20n });
  for (let i = 0; i < 10; i++) suspects.add(died(20n));
  assert.deepEqual(suspects.poison, []);
  assert.throws(() => suspects.add(died(20n)), { code: 'curate-crash', message: /^records 10 to 20 of partition 0; / });
});

test('curate goes on behind records that kill every worker: they are dead letters', async () => {
  const log = createMemoryLog();
  const topics = topicNames('t');
  await log.ensureTopics(topicSpecs(topics, 1, ['curated.main', 'rejected', 'dead-letter']));
  const exactOf = (offset: number) => BigInt(offset + 1);
  await log.producer().append(topics.sifted, 0, [{ value: siftedBlock(0, 10, exactOf) }]);
  await log.producer().append(topics.verdicts, 0, [{ value: verdictBlock(0, 10, exactOf) }]);
  const killers = [3n, 7n];
  const alone = decider(topics.raw);
  const pool: WorkerPool = {
    ...alone,
    async callAny<T>(request: object): Promise<T> {
      const { poison } = request as CurateRequest;
      const killer = killers.find((offset) => poison?.includes(offset) !== true);
      // Without names the stretch is all that is known.
      if (killer !== undefined) throw died(poison === undefined ? 0n : killer);
      return alone.callAny<T>(request);
    },
  };
  const { config } = await loadTopology('dedup', { set: [] });
  const stop = new AbortController();
  const running = runCurate(
    { log, config, topics, partitions: 1, pool, faults: noFaults, signal: stop.signal },
    { first: async () => policy },
    { committed: () => stop.abort() },
  );
  await running;
  assert.equal(await log.progress(groups.curate, 0), 10n);
  const letters = log.messages(topics.output('dead-letter'), 0).map(({ value }) => {
    const { error, position } = JSON.parse(Buffer.from(value).toString()) as {
      error: { code: string };
      position: { offset: string };
    };
    return [position.offset, error.code];
  });
  assert.deepEqual(letters, [
    ['3', 'curate.crash'],
    ['7', 'curate.crash'],
  ]);
  assert.equal(log.messages(topics.output('curated.main'), 0).length, 8);
});
