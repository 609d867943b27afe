/** Curate on a log in memory, where a commit can fail with its outcome unknown, a second holder can come, and a copy can come late. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { TransientError } from '../errors.ts';
import { STUB } from '../model/sifted.ts';
import { noFaults, type ProtocolRule, type StageContext } from '../runtime/context.ts';
import { groups, topicNames, topicSpecs } from '../runtime/topics.ts';
import { decider, policy, siftedBlock, verdictBlock } from '../testing/curate-alone.ts';
import { createMemoryLog, type MemoryLog } from '../testing/memory-log.ts';
import { runCurate } from './curate.ts';
import { decodeRequest } from './repair.ts';

const topics = topicNames('t');
const pool = decider(topics.raw, undefined, String);

async function newLog(): Promise<MemoryLog> {
  const log = createMemoryLog(() => 0);
  await log.ensureTopics(topicSpecs(topics, 1, ['curated.main', 'rejected', 'dead-letter']));
  return log;
}

/** A curate until it is stopped, or fails. */
function start(log: MemoryLog, omit: readonly ProtocolRule[] = []): { done: Promise<void>; stop: () => void } {
  const controller = new AbortController();
  running.add(() => controller.abort());
  const context = {
    log,
    topics,
    pool,
    faults: { ...noFaults, omit: new Set(omit), repairMs: 5 },
    signal: controller.signal,
  } as unknown as StageContext;
  return {
    done: runCurate(context, { first: async () => policy }, { committed: () => undefined }),
    stop: () => controller.abort(),
  };
}

const written = (log: MemoryLog) =>
  log
    .messages('t.curated.main', 0)
    .map(({ value }) => (JSON.parse(Buffer.from(value).toString()) as { id: string }).id);

/** Curates that a failed test left running: they would keep the process alive. */
const running = new Set<() => void>();
afterEach(() => {
  for (const stop of running) stop();
  running.clear();
});

const PATIENCE_MS = 60_000;

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (performance.now() < deadline) {
    if (await condition()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.fail('it never came to that');
}

const same = () => 7n;

/** Record 2's accepted copy comes late: N stands in the middle of a block when the process is restarted. */
async function restartInsideBlock(omit: readonly ProtocolRule[]): Promise<string[]> {
  const log = await newLog();
  const producer = log.producer();
  await producer.append(topics.sifted, 0, [{ value: siftedBlock(0, 4, (i) => (i === 2 ? 1n : 7n)) }]);
  await producer.append(topics.verdicts, 0, [{ value: verdictBlock(0, 4, same) }]);
  const first = start(log, omit);
  await until(async () => (await log.progress('curate', 0)) === 2n);
  first.stop();
  await first.done;
  await producer.append(topics.sifted, 0, [{ value: siftedBlock(0, 4, same) }]);
  const second = start(log, omit);
  await until(async () => (await log.progress('curate', 0)) === 4n);
  second.stop();
  await second.done;
  return written(log);
}

test('a restart in the middle of a block goes on at N (rules 3, 9)', async () => {
  assert.deepEqual(await restartInsideBlock([]), ['0', '1', '2', '3']);
});

test('negative control: without N the decided part of the block is written twice', async () => {
  assert.deepEqual(await restartInsideBlock(['store-next']), ['0', '1', '0', '1', '2', '3']);
});

/** Two curates on one partition: the first is a zombie by the time that it commits. */
async function zombie(omit: readonly ProtocolRule[]): Promise<{ ids: string[]; failure: string | undefined }> {
  const log = await newLog();
  const first = start(log, omit);
  const second = start(log, omit);
  const failures: string[] = [];
  const ends = [first, second].map(({ done }) => done.catch((error: { code: string }) => failures.push(error.code)));
  await log.producer().append(topics.sifted, 0, [{ value: siftedBlock(0, 2, same) }]);
  await log.producer().append(topics.verdicts, 0, [{ value: verdictBlock(0, 2, same) }]);
  await until(() => written(log).length >= (omit.length > 0 ? 4 : 2) && (omit.length > 0 || failures.length > 0));
  first.stop();
  second.stop();
  await Promise.all(ends);
  return { ids: written(log), failure: failures[0] };
}

test('of two holders of a partition the earlier one is fenced and stops (rule 12)', async () => {
  assert.deepEqual(await zombie([]), { ids: ['0', '1'], failure: 'fenced' });
});

test('negative control: without the fence both write', async () => {
  assert.deepEqual((await zombie(['fence'])).ids, ['0', '1', '0', '1']);
});

async function unknownOutcome(when: 'before' | 'after', omit: readonly ProtocolRule[]): Promise<string[]> {
  const log = await newLog();
  log.failCommit(new TransientError('connection', 'connection; reset; try again'), when);
  await log.producer().append(topics.sifted, 0, [{ value: siftedBlock(0, 2, same) }]);
  await log.producer().append(topics.verdicts, 0, [{ value: verdictBlock(0, 2, same) }]);
  const running = start(log, omit);
  await until(() => written(log).length >= (omit.length > 0 ? 4 : 2));
  await until(async () => (await log.progress('curate', 0)) === 2n);
  running.stop();
  await running.done;
  return written(log);
}

test('a commit with an unknown outcome is settled by what is committed (rule 12)', async () => {
  assert.deepEqual(await unknownOutcome('after', []), ['0', '1']);
  assert.deepEqual(await unknownOutcome('before', []), ['0', '1']);
});

test('negative control: a blind second commit writes twice', async () => {
  assert.deepEqual(await unknownOutcome('after', ['reinitialise']), ['0', '1', '0', '1']);
});

/**
 * A holder is suspended in a commit. Another one takes the lease, decides everything and goes; the first wakes, does not know what became of its
 * commit, and takes the lease back. N says neither yes nor no: what it still has on its way is decided already.
 */
async function wakesUpBehind(omit: readonly ProtocolRule[]): Promise<string[]> {
  const log = await newLog();
  for (let i = 0; i < 8; i++) {
    await log.producer().append(topics.sifted, 0, [{ value: siftedBlock(i, i + 1, same) }]);
    await log.producer().append(topics.verdicts, 0, [{ value: verdictBlock(i, i + 1, same) }]);
  }
  let leases = 0;
  let commits = 0;
  const shared: MemoryLog = {
    ...log,
    sharesPartitions: true,
    async lease(group, partition) {
      if (++leases === 2) {
        const lines = Array.from({ length: 8 }, (_, i) => ({ value: Buffer.from(`{"id":"${i}"}`) }));
        const outputs = new Map([[topics.output('curated.main'), lines]]);
        await (await log.lease(group, partition)).commit({ outputs, positions: [], next: 8n });
      }
      const lease = await log.lease(group, partition);
      return {
        ...lease,
        async commit(commit) {
          commits++;
          await lease.commit(commit);
        },
      };
    },
  };
  log.failCommit(new TransientError('connection', 'connection; reset; try again'), 'before');
  const running = start(shared, omit);
  await until(() => commits === 2);
  running.stop();
  await running.done;
  return written(log);
}

test('who takes a lease back behind another one decides nothing twice (rule 12)', async () => {
  assert.deepEqual(await wakesUpBehind([]), ['0', '1', '2', '3', '4', '5', '6', '7']);
});

test('negative control: where a commit does not say from where it goes on, what was decided meanwhile is written twice', async () => {
  const ids = await wakesUpBehind(['go-on-from']);
  assert.deepEqual(ids.slice(8), ['4', '5', '6', '7']);
});

const requested = (log: MemoryLog) =>
  log.messages(topics.repairs, 0).map(({ value }) => decodeRequest(Buffer.from(value))!);

/** What sift and the index say that they have acknowledged. */
async function say(log: MemoryLog, group: string, topic: string, offset: bigint): Promise<void> {
  await (await log.consumer(group, [])).commit([{ topic, partition: 0, offset }]);
}

test('what sift acknowledged and sifted lacks is asked for until it comes; blocks behind the gap are kept', async () => {
  const log = await newLog();
  const producer = log.producer();
  await producer.append(topics.sifted, 0, [{ value: siftedBlock(2, 4, same) }]);
  await producer.append(topics.verdicts, 0, [{ value: verdictBlock(0, 4, same) }]);
  const running = start(log);
  await say(log, groups.sift, topics.raw, 4n);
  await until(() => requested(log).length >= 2);
  for (const { stage, partition, from } of requested(log)) assert.deepEqual([stage, partition, from], ['sift', 0, 0n]);
  // The block behind the gap comes again as another attempt: the copy that counts is the one that was kept.
  await producer.append(topics.sifted, 0, [{ value: siftedBlock(0, 2, same) }, { value: siftedBlock(2, 4, () => 1n) }]);
  await until(async () => (await log.progress('curate', 0)) === 4n);
  running.stop();
  await running.done;
  assert.deepEqual(written(log), ['0', '1', '2', '3']);
});

test('verdicts that the index acknowledged and the log lacks are asked for', async () => {
  const log = await newLog();
  await log.producer().append(topics.sifted, 0, [{ value: siftedBlock(0, 4, same) }]);
  await log.producer().append(topics.verdicts, 0, [{ value: verdictBlock(0, 2, same) }]);
  const running = start(log);
  await say(log, groups.index, topics.verdicts, 4n);
  await until(() => requested(log).length > 0);
  const [{ stage, from } = assert.fail()] = requested(log);
  assert.deepEqual([stage, from], ['index', 2n]);
  running.stop();
  await running.done;
});

test('an accepted stub whose copy was lost is a dead letter with a reason of its own (rule 3)', async () => {
  const log = await newLog();
  await log.producer().append(topics.sifted, 0, [{ value: siftedBlock(0, 1, same) }]);
  await log.producer().append(topics.verdicts, 0, [{ value: verdictBlock(0, 1, () => 0n, STUB) }]);
  const running = start(log);
  await until(async () => (await log.progress('curate', 0)) === 1n);
  running.stop();
  await running.done;
  const [letter] = log.messages('t.dead-letter', 0);
  const { error, value } = JSON.parse(Buffer.from(letter!.value).toString()) as { error: object; value: string };
  assert.deepEqual(error, {
    stage: 'sift',
    operator: 'sift',
    code: 'sift.reasonLost',
    message: 'record; sift gave it up, and the log lost why; put it back with `riffle dlq retry`',
  });
  assert.deepEqual(JSON.parse(value), { id: '0', text: 'x' });
  assert.deepEqual(written(log), []);
});
