/** What a kill costs: how long until somebody goes on. Limits are generous, for a machine that does other things besides; the times are printed. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { groups } from '../../src/runtime/topics.ts';
import { withSharedBroker } from '../kafka/brokers.ts';
import { assertExact, openLine, until } from './line.ts';

/** With the default session: 10 s until the group notices, and a moment to take over. */
const TAKE_OVER_SECONDS = 60;
const RECORDS = 2000;

withSharedBroker((broker) => {
  suite('recovery after kill -9', () => {
    test('of curate: another process goes on', async (t) => {
      // The default, not the short one of the other tests.
      const line = await openLine(t, await broker(), { set: ['log.sessionTimeoutMs=10000'] });
      const others = line.start({ stages: 'sift,index,controller' });
      const first = line.start({ stages: 'curate' });
      await Promise.all([others.ready(), first.ready()]);
      await line.feedDocuments(RECORDS, 1);
      await line.drained();
      const second = line.start({ stages: 'curate' });
      await second.ready();
      const before = await line.progress();
      const feeding = line.feedDocuments(RECORDS, 2, 'more.jsonl');
      await until(async () => (await line.progress()) > before);
      first.child.kill('SIGKILL');
      const started = performance.now();
      await first.ended;
      await feeding;
      await line.feedDocuments(RECORDS, 3, 'last.jsonl');
      const atKill = await line.progress();
      await until(async () => (await line.progress()) > atKill, second.said);
      const seconds = (performance.now() - started) / 1000;
      t.diagnostic(`another curate went on after ${seconds.toFixed(1)} s; the session is 10 s`);
      assert.ok(seconds < TAKE_OVER_SECONDS, `${seconds} s`);
      await line.drained();
      await assertExact(line, 3 * RECORDS);
    });

    test('of the index: sift goes on meanwhile, and the index is back after its replay', async (t) => {
      const line = await openLine(t, await broker(), { set: ['index.snapshotDocuments=1000'] });
      const others = line.start({ stages: 'sift,curate,controller' });
      const index = line.start({ stages: 'index', state: 'index' });
      await Promise.all([others.ready(), index.ready()]);
      await line.feedDocuments(RECORDS, 1);
      await line.drained();
      index.child.kill('SIGKILL');
      await index.ended;
      const before = await line.progress();
      await line.feedDocuments(RECORDS, 2, 'more.jsonl');
      const end = (await line.rawEnds())[0]!;
      await until(
        async () => ((await line.log.positions(groups.sift, line.topics.raw)).get(0) ?? 0n) >= end,
        others.said,
      );
      assert.equal(await line.progress(), before, 'nothing is decided without the index');

      const started = performance.now();
      const again = line.start({ stages: 'index', state: 'index' });
      await again.ready();
      const readyMs = performance.now() - started;
      await until(async () => (await line.progress()) > before, again.said);
      const seconds = (performance.now() - started) / 1000;
      t.diagnostic(
        `a decision ${seconds.toFixed(1)} s after the start of the process, ${(readyMs / 1000).toFixed(1)} s of them until its stage was at work`,
      );
      await line.drained();
      await assertExact(line, 2 * RECORDS);
    });

    test('of everything, over a log that is trimmed all the time', async (t) => {
      const line = await openLine(t, await broker(), { partitions: 2, set: ['index.snapshotDocuments=300'] });
      const starts = async (topic: string): Promise<bigint> => {
        const reader = await line.log.consumer('reader', [topic]);
        const { start } = await reader.bounds(topic, 0);
        await reader.close();
        return start;
      };
      let running = line.start();
      for (let part = 0; part < 4; part++) {
        await line.feedDocuments(1000, part, `part-${part}.jsonl`);
        await until(async () => (await line.progress()) > BigInt(part * 450), running.said);
        // What the controller does every few seconds.
        await line.log.trim();
        running.child.kill('SIGKILL');
        await running.ended;
        await line.log.trim();
        running = line.start();
      }
      await line.drained();
      await line.log.trim();
      for (const topic of [line.topics.sifted, line.topics.verdicts, line.topics.sketches])
        assert.ok((await starts(topic)) > 0n, `${topic} was trimmed`);
      // The fold of the oracle would need the whole sketch log.
      const { records, lost, twice } = await line.verify();
      assert.deepEqual({ records, lost, twice }, { records: 4000, lost: [], twice: [] });
    });
  });
});
