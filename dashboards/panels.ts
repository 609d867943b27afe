/** What the overview shows, row by row: the question of somebody who was woken up, and the PromQL that answers it. */

export interface Panel {
  readonly title: string;
  /** What the figure means and what to do about it; Grafana shows it behind an "i". */
  readonly about: string;
  readonly kind: 'timeseries' | 'stat' | 'bars';
  /** A unit of Grafana's. */
  readonly unit: string;
  readonly queries: readonly Query[];
  /** Columns of 24. */
  readonly width: number;
  readonly stacked?: boolean;
  /** May fall below zero. */
  readonly signed?: boolean;
}

export interface Query {
  readonly expr: string;
  /** Of one series: `{{reason}}`. */
  readonly legend: string;
}

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

/** `$__rate_interval` is Grafana's: at least four scrapes. */
const rate = (series: string) => `rate(${series}[$__rate_interval])`;
const decided = 'riffle_records_total{stage="curate"}';
const quantile = (q: number, histogram: string, by = '') =>
  `histogram_quantile(${q}, sum by (le${by === '' ? '' : `, ${by}`}) (${rate(`${histogram}_bucket`)}))`;

export const rows: readonly Row[] = [
  {
    title: 'What is kept, and what is thrown away',
    panels: [
      {
        title: 'Records decided',
        about: 'Records that curate committed, by outcome. Every raw record ends in exactly one of them.',
        kind: 'timeseries',
        unit: 'cps',
        width: 10,
        stacked: true,
        queries: [{ expr: `sum by (outcome) (${rate(decided)})`, legend: '{{outcome}}' }],
      },
      {
        title: 'Share kept',
        about:
          'Curated of all that was decided, over the last minutes. A step means that the policy or the input changed: look at the reasons beside it.',
        kind: 'timeseries',
        unit: 'percentunit',
        width: 6,
        queries: [
          {
            expr: `sum(${rate('riffle_records_total{stage="curate",outcome="curated"}')}) / sum(${rate(decided)})`,
            legend: 'kept',
          },
        ],
      },
      {
        title: 'Why: the ten most frequent reasons',
        about:
          'First reason of what was not curated. `riffle explain` shows a record with every signal; the summary of a run names an example of each.',
        kind: 'bars',
        unit: 'cps',
        width: 8,
        queries: [
          {
            expr: `topk(10, sum by (reason) (${rate('riffle_records_total{stage="curate",outcome!="curated"}')}))`,
            legend: '{{reason}}',
          },
        ],
      },
    ],
  },
  {
    title: 'Is it keeping up?',
    panels: [
      {
        title: 'Lag',
        about:
          'Records that wait, by topic. It grows without errors: add processes, up to the partitions. It stands: look at waits and open transactions.',
        kind: 'timeseries',
        unit: 'short',
        width: 8,
        queries: [{ expr: 'sum by (topic) (riffle_consumer_lag_records)', legend: '{{topic}}' }],
      },
      {
        title: 'Age of the oldest waiting record',
        about: 'Seconds until a new record is decided, if nothing changes.',
        kind: 'timeseries',
        unit: 's',
        width: 8,
        queries: [{ expr: 'max(riffle_consumer_lag_seconds)', legend: 'oldest' }],
      },
      {
        title: 'From sift to commit',
        about: 'Time of a block of records from its sifting to the commit of its decisions.',
        kind: 'timeseries',
        unit: 's',
        width: 8,
        queries: [
          { expr: quantile(0.5, 'riffle_end_to_end_seconds'), legend: 'p50' },
          { expr: quantile(0.99, 'riffle_end_to_end_seconds'), legend: 'p99' },
        ],
      },
      {
        title: 'Bytes taken in',
        about: 'Input that entered sift.',
        kind: 'timeseries',
        unit: 'Bps',
        width: 8,
        queries: [{ expr: `sum(${rate('riffle_record_bytes_total{stage="sift"}')})`, legend: 'sift' }],
      },
      {
        title: 'In flight',
        about: 'Taken in and not yet decided; sift waits at source.maxAheadBytes.',
        kind: 'timeseries',
        unit: 'bytes',
        width: 8,
        queries: [{ expr: 'sum(riffle_in_flight_bytes)', legend: 'in flight' }],
      },
      {
        title: 'Commits',
        about: 'Time of a transaction of curate.',
        kind: 'timeseries',
        unit: 's',
        width: 8,
        queries: [
          { expr: quantile(0.5, 'riffle_commit_seconds'), legend: 'p50' },
          { expr: quantile(0.99, 'riffle_commit_seconds'), legend: 'p99' },
        ],
      },
    ],
  },
  {
    title: 'Duplicates',
    panels: [
      {
        title: 'Duplicates found',
        about:
          'dedup.exact: the same text. dedup.near: alike, and of whom is known. dedup.history: known to the Bloom filters.',
        kind: 'timeseries',
        unit: 'cps',
        width: 8,
        stacked: true,
        queries: [
          {
            expr: `sum by (reason) (${rate('riffle_records_total{stage="curate",reason=~"dedup.*"}')})`,
            legend: '{{reason}}',
          },
        ],
      },
      {
        title: 'Votes of the history',
        about:
          'Bands of a record that the history knows. At policy.dedup.votes it is a duplicate; many just below it: look at similarity and votes.',
        kind: 'timeseries',
        unit: 'short',
        width: 8,
        queries: [
          { expr: quantile(0.5, 'riffle_dedup_votes'), legend: 'p50' },
          { expr: quantile(0.9, 'riffle_dedup_votes'), legend: 'p90' },
        ],
      },
      {
        title: 'Index: chance of a false band',
        about: 'That an unknown band is taken for known, in the fullest generation.',
        kind: 'stat',
        unit: 'percentunit',
        width: 4,
        queries: [{ expr: 'max(riffle_dedup_index_estimated_false_positive_ratio)', legend: 'false positives' }],
      },
      {
        title: 'Index: memory',
        about: 'Window and history together; bounded by dedup.* of the configuration.',
        kind: 'stat',
        unit: 'bytes',
        width: 4,
        queries: [{ expr: 'sum(riffle_dedup_index_bytes)', legend: 'bytes' }],
      },
    ],
  },
  {
    title: 'Scores and the policy',
    panels: [
      {
        title: 'Scores: quartiles',
        about: 'A drift of the middle is a drift of the input, or of a scorer: thresholds are fixed numbers.',
        kind: 'timeseries',
        unit: 'short',
        width: 8,
        queries: [0.25, 0.5, 0.75].map((q) => ({
          expr: quantile(q, 'riffle_score', 'scorer, axis'),
          legend: `{{scorer}} {{axis}} p${q * 100}`,
        })),
      },
      {
        title: 'Limits in force',
        about: 'By rule, of the policy that curate decides by.',
        kind: 'timeseries',
        unit: 'short',
        width: 6,
        queries: [{ expr: 'max by (rule) (riffle_threshold)', legend: '{{rule}}' }],
      },
      {
        title: 'Lift over random',
        about:
          'Mean score of what is kept minus that of the random control sample. At or below zero a rule is worth no more than a coin.',
        kind: 'timeseries',
        unit: 'short',
        width: 6,
        signed: true,
        queries: [{ expr: 'avg by (signal) (riffle_lift_over_random)', legend: '{{signal}}' }],
      },
      {
        title: 'Policy',
        about: 'Version in force. Two at once: a change is under way, or a process did not see it.',
        kind: 'stat',
        unit: 'none',
        width: 4,
        queries: [{ expr: 'max by (policy) (riffle_policy_version)', legend: '{{policy}}' }],
      },
    ],
  },
  {
    title: 'The machine',
    panels: [
      {
        title: 'Memory',
        about: 'Resident memory of each process.',
        kind: 'timeseries',
        unit: 'bytes',
        width: 8,
        queries: [{ expr: 'process_resident_memory_bytes{job=~"riffle.*"}', legend: '{{instance}}' }],
      },
      {
        title: 'CPU',
        about: 'Cores in use, of each process.',
        kind: 'timeseries',
        unit: 'short',
        width: 8,
        queries: [{ expr: rate('process_cpu_seconds_total{job=~"riffle.*"}'), legend: '{{instance}}' }],
      },
      {
        title: 'Time of a record, by operator',
        about: 'Mean in a worker thread: what to look at first when throughput falls.',
        kind: 'timeseries',
        unit: 's',
        width: 8,
        queries: [
          {
            expr: `sum by (operator) (${rate('riffle_operator_seconds_sum')}) / sum by (operator) (${rate('riffle_operator_seconds_count')})`,
            legend: '{{operator}}',
          },
        ],
      },
    ],
  },
];

/** Only what runs on Kafka has these. */
export const kafkaRows: readonly Row[] = [
  {
    title: 'Kafka',
    panels: [
      {
        title: 'Lag that readers may see',
        about: 'Less than the lag while a transaction is open.',
        kind: 'timeseries',
        unit: 'short',
        width: 8,
        queries: [
          { expr: 'sum by (group, topic) (riffle_consumer_stable_lag_records)', legend: '{{group}} {{topic}}' },
        ],
      },
      {
        title: 'Open transactions',
        about:
          'For how long, at least, one has held readers back. A producer of raw, or a dead curate that nobody replaced; it ends at its timeout.',
        kind: 'timeseries',
        unit: 's',
        width: 8,
        queries: [{ expr: 'max by (topic) (riffle_open_transaction_seconds)', legend: '{{topic}}' }],
      },
      {
        title: 'Fenced, unknown, rebalanced, sent again',
        about:
          'Processes taken for dead (suspended, out of memory, session timeout too short), and requests to brokers that were lost.',
        kind: 'timeseries',
        unit: 'cps',
        width: 8,
        queries: [
          { expr: `sum by (result) (${rate('riffle_transactions_total{result!="committed"}')})`, legend: '{{result}}' },
          { expr: `sum(${rate('riffle_rebalances_total')})`, legend: 'rebalances' },
          { expr: `sum(${rate('riffle_append_retries_total')})`, legend: 'appends again' },
        ],
      },
    ],
  },
];
