/**
 * Negative controls of curate on a real broker: one rule of the protocol left out, and the fault that it guards against. Each must write a record
 * twice, or never; the same run with every rule is exact. Blocks are made by hand, so that each run takes one course. The controls that need the
 * whole line are in controls-line.test.ts, those of the client in test/oracle/client-controls.test.ts.
 */
import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { TransientError } from '../../src/errors.ts';
import type { KafkaLog } from '../../src/log/kafka/log.ts';
import type { KafkaLogOptions, SocketFactory } from '../../src/log/kafka/options.ts';
import type { Lease } from '../../src/log/port.ts';
import { type Faults, noFaults, type ProtocolRule } from '../../src/runtime/context.ts';
import { topicNames, topicSpecs } from '../../src/runtime/topics.ts';
import { openTestLog, uniqueApp, withSharedBroker } from '../kafka/brokers.ts';
import { API, createFaults } from '../kafka/faults.ts';
import { readCommitted } from '../kafka/raw.ts';
import { decider, siftedBlock, verdictBlock } from '../../src/testing/curate-alone.ts';
import { type RunningCurate, startCurate } from './curate.ts';
import { until } from './line.ts';

const SESSION_MS = 1500;
const accepted = (_offset: number): bigint => 7n;

withSharedBroker((broker) => {
  async function setUp(t: TestContext) {
    const { brokers } = await broker();
    const app = uniqueApp();
    const topics = topicNames(app);
    const specs = topicSpecs(topics, 1, ['curated.main', 'rejected', 'dead-letter'], 'topic');
    const open = async (more: Partial<KafkaLogOptions> = {}): Promise<KafkaLog> => {
      const log = await openTestLog(t, { app, brokers, sessionTimeoutMs: SESSION_MS, heartbeatMs: 200, ...more });
      await log.ensureTopics(specs);
      return log;
    };
    const log = await open();
    const producer = log.producer();
    const running: RunningCurate[] = [];
    t.after(() => Promise.all(running.map((curate) => curate.stop())));
    return {
      app,
      log,
      open,
      sifted: (from: number, to: number, exactOf = accepted) =>
        producer.append(topics.sifted, 0, [{ value: siftedBlock(from, to, exactOf) }]),
      verdicts: (from: number, to: number) =>
        producer.append(topics.verdicts, 0, [{ value: verdictBlock(from, to, accepted) }]),
      start: (own: KafkaLog, faults: Partial<Faults> = {}, pool = decider(topics.raw)): RunningCurate => {
        const curate = startCurate({ log: own, topics, pool, faults: { ...noFaults, ...faults } });
        running.push(curate);
        return curate;
      },
      decidedTo: (next: bigint) => until(async () => (await log.progress('curate', 0)) === next),
      ids: async () =>
        (await readCommitted(log, topics.output('curated.main'))).map(
          ({ value }) => (JSON.parse(Buffer.from(value).toString()) as { id: string }).id,
        ),
    };
  }

  /** Left out, and what a reader of the output finds then and otherwise. */
  function control(
    omit: ProtocolRule,
    why: string,
    ids: (t: TestContext, omit: ReadonlySet<ProtocolRule>) => Promise<string[]>,
    wrong: readonly string[],
  ): void {
    test(`without ${omit}: ${why}`, async (t) => {
      assert.deepEqual(await ids(t, new Set([omit])), wrong);
      assert.deepEqual(await ids(t, new Set()), ['0', '1', '2', '3']);
    });
  }

  suite('negative controls of curate on Kafka', () => {
    control(
      'store-next',
      'the decided part of a block is written twice',
      async (t, omit) => {
        const { sifted, verdicts, open, start, decidedTo, ids } = await setUp(t);
        // The accepted copy of record 2 comes late: N stands in the middle of the block when the process ends.
        await sifted(0, 4, (i) => (i === 2 ? 1n : 7n));
        await verdicts(0, 4);
        const first = start(await open(), { omit });
        await decidedTo(2n);
        await first.stop();
        await sifted(0, 4);
        start(await open(), { omit });
        await decidedTo(4n);
        return ids();
      },
      ['0', '1', '0', '1', '2', '3'],
    );

    control(
      'offsets-inside',
      'outputs without their positions are written again',
      async (t, omit) => {
        const { sifted, verdicts, open, start, decidedTo, ids } = await setUp(t);
        await sifted(0, 4);
        await verdicts(0, 4);
        // It dies between the outputs and the positions; with both in one transaction, before it.
        const dying = start(await open(), {
          omit,
          at(point) {
            if (point === 'curate.commit') throw new Error('killed');
          },
        });
        await assert.rejects(dying.done, /killed/);
        await dying.stop();
        start(await open(), { omit });
        await decidedTo(4n);
        return ids();
      },
      ['0', '1', '2', '3', '0', '1', '2', '3'],
    );

    control(
      'reinitialise',
      'a blind second commit writes what the first one, whose reply was lost, had written',
      async (t, omit) => {
        const { sifted, verdicts, open, start, decidedTo, ids } = await setUp(t);
        await sifted(0, 4);
        await verdicts(0, 4);
        const faults = createFaults();
        const log = await open({ socketFactory: faults.socketFactory });
        faults.once(API.endTransaction, 'no-reply');
        const curate = start(revived(log), { omit });
        await until(() => curate.committed > 0);
        await decidedTo(4n);
        assert.equal(faults.hits.get(API.endTransaction), 1);
        return ids();
      },
      ['0', '1', '2', '3', '0', '1', '2', '3'],
    );

    control(
      'commit-first-undecided',
      'blocks that were read and not decided are passed over',
      async (t, omit) => {
        const { log, sifted, verdicts, open, start, decidedTo, ids } = await setUp(t);
        const first = start(await open(), { omit });
        await sifted(0, 2);
        await sifted(2, 4);
        await until(() => first.seen.sifted === 2);
        await verdicts(0, 2);
        await decidedTo(2n);
        await first.stop();
        const second = start(await open(), { omit });
        await verdicts(2, 4);
        await until(() => second.seen.verdicts > 0 && second.seen.emptyPolls > 2);
        // It has read all that there is.
        if (omit.size === 0) await decidedTo(4n);
        else assert.equal(await log.progress('curate', 0), 2n);
        return ids();
      },
      ['0', '1'],
    );

    control(
      'fence',
      'a process that lost its partition commits after its successor',
      async (t, omit) => {
        const { app, sifted, verdicts, open, start, decidedTo, ids } = await setUp(t);
        await sifted(0, 4);
        await verdicts(0, 4);
        const faults = createFaults();
        // Without the fence: a transactional id for each process instead of one for each partition.
        const socketFactory =
          omit.size === 0 ? faults.socketFactory : renaming(faults.socketFactory, `${app}-curate-`, `${app}-zombie-`);
        let fenced = false;
        const log = await open({ socketFactory, observer: { fenced: () => (fenced = true) } });
        const gate = Promise.withResolvers<void>();
        let working = false;
        const zombie = start(
          log,
          {},
          decider(`${app}.raw`, () => {
            working = true;
            return gate.promise;
          }),
        );
        await until(() => working);
        // Its heart beats, and nobody hears it.
        faults.plan((api) => (api === API.heartbeat ? new Promise(() => undefined) : undefined));
        start(await open());
        await decidedTo(4n);
        gate.resolve();
        await until(() => zombie.committed > 0 || fenced);
        return ids();
      },
      ['0', '1', '2', '3', '0', '1', '2', '3'],
    );
  });
});

/** Leases that can be used again after an unknown outcome, and do not say what it was. */
function revived(log: KafkaLog): KafkaLog {
  return {
    ...log,
    async lease(group, partition): Promise<Lease> {
      let lease = await log.lease(group, partition);
      return {
        ...lease,
        async commit(commit) {
          try {
            await lease.commit(commit);
          } catch (error) {
            if (error instanceof TransientError) lease = await log.lease(group, partition);
            throw error;
          }
        },
      };
    },
  };
}

/** Another name, as long as the first, wherever a request has it. */
function renaming(create: SocketFactory, from: string, to: string): SocketFactory {
  assert.equal(from.length, to.length);
  return (options) => {
    const socket = create(options);
    const write = socket.write.bind(socket);
    socket.write = (data: Uint8Array | string) => {
      const bytes = Buffer.from(data);
      for (let at = bytes.indexOf(from); at >= 0; at = bytes.indexOf(from, at)) bytes.write(to, at);
      return write(bytes);
    };
    return socket;
  };
}
