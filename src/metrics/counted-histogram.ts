import type { Registry } from 'prom-client';

export interface CountedHistogram {
  /** Adds observations that were counted elsewhere: one count for each bucket, not cumulative, and the sum of the values. */
  add(labels: Readonly<Record<string, string>>, counts: readonly number[], sum: number): void;
}

export interface CountedHistogramOptions {
  readonly name: string;
  readonly help: string;
  /** Upper limits, ascending; the last count of `add` may be for what is above them. */
  readonly buckets: readonly number[];
}

interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly counts: number[];
  sum: number;
}

/**
 * A histogram whose observations arrive by the thousand: worker threads count into buckets, this adds them up. prom-client's own costs some
 * microseconds for each value.
 */
export function countedHistogram(
  registry: Registry,
  { name, help, buckets }: CountedHistogramOptions,
): CountedHistogram {
  const series = new Map<string, Series>();

  function values() {
    const out: { metricName: string; labels: Record<string, string | number>; value: number }[] = [];
    for (const { labels, counts, sum } of series.values()) {
      let below = 0;
      for (const [i, limit] of buckets.entries()) {
        below += counts[i]!;
        out.push({ metricName: `${name}_bucket`, labels: { ...labels, le: limit }, value: below });
      }
      const all = below + counts[buckets.length]!;
      out.push({ metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: all });
      out.push({ metricName: `${name}_sum`, labels, value: sum });
      out.push({ metricName: `${name}_count`, labels, value: all });
    }
    return out;
  }

  const metric = {
    name,
    help,
    type: 'histogram',
    aggregator: 'sum',
    get: async () => ({ name, help, type: 'histogram', aggregator: 'sum', values: values() }),
    reset: () => series.clear(),
  };
  // The registry asks a metric for no more than this.
  registry.registerMetric(metric as unknown as Parameters<Registry['registerMetric']>[0]);

  return {
    add(labels, counts, sum) {
      const key = JSON.stringify(labels);
      let one = series.get(key);
      if (one === undefined)
        series.set(key, (one = { labels, counts: new Array<number>(buckets.length + 1).fill(0), sum: 0 }));
      for (const [i, count] of counts.entries()) one.counts[i]! += count;
      one.sum += sum;
    },
  };
}
