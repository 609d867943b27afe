/** Traps of transactions, by their numbers. Each shows the adapter doing right where the client alone does wrong. */
import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { FatalError, TransientError } from '../../src/errors.ts';
import type { KafkaLog } from '../../src/log/kafka/log.ts';
import type { Commit, Lease } from '../../src/log/port.ts';
import { isFenced, textOf, texts } from '../contract/messages.ts';
import { openTestLog, uniqueApp, withSharedBroker } from './brokers.ts';
import { API, createFaults, type Faults } from './faults.ts';
import { readCommitted } from './raw.ts';

withSharedBroker((broker) => {
  interface Setting {
    readonly app: string;
    readonly faults: Faults;
    /** Of the process that gets into trouble. */
    readonly log: KafkaLog;
    /** Of the one that takes over. */
    readonly other: KafkaLog;
    readonly otherFaults: Faults;
  }

  async function setUp(t: TestContext): Promise<Setting> {
    const { brokers } = await broker();
    const app = uniqueApp();
    const faults = createFaults();
    const otherFaults = createFaults();
    const specs = [
      { name: `${app}.in`, partitions: 1, kind: 'blocks', groups: ['work'] },
      { name: `${app}.out`, partitions: 1, kind: 'records', groups: [] },
    ] as const;
    const open = async (options: object): Promise<KafkaLog> => {
      const log = await openTestLog(t, {
        app,
        brokers,
        transactionTimeoutMs: 30_000,
        requestTimeoutMs: 3000,
        ...options,
      });
      await log.ensureTopics(specs);
      return log;
    };
    const log = await open({ socketFactory: faults.socketFactory });
    return { app, faults, log, otherFaults, other: await open({ socketFactory: otherFaults.socketFactory }) };
  }

  const commitOf = (app: string, next: number, ...lines: readonly string[]): Commit => ({
    outputs: new Map([[`${app}.out`, texts(...lines)]]),
    positions: [{ topic: `${app}.in`, partition: 0, offset: BigInt(next) }],
    next: BigInt(next),
  });

  const outputs = async (log: KafkaLog, app: string): Promise<string[]> =>
    (await readCommitted(log, `${app}.out`)).map(textOf);
  const isUnknown = (error: unknown): boolean => error instanceof TransientError && error.code === 'outcome-unknown';

  /** What the stage does after an unknown outcome: the same lease anew, and its N tells. */
  async function settle(log: KafkaLog, commit: Commit): Promise<Lease> {
    const lease = await log.lease('work', 0);
    if (lease.next === undefined || lease.next < commit.next) await lease.commit(commit);
    return lease;
  }

  /** A commit that stands before its last request, which is held back until `release`. */
  async function commitHeld(
    faults: Faults,
    lease: Lease,
    commit: Commit,
  ): Promise<{ done: Promise<void>; release: () => void }> {
    const released = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    faults.plan((api) => {
      if (api !== API.endTransaction) return undefined;
      held.resolve();
      faults.none();
      return released.promise;
    });
    const done = lease.commit(commit);
    done.catch(() => undefined);
    await Promise.race([held.promise, done]);
    return { done, release: released.resolve };
  }

  suite('traps of the Kafka client: transactions', () => {
    test('trap 1: taking a lease fences a zombie, which then can neither write nor commit', async (t) => {
      const { app, log, other } = await setUp(t);
      const zombie = await log.lease('work', 0);
      await zombie.commit(commitOf(app, 6, '6'));
      const owner = await other.lease('work', 0);
      assert.equal(owner.next, 6n);
      await assert.rejects(zombie.commit(commitOf(app, 2, 'zombie')), isFenced);
      await owner.commit(commitOf(app, 7, '7'));
      await assert.rejects(zombie.commit(commitOf(app, 3, 'zombie')), isFenced);
      assert.deepEqual(await outputs(other, app), ['6', '7']);
      assert.equal(await other.progress('work', 0), 7n);
    });

    test('trap 1: a process that the group gave no partition to gets no lease of it', async (t) => {
      const { app, log, other } = await setUp(t);
      const first = await other.consumer('work', [`${app}.in`]);
      while ((await first.poll({ maxBytes: 1, waitMs: 1000 })).assigned.length === 0);
      const second = await log.consumer('work', [`${app}.in`]);
      const polls = await Promise.all([
        first.poll({ maxBytes: 1, waitMs: 500 }),
        second.poll({ maxBytes: 1, waitMs: 2000 }),
      ]);
      assert.deepEqual(polls[1].assigned, [], 'there is one partition, and the first keeps it');
      const lease = await other.lease('work', 0);
      await assert.rejects(log.lease('work', 0), isFenced);
      await lease.commit({ outputs: new Map(), positions: [], next: 1n });
    });

    test('trap 2: what a predecessor left open is ended before its positions are read', async (t) => {
      const { app, faults, log, other } = await setUp(t);
      const dying = await log.lease('work', 0);
      await dying.commit(commitOf(app, 3, '3'));
      const open = await commitHeld(faults, dying, commitOf(app, 9, 'open'));
      const owner = await other.lease('work', 0);
      assert.equal(owner.next, 3n);
      assert.deepEqual(owner.positions, [{ topic: `${app}.in`, partition: 0, offset: 3n }]);
      await owner.commit(commitOf(app, 4, '4'));
      assert.deepEqual(await outputs(other, app), ['3', '4']);
      open.release();
      await assert.rejects(open.done, isFenced);
    });

    test('trap 3: commits that follow one another at once do not fail, with data or positions only', async (t) => {
      const { app, log } = await setUp(t);
      const lease = await log.lease('work', 0);
      for (let i = 1; i <= 60; i++) await lease.commit(i % 3 === 0 ? commitOf(app, i, String(i)) : commitOf(app, i));
      assert.equal(await log.progress('work', 0), 60n);
      assert.equal((await outputs(log, app)).length, 20);
    });

    for (const [fault, took] of [
      ['drop', false],
      ['no-reply', true],
    ] as const) {
      test(`trap 5: the end of a transaction is lost (${fault}): the lease taken anew tells whether it took effect`, async (t) => {
        const { app, faults, log } = await setUp(t);
        const lease = await log.lease('work', 0);
        await lease.commit(commitOf(app, 5, '5'));
        faults.once(API.endTransaction, fault);
        await assert.rejects(lease.commit(commitOf(app, 6, '6')), isUnknown);
        await assert.rejects(lease.commit(commitOf(app, 6, '6 again')), 'the same producer is never used again');
        const again = await log.lease('work', 0);
        assert.equal(again.next, took ? 6n : 5n);
        if (!took) await again.commit(commitOf(app, 6, '6'));
        await again.commit(commitOf(app, 7, '7'));
        assert.deepEqual(await outputs(log, app), ['5', '6', '7']);
      });
    }

    for (const [name, api] of Object.entries(API)) {
      if (!['produce', 'addPartitions', 'addOffsets', 'txnOffsetCommit', 'initProducerId'].includes(name)) continue;
      for (const fault of ['drop', 'no-reply'] as const) {
        test(`trap 5: ${name} is lost (${fault}): every commit is there once`, async (t) => {
          const { app, faults, log } = await setUp(t);
          let lease = await log.lease('work', 0);
          for (let i = 1; i <= 4; i++) {
            if (i === 3) faults.once(api, fault);
            if (i === 3 && name === 'initProducerId') lease = await log.lease('work', 0);
            const commit = commitOf(app, i, String(i));
            try {
              await lease.commit(commit);
            } catch (error) {
              assert.ok(isUnknown(error), String(error));
              lease = await settle(log, commit);
            }
          }
          assert.equal(faults.hits.get(api), 1);
          assert.deepEqual(await outputs(log, app), ['1', '2', '3', '4']);
        });
      }
    }

    test('trap 7: being fenced is told by the code that brokers answer to old clients, and is fatal', async (t) => {
      const { app, log, other } = await setUp(t);
      const zombie = await log.lease('work', 0);
      await other.lease('work', 0);
      const failure = await zombie.commit(commitOf(app, 1, '1')).catch((error: unknown) => error);
      assert.ok(failure instanceof FatalError && failure.code === 'fenced');
      const cause = failure.cause as { type?: string; code?: number };
      assert.deepEqual([cause.type, cause.code], ['INVALID_PRODUCER_EPOCH', 47]);
    });

    test('trap 14: the end of an earlier transaction arrives inside a later one: no effect', async (t) => {
      const { app, faults, log, other, otherFaults } = await setUp(t);
      const late = await commitHeld(faults, await log.lease('work', 0), commitOf(app, 1, 'late'));
      const owner = await other.lease('work', 0);
      const first = await commitHeld(otherFaults, owner, commitOf(app, 1, 'first'));
      late.release();
      await assert.rejects(late.done);
      first.release();
      await first.done;
      await owner.commit(commitOf(app, 2, 'second'));
      assert.deepEqual(await outputs(other, app), ['first', 'second']);
    });
  });
});
