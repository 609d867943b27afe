import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { kafkaMetrics } from './kafka.ts';
import { createMetrics } from './metrics.ts';

const lagOf = (partition: number, lag: bigint) => ({
  ...{ group: 'sift', topic: 'app.raw', partition },
  ...{ lag, stableLag: lag - 1n, openTransactionMs: 2000 },
});

test('the lag of a partition is shown for as long as this process has it', async (t) => {
  const registry = new Registry();
  const metrics = createMetrics(registry, '0');
  t.after(() => metrics.stop());
  const onKafka = kafkaMetrics(registry, metrics);
  const values = async (name: string) => {
    const { values: found } = await registry.getSingleMetric(name)!.get();
    return found.map(({ labels, value }) => [labels.partition, value]);
  };
  onKafka.lag({ lag: () => [lagOf(0, 5n), lagOf(1, 7n)] });
  assert.deepEqual(await values('riffle_consumer_lag_records'), [
    ['0', 5],
    ['1', 7],
  ]);
  onKafka.lag({ lag: () => [lagOf(1, 8n)] });
  assert.deepEqual(await values('riffle_consumer_lag_records'), [['1', 8]]);
  assert.deepEqual(await values('riffle_consumer_stable_lag_records'), [['1', 7]]);
  assert.deepEqual(await values('riffle_open_transaction_seconds'), [['1', 2]]);
});
