/** A policy that changes while curate works on a broker: followed without a restart. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadTopology } from '../../src/cli/load-topology.ts';
import { publishPolicy } from '../../src/stages/controller.ts';
import { withSharedBroker } from '../kafka/brokers.ts';
import { assertExact, openLine, until } from './line.ts';

const RECORDS = 300;

withSharedBroker((broker) => {
  test('a policy that is published reaches every curate, and what is decided stays decided', async (t) => {
    const line = await openLine(t, await broker(), { partitions: 2 });
    const { policy } = await loadTopology('dedup', { set: [...line.set] });
    const whole = line.start();
    const second = line.start({ stages: 'curate', state: 'second' });
    await line.feedDocuments(RECORDS, 1);
    await Promise.all([whole.ready(), second.ready()]);
    await line.drained();
    const behind = await line.rawEnds();

    await publishPolicy(line.log, line.topics, { ...policy, version: 2 });
    const publishedMs = performance.now();
    for (const curate of [whole, second])
      await until(async () => (await curate.metric('riffle_policy_version')) === 2, curate.said);
    t.diagnostic(`in force everywhere after ${Math.round(performance.now() - publishedMs)} ms`);

    await line.feedDocuments(RECORDS, 2, 'more.jsonl');
    await line.drained();
    await assertExact(line, 2 * RECORDS);
    for (const { position, decision, output } of await line.outputs()) {
      if (output === 'dead-letter') continue;
      const version = BigInt(position.offset) < behind[position.partition]! ? 1 : 2;
      assert.equal((decision as { readonly policy?: string }).policy, `dedup@${version}`);
    }
  });
});
