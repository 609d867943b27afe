/** One seeded run of the whole line on real brokers: fed, disturbed, brought to its end, and judged. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kafka } from '../../scripts/kafka/broker.ts';
import { loadTopology } from '../../src/cli/load-topology.ts';
import { kafkaOptions } from '../../src/cli/kafka.ts';
import { type KafkaLog, openKafkaLog } from '../../src/log/kafka/log.ts';
import type { ProtocolRule } from '../../src/runtime/context.ts';
import { groups, type TopicNames, topicNames, topicSpecs } from '../../src/runtime/topics.ts';
import { runFeed } from '../../src/stages/feed.ts';
import { outputTopics } from '../../src/stages/start.ts';
import { random, writeDocuments } from '../crash/documents.ts';
import { makeChaos } from './chaos.ts';
import { createLine } from './line.ts';
import { rawPositions, type Verdict, verify } from './verify.ts';

export interface OracleOptions {
  readonly kafka: Kafka;
  readonly seed: number;
  readonly records: number;
  readonly partitions: number;
  /** How long the line is disturbed. */
  readonly chaosSeconds: number;
  /** Share of requests to the brokers that are hit. */
  readonly faultRate: number;
  readonly omit?: readonly ProtocolRule[];
  readonly note?: (text: string) => void;
}

export interface OracleResult extends Verdict {
  readonly seed: number;
  readonly fed: number;
  readonly actions: Readonly<Record<string, number>>;
  /** Requests to the brokers that were hit, at least. */
  readonly hits: number;
  /** Processes that ended by an error of their own and were started again. */
  readonly errors: readonly string[];
  readonly seconds: number;
}

const SESSION_MS = 3000;
const PARTS = 10;
/** With all faults gone, the line has this long to decide the rest. */
const DRAIN_MS = 300_000;

export async function runOracle(options: OracleOptions): Promise<OracleResult> {
  const { kafka, seed, partitions } = options;
  const started = performance.now();
  const folder = mkdtempSync(path.join(tmpdir(), `riffle-oracle-${seed}-`));
  const set = settings(options);
  const { config, policy } = await loadTopology('dedup', { set });
  const topics = topicNames(config.app);
  const note = options.note ?? (() => undefined);
  const log = await openKafkaLog(kafkaOptions(config, { variable: () => undefined, warn: () => undefined }));
  const omit = options.omit ?? [];
  const line = createLine({ set, partitions, faultRate: options.faultRate, omit }, folder, seed);
  try {
    await log.ensureTopics(topicSpecs(topics, partitions, outputTopics(policy), 'topic'));
    line.start('controller');
    for (const stage of ['sift', 'index', 'curate'] as const) for (let i = 0; i < 2; i++) line.start(stage);
    const feeding = feed(log, topics, options, folder);
    const { actions } = await makeChaos(line, kafka, {
      next: random(seed),
      seconds: options.chaosSeconds,
      sessionMs: SESSION_MS,
    });
    const fed = await feeding;
    note(`seed ${seed}: ${fed} records fed; disturbed by ${JSON.stringify(actions)}; draining`);
    const raw = await rawPositions(log, topics);
    await drained(log, raw, partitions, line.errors);
    note(`seed ${seed}: everything is decided; stopping`);
    await line.stop();
    note(`seed ${seed}: reading what it wrote`);
    const judged = await verify(
      log,
      topics,
      outputTopics(policy).filter((name) => name !== 'control'),
      raw,
    );
    return {
      seed,
      fed,
      ...judged,
      actions,
      hits: line.hits(),
      errors: line.errors,
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    await line.stop();
    await log.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function settings({ kafka, seed }: OracleOptions): string[] {
  return [
    `app=oracle${seed}`,
    'log.kind=kafka',
    `log.brokers=${kafka.brokers.join(',')}`,
    `log.replicationFactor=${kafka.nodes.length}`,
    `log.sessionTimeoutMs=${SESSION_MS}`,
    'log.rebalanceTimeoutMs=10000',
    'log.transactionTimeoutMs=10000',
    'log.requestTimeoutMs=5000',
    // The fold needs the sketch log from its beginning.
    'log.retain=true',
    'index.snapshotDocuments=5000',
    'blocks.records=128',
  ];
}

/** In parts over the time of the disturbance, so that there is always something to disturb. */
async function feed(
  log: KafkaLog,
  topics: TopicNames,
  { seed, records, partitions, chaosSeconds }: OracleOptions,
  folder: string,
): Promise<number> {
  let fed = 0;
  const slotMs = (1000 * chaosSeconds) / PARTS;
  for (let part = 0; part < PARTS; part++) {
    const endMs = performance.now() + slotMs;
    const file = path.join(folder, `documents-${part}.jsonl`);
    // Every other part repeats texts of the one before.
    writeDocuments(file, Math.ceil(records / PARTS), seed * PARTS + part - (part % 2));
    const report = await runFeed({
      log,
      topic: topics.raw,
      partitions,
      files: [{ path: file, sizeBytes: statSync(file).size }],
      limits: { maxRecordBytes: 1 << 20, maxDecodedBytes: 1 << 20 },
      signal: new AbortController().signal,
      fed: () => undefined,
    });
    rmSync(file);
    fed += report.records;
    await sleep(Math.max(0, endMs - performance.now()));
  }
  return fed;
}

/** N of every partition has passed its last record. @throws when it does not come to that */
async function drained(
  log: KafkaLog,
  raw: ReadonlySet<string>,
  partitions: number,
  errors: readonly string[],
): Promise<void> {
  const last = new Array<bigint>(partitions).fill(-1n);
  for (const key of raw) {
    const [partition, offset] = key.split('@');
    if (BigInt(offset!) > last[Number(partition)]!) last[Number(partition)] = BigInt(offset!);
  }
  const deadline = performance.now() + DRAIN_MS;
  for (;;) {
    const next = await Promise.all(last.map((_, p) => log.progress(groups.curate, p)));
    const open = next.flatMap((n, p) => ((n ?? 0n) > last[p]! ? [] : [`${p}: ${n} of ${last[p]! + 1n}`]));
    if (open.length === 0) return;
    if (performance.now() > deadline)
      throw new Error(`not decided after ${DRAIN_MS / 1000} s: ${open.join(', ')}\n${errors.slice(-3).join('\n')}`);
    await sleep(500);
  }
}

/** What is wrong with a run; empty when nothing is. */
export function faultsOf({ fed, records, lost, twice, differing }: OracleResult): string[] {
  return [
    ...(fed === records ? [] : [`${fed} fed, ${records} decided`]),
    ...(lost.length > 0 ? [`${lost.length} lost: ${lost.slice(0, 5).join(', ')}`] : []),
    ...(twice.length > 0 ? [`${twice.length} twice: ${twice.slice(0, 5).join(', ')}`] : []),
    ...(differing.length > 0 ? [`${differing.length} verdicts differ: ${differing.slice(0, 2).join('; ')}`] : []),
  ];
}
