/** What the Kafka log reports of itself (docs/reference/metrics.md). */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Metrics } from './metrics.ts';

/** Of one topic-partition that this process reads. */
interface PartitionLag {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly lag: bigint;
  readonly stableLag: bigint;
  readonly openTransactionMs: number;
}

const seconds = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export function kafkaMetrics(registry: Registry, metrics: Metrics) {
  const registers = [registry];
  const labelNames = ['group', 'topic', 'partition'] as const;
  const stable = gauge(
    'riffle_consumer_stable_lag_records',
    'Offsets between the position and the last stable offset: what readers may see.',
  );
  const open = gauge(
    'riffle_open_transaction_seconds',
    'For how long, at least, an open transaction has held the last stable offset; 0 without one.',
  );
  const positions = new Histogram({
    name: 'riffle_transaction_positions_seconds',
    help: 'Time of a transaction that goes to its positions.',
    labelNames: ['group'],
    buckets: seconds,
    registers,
  });
  const retries = new Counter({
    name: 'riffle_append_retries_total',
    help: 'Appends that were sent again.',
    labelNames: ['topic'],
    registers,
  });
  function gauge(name: string, help: string) {
    return new Gauge({ name, help, labelNames, registers });
  }
  const records = registry.getSingleMetric('riffle_consumer_lag_records') as Gauge;
  type Labels = Readonly<Record<(typeof labelNames)[number], string>>;
  let shown = new Map<string, Labels>();

  /** A partition that is another process's now is no lag of this one. */
  function forget({ group, topic, partition }: Labels): void {
    records.remove({ topic, partition });
    stable.remove({ group, topic, partition });
    open.remove({ group, topic, partition });
  }
  return {
    observer: {
      rebalanced: () => metrics.rebalanced(),
      fenced: () => metrics.transaction('fenced'),
      committed(group: string, _partition: number, _ms: number, offsetsMs: number) {
        positions.observe({ group }, offsetsMs / 1000);
      },
      unknownOutcome: () => metrics.transaction('unknown'),
      appendRetried: (topic: string) => retries.inc({ topic }),
    },
    /** Asks the log, and shows the answer. */
    lag(log: { lag(): readonly PartitionLag[] }): void {
      const lags = log.lag().map(({ group, topic, partition, ...of }) => ({
        labels: { group, topic, partition: String(partition) },
        of,
      }));
      const now = new Map(lags.map(({ labels }) => [Object.values(labels).join(' '), labels]));
      for (const [key, labels] of shown) if (!now.has(key)) forget(labels);
      shown = now;
      for (const { labels, of } of lags) {
        metrics.lag(labels.topic, labels.partition, Number(of.lag));
        stable.set(labels, Number(of.stableLag));
        open.set(labels, of.openTransactionMs / 1000);
      }
    },
  };
}
