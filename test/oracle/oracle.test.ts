/** The promise on three real brokers, for CI: fewer records and seeds than the soak (`npm run soak`), the same disturbances. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { withBroker } from '../kafka/brokers.ts';
import { faultsOf, runOracle } from './oracle.ts';

const SEEDS = [1, 2, 3, 4, 5];

withBroker({ nodes: 3 }, (broker) => {
  suite('the oracle', () => {
    let hits = 0;
    for (const seed of SEEDS)
      test(`seed ${seed}: killed, suspended, added and removed processes, brokers restarted, requests lost`, async (t) => {
        const result = await runOracle({
          kafka: await broker(),
          seed,
          records: 3000,
          partitions: 4,
          chaosSeconds: 8,
          faultRate: 0.002,
        });
        const { fed, actions, seconds, errors } = result;
        t.diagnostic(
          `${fed} records, ${seconds.toFixed(0)} s, ${result.hits} requests hit, ${JSON.stringify(actions)}`,
        );
        assert.deepEqual(faultsOf(result), [], errors.join('\n'));
        assert.ok(result.compared > 0);
        const kinds = new Set(Object.keys(actions).map((action) => action.split(' ')[0]));
        assert.deepEqual(kinds, new Set(['add', 'kill', 'remove', 'restart', 'suspend']), 'each did occur');
        hits += result.hits;
      });
    test('requests were lost, answered into the void or held back', () => assert.ok(hits > 0));
  });
});
