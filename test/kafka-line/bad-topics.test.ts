/** Topics that are not what they should be, at the start and underneath a process at work: a clear error, and nothing of what others hold is lost. */
import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { withSharedBroker } from '../kafka/brokers.ts';
import { createTopics, rawAdmin } from '../kafka/raw.ts';
import { assertExact, type Line, openLine, type RunningStages, until } from './line.ts';

const RECORDS = 400;

withSharedBroker((broker) => {
  async function setUp(t: TestContext, bare: boolean) {
    const kafka = await broker();
    const line = await openLine(t, kafka, { bare, partitions: 2 });
    const admin = await rawAdmin(t, kafka.brokers);
    return { line, admin };
  }

  async function assertEnds({ ended, said }: RunningStages, code: number, words: RegExp): Promise<void> {
    assert.deepEqual(await ended, { code, signal: null }, said());
    assert.match(said(), words);
    // The user's words, not the program's.
    assert.doesNotMatch(said(), /\n\s+at /);
  }

  async function decided(line: Line): Promise<number> {
    return (await line.outputs()).filter(({ output }) => output !== 'control').length;
  }

  suite('topics on Kafka that are not what they should be', () => {
    test('at the start: too few partitions, and compaction, are wrong settings that are named', async (t) => {
      const { line, admin } = await setUp(t, true);
      const { raw, sifted, output } = { ...line.topics, output: line.topics.output('rejected') };
      await createTopics(admin, [
        { topic: raw, numPartitions: 4, configEntries: [{ name: 'cleanup.policy', value: 'compact' }] },
        { topic: sifted, numPartitions: 2, configEntries: [{ name: 'retention.ms', value: '-1' }] },
        { topic: output, numPartitions: 3 },
      ]);
      const running = line.start();
      await assertEnds(running, 2, /cleanup\.policy is compact; set it to delete/);
      assert.match(running.said(), new RegExp(`${sifted}; it has 2 partitions, wanted 4; `));
      assert.match(running.said(), new RegExp(`${output}; it has 3 partitions, wanted 4; `));
      assert.ok(!(await admin.listTopics()).includes(line.topics.verdicts), 'nothing was created');
    });

    test('raw is deleted underneath: the process says so and ends, and what was decided stays', async (t) => {
      const { line, admin } = await setUp(t, false);
      await line.feedDocuments(RECORDS, 1);
      const running = line.start();
      await line.drained();
      await admin.deleteTopics({ topics: [line.topics.raw] });
      await assertEnds(running, 1, new RegExp(`topic ${line.topics.raw}; it does not exist any more`));
      assert.equal(await decided(line), RECORDS);
    });

    test('an output topic is deleted underneath: the process says so and ends, and nothing is passed over', async (t) => {
      const { line, admin } = await setUp(t, false);
      const letters = line.topics.output('dead-letter');
      await line.feedDocuments(RECORDS, 1);
      const first = line.start();
      await line.drained();
      const lost = (await line.outputs()).filter(({ output }) => output === 'dead-letter').length;
      await admin.deleteTopics({ topics: [letters] });
      await line.feedDocuments(RECORDS, 2, 'more.jsonl');
      await assertEnds(first, 1, new RegExp(`${letters}.* may have been deleted`));
      // Another process makes it anew: what lay on it is gone, and everything else is there.
      const second = line.start();
      await line.drained();
      second.child.kill('SIGTERM');
      await second.ended;
      assert.equal(await decided(line), 2 * RECORDS - lost);
      const { twice, differing } = await line.verify();
      assert.deepEqual({ twice, differing }, { twice: [], differing: [] });
    });

    test('raw was trimmed below the position: the process refuses to pass over what was promised', async (t) => {
      const { line, admin } = await setUp(t, false);
      await line.feedDocuments(RECORDS, 1);
      const first = line.start();
      await line.drained();
      first.child.kill('SIGTERM');
      await first.ended;
      await assertExact(line, RECORDS);
      await line.feedDocuments(RECORDS, 2, 'more.jsonl');
      await until(
        async () => {
          const offsets = await admin.fetchTopicOffsets(line.topics.raw);
          const fed = offsets.filter(({ high }) => BigInt(high) > RECORDS);
          const kept = fed.filter(({ low, high }) => BigInt(low) < BigInt(high) - 1n);
          const partitions = kept.map(({ partition, high }) => ({ partition, offset: String(BigInt(high) - 1n) }));
          if (kept.length > 0) await admin.deleteTopicRecords({ topic: line.topics.raw, partitions });
          return fed.length > 0 && kept.length === 0;
        },
        () => 'raw was not trimmed',
      );
      const second = line.start();
      await assertEnds(second, 1, /it begins at \d+, and records from \d+ on were not read yet; raise its retention/);
      assert.equal(await decided(line), RECORDS);

      // The remedy that the error names; and the line goes on.
      const lows = (await admin.fetchTopicOffsets(line.topics.raw)).map(({ partition, low }) => ({ partition, low }));
      const skipTo = lows.map(({ partition, low }) => `${partition}@${low}`);
      const third = line.start({ set: [`source.skipTo=${skipTo.join(',')}`] });
      for (const { partition, low } of lows)
        await until(async () => (await line.progress(partition)) >= BigInt(low), third.said);
      assert.match(third.said(), /source\.skipTo: partition \d is declared lost from \d+ up to \d+, and passed over/);
      assert.ok((await third.metric('riffle_records_skipped_total')) > 0);
      await line.drained();
      const before = await decided(line);
      await line.feedDocuments(50, 3, 'third.jsonl');
      await line.drained();
      assert.equal(await decided(line), before + 50);
    });
  });
});
