/** Processes come and go in peace: a signal drains, another process goes on, and the stages may be in one process or in four. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { processStages } from '../../src/cli/run-stream.ts';
import { withSharedBroker } from '../kafka/brokers.ts';
import { assertExact, openLine, until } from './line.ts';

/** On a quiet machine a second. */
const STOP_MS = 60_000;

withSharedBroker((broker) => {
  suite('a clean stop', () => {
    test('a signal drains a process at work; a second one finishes what it left', async (t) => {
      const line = await openLine(t, await broker(), { partitions: 2 });
      await line.feedDocuments(6000, 1);
      const first = line.start();
      await until(async () => (await line.progress()) > 0n);
      first.child.kill('SIGTERM');
      const started = performance.now();
      assert.deepEqual(await first.ended, { code: 143, signal: null }, first.said());
      const stoppedMs = performance.now() - started;
      t.diagnostic(`stopped within ${(stoppedMs / 1000).toFixed(1)} s, at ${await line.progress()} of partition 0`);
      assert.ok(stoppedMs < STOP_MS, first.said());

      const second = line.start();
      await line.drained();
      second.child.kill('SIGINT');
      assert.deepEqual(await second.ended, { code: 130, signal: null }, second.said());
      await assertExact(line, 6000);
    });

    test('two whole processes share the work; one ends, and the other finishes', async (t) => {
      // Little room ahead of curate: what the other process decides has to count.
      const line = await openLine(t, await broker(), { partitions: 4, set: ['source.maxAheadBytes=20000'] });
      const first = line.start({ state: 'first' });
      const second = line.start({ state: 'second' });
      await Promise.all([first.ready(), second.ready()]);
      await line.feedDocuments(3000, 2);
      await line.drained();
      await line.feedDocuments(3000, 3, 'more.jsonl');
      await until(async () => (await line.progress()) > 0n);
      first.child.kill('SIGTERM');
      assert.equal((await first.ended).code, 143, first.said());
      await line.drained();
      second.child.kill('SIGTERM');
      assert.equal((await second.ended).code, 143, second.said());
      await assertExact(line, 6000);
    });

    test('four processes give the result of one, and each of them stops', async (t) => {
      const results: string[][] = [];
      for (const apart of [false, true]) {
        const line = await openLine(t, await broker());
        await line.feedDocuments(2000, 4);
        const running = apart ? processStages.map((stages) => line.start({ stages })) : [line.start()];
        await line.drained();
        const started = performance.now();
        for (const { child } of running) child.kill('SIGTERM');
        for (const { ended, said } of running) assert.deepEqual(await ended, { code: 143, signal: null }, said());
        t.diagnostic(`${running.length} stopped within ${((performance.now() - started) / 1000).toFixed(1)} s`);
        await assertExact(line, 2000);
        // Control samples are drawn by position, and the topic is another one.
        const outputs = (await line.outputs()).filter(({ output }) => output !== 'control');
        results.push(
          outputs
            .map(({ output, position: { offset }, decision: { outcome, reason }, error }) =>
              [offset, output, outcome, reason, error?.code].join(' '),
            )
            .toSorted(),
        );
      }
      const [together, apart] = results;
      assert.deepEqual(apart, together);
    });
  });
});
