import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { Registry } from 'prom-client';
import { SCORE_BUCKETS } from './buckets.ts';
import { createMetrics } from './metrics.ts';
import { parseExposition } from './parse-exposition.test.ts';

function metricsOf(t: TestContext) {
  const registry = new Registry();
  const metrics = createMetrics(registry, '1.2.3');
  t.after(() => metrics.stop());
  return { metrics, families: async () => parseExposition(await registry.metrics()) };
}

/** The contract, name by name, and what every client library shows of its process. */
const names = `
riffle_records_total riffle_record_bytes_total riffle_stage_seconds riffle_operator_seconds riffle_end_to_end_seconds riffle_event_loop_delay_seconds
riffle_consumer_lag_records riffle_consumer_lag_seconds riffle_in_flight_bytes riffle_commit_seconds riffle_transactions_total riffle_rebalances_total riffle_repairs_total riffle_records_skipped_total riffle_waits_total
riffle_dedup_index_fill_ratio riffle_dedup_index_estimated_false_positive_ratio riffle_dedup_index_bytes riffle_dedup_index_generations
riffle_dedup_votes riffle_score riffle_batch_tokens riffle_batch_efficiency_ratio riffle_batch_seconds riffle_cascade_records_total riffle_cascade_missed_total
riffle_policy_version riffle_threshold riffle_kept_ratio riffle_lift_over_random riffle_build_info
process_resident_memory_bytes process_cpu_seconds_total`
  .trim()
  .split(/\s+/);

test('every metric of the contract is there, explained, and in the reference', async (t) => {
  const { families } = metricsOf(t);
  const reference = readFileSync(path.join(import.meta.dirname, '../../docs/reference/metrics.md'), 'utf8');
  const found = await families();
  assert.deepEqual([...found.keys()].sort(), names.toSorted());
  for (const [name, { help, type }] of found) {
    assert.match(help, /^[A-Z].*\.$/, name);
    assert.equal(name.endsWith('_total'), type === 'counter', name);
    assert.ok(reference.includes(`\`${name}\``), `${name} is not in docs/reference/metrics.md`);
  }
});

test('records and bytes add up by their labels', async (t) => {
  const { metrics, families } = metricsOf(t);
  metrics.records('curate', 'rejected', 'dedup.near', 3);
  metrics.records('curate', 'rejected', 'dedup.near', 4);
  metrics.records('curate', 'curated', 'main', 1);
  metrics.recordBytes('sift', 10);
  const found = await families();
  assert.deepEqual(
    found.get('riffle_records_total')!.samples.map(({ labels, value }) => [labels.outcome, labels.reason, value]),
    [
      ['rejected', 'dedup.near', 7],
      ['curated', 'main', 1],
    ],
  );
  assert.deepEqual(found.get('riffle_record_bytes_total')!.samples[0]?.value, 10);
});

test('votes and scores that workers counted become cumulative histograms', async (t) => {
  const { metrics, families } = metricsOf(t);
  metrics.votes([5, 0, 2, 0, 0, 1]); // five records without votes, two with 2, one with 5
  const ones = Array.from({ length: SCORE_BUCKETS }, (_, i) => (i < 2 ? 1 : 0));
  metrics.scores('quality/base@1', '', ones, 0.08);
  metrics.scores('quality/base@1', '', ones, 0.12);
  const found = await families();
  const bucket = (name: string, le: string) =>
    found.get(name)!.samples.find(({ name: sample, labels }) => sample === `${name}_bucket` && labels.le === le)?.value;
  const last = (name: string, suffix: string) => found.get(name)!.samples.find((s) => s.name === name + suffix)?.value;
  assert.deepEqual(
    ['0', '1', '2', '4', '6', '+Inf'].map((le) => bucket('riffle_dedup_votes', le)),
    [5, 5, 7, 7, 8, 8],
  );
  assert.deepEqual([last('riffle_dedup_votes', '_sum'), last('riffle_dedup_votes', '_count')], [9, 8]);
  assert.deepEqual([bucket('riffle_score', String(1 / SCORE_BUCKETS)), bucket('riffle_score', '+Inf')], [2, 4]);
  assert.equal(last('riffle_score', '_sum'), 0.2);
});

test('the policy in force, and the version', async (t) => {
  const { metrics, families } = metricsOf(t);
  metrics.policy('text', 3, { 'dedup.near': 0.695 });
  const found = await families();
  assert.deepEqual(found.get('riffle_policy_version')!.samples[0], {
    name: 'riffle_policy_version',
    labels: { policy: 'text' },
    value: 3,
  });
  assert.equal(found.get('riffle_threshold')!.samples[0]?.value, 0.695);
  assert.equal(found.get('riffle_build_info')!.samples[0]?.labels.version, '1.2.3');
});
