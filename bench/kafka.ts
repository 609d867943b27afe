import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Kafka, startKafka } from '../scripts/kafka/broker.ts';
import { loadTopology } from '../src/cli/load-topology.ts';
import { kafkaOptions } from '../src/cli/kafka.ts';
import { type KafkaLog, openKafkaLog } from '../src/log/kafka/log.ts';
import { groups, type TopicNames, topicNames, topicSpecs } from '../src/runtime/topics.ts';
import { outputTopics } from '../src/stages/start.ts';
import { type Corpus, findCorpus, firstDocuments } from './corpus.ts';
import { median, runRiffle } from './run-riffle.ts';

/**
 * The `text` line on one machine with the broker beside it, and what Kafka costs above the embedded log:
 *
 *     npm run bench:kafka [-- --corpus DIR --documents N]
 *     npm run bench:kafka -- --only idle
 *     npm run bench:kafka -- --only latency --rate 500
 *
 * CPU seconds of client and broker apart, from the start of the processes on. Not measured: a network, several machines, replication.
 */
const { values } = parseArgs({
  options: {
    corpus: { type: 'string' },
    documents: { type: 'string', default: '20000' },
    /** Seconds that the idle processes are looked at. */
    idle: { type: 'string', default: '30' },
    /** One part alone: throughput, latency or idle. */
    only: { type: 'string' },
    /** Documents a second for the latency; half of what the throughput was when left out. */
    rate: { type: 'string' },
  },
});

const PARTITIONS = 8;
const TOPOLOGY = 'text';
const PROMISED = { extraMicroseconds: 220, p50Seconds: 0.5, p99Seconds: 2, idleShare: 0.01 };
const riffle = path.resolve(import.meta.dirname, '../bin/riffle.js');
const TICKS = 100;

/** User and system seconds so far, of a process and all its threads. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

function start(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [riffle, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGTERM');
  await ended;
}

interface Place {
  readonly kafka: Kafka;
  readonly log: KafkaLog;
  readonly topics: TopicNames;
  readonly set: readonly string[];
  readonly outputs: readonly string[];
}

async function openPlace(kafka: Kafka, app: string): Promise<Place> {
  const set = [
    `app=${app}`,
    'log.kind=kafka',
    `log.brokers=${kafka.brokers.join(',')}`,
    `log.partitions=${PARTITIONS}`,
  ];
  const { config, policy } = await loadTopology(TOPOLOGY, { set });
  const topics = topicNames(app);
  const log = await openKafkaLog(kafkaOptions(config, { variable: () => undefined, warn: () => undefined }));
  const outputs = outputTopics(policy);
  await log.ensureTopics(topicSpecs(topics, PARTITIONS, outputs, 'topic'));
  return { kafka, log, topics, set: set.flatMap((one) => ['--set', one]), outputs };
}

const runArgs = ({ set }: Place, folder: string, more: readonly string[] = []) => [
  'run',
  TOPOLOGY,
  ...set,
  '--output',
  folder,
  '--no-http',
  '--log-level',
  'error',
  ...more,
];

async function decided({ log }: Place): Promise<bigint> {
  const next = await Promise.all(Array.from({ length: PARTITIONS }, (_, p) => log.progress(groups.curate, p)));
  return next.reduce<bigint>((sum, n) => sum + (n ?? 0n), 0n);
}

/** Sum of N at which everything on raw is decided. */
async function endOf({ log, topics }: Place): Promise<number> {
  const reader = await log.consumer('reader', [topics.raw]);
  const ends = await Promise.all(
    Array.from({ length: PARTITIONS }, async (_, p) => Number((await reader.bounds(topics.raw, p)).end)),
  );
  await reader.close();
  // The last place of each partition is the marker of feed's transaction.
  return ends.reduce((sum, end) => sum + end - 1, 0);
}

async function untilDecided(place: Place, least: number): Promise<void> {
  while ((await decided(place)) < BigInt(Math.floor(least))) await sleep(100);
}

/**
 * CPU of everything, from the start to the last commit; and of the second half of the documents alone, because a stream starts once: there loading,
 * compiling and joining the group are over. The embedded log's second half is a run of all documents less a run of half of them.
 */
async function benchThroughput(kafka: Kafka, corpus: Corpus, count: number, folder: string): Promise<number> {
  const { file, documents } = await firstDocuments(corpus, count, folder);
  const first = await firstDocuments(corpus, Math.floor(count / 2), folder);
  const place = await openPlace(kafka, 'bench');
  const fed = start(['feed', TOPOLOGY, ...place.set, '--input', file]);
  await new Promise((resolve) => fed.once('close', resolve));
  const end = await endOf(place);
  const broker = kafka.nodes[0]!.pid!;
  const before = cpuSeconds(broker);
  const started = performance.now();
  const line = start(runArgs(place, path.join(folder, 'kafka')));
  await untilDecided(place, end / 2);
  const half = { client: cpuSeconds(line.pid!), decided: Number(await decided(place)) };
  await untilDecided(place, end);
  const seconds = (performance.now() - started) / 1000;
  const client = cpuSeconds(line.pid!);
  const spent = cpuSeconds(broker) - before;
  await stop(line);
  await place.log.close();
  const whole: number[] = [];
  const second: number[] = [];
  for (let round = 0; round < 3; round++) {
    const all = (await runRiffle(TOPOLOGY, file, path.join(folder, 'embedded'))).cpuSeconds;
    const part = (await runRiffle(TOPOLOGY, first.file, path.join(folder, 'embedded'))).cpuSeconds;
    whole.push(all);
    second.push((1e6 * (all - part)) / (documents - first.documents));
  }
  const running = (1e6 * (client - half.client)) / (documents * (1 - half.decided / end));
  const extra = running - median(second);
  const withStart = (1e6 * (client - median(whole))) / documents;
  console.log(`${TOPOLOGY}, ${documents} documents, ${PARTITIONS} partitions, one process`);
  console.log(`  client ${client.toFixed(1)} CPU-s, broker ${spent.toFixed(1)} CPU-s, ${seconds.toFixed(1)} s`);
  console.log(`  embedded log ${whole.map((s) => s.toFixed(1)).join(', ')} CPU-s`);
  console.log(
    `  second half: ${running.toFixed(0)} us of client CPU a document; embedded log ${second.map((us) => us.toFixed(0)).join(', ')}`,
  );
  console.log(
    `  above the embedded log: ${extra.toFixed(0)} us of client CPU a document   ${verdict(extra <= PROMISED.extraMicroseconds, `<= ${PROMISED.extraMicroseconds}`)}; ${withStart.toFixed(0)} with the start`,
  );
  return documents / seconds;
}

/** Records that carry the time of their sending, at half the rate of before; read by a `read_committed` reader. */
async function benchLatency(kafka: Kafka, file: string, perSecond: number, folder: string): Promise<void> {
  const place = await openPlace(kafka, 'latency');
  const { log, topics, outputs } = place;
  const port = 20_000 + Math.floor(Math.random() * 10_000);
  const line = start([...runArgs(place, folder).filter((arg) => arg !== '--no-http'), '--port', String(port)]);
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  const seconds: number[] = [];
  let reading = true;
  const reader = await log.consumer('reader', outputs.filter((name) => name !== 'control').map(topics.output));
  const read = (async () => {
    while (reading)
      for (const { messages } of (await reader.poll({ maxBytes: 1 << 20, waitMs: 20 })).batches)
        for (const { value } of messages) {
          const { metadata } = JSON.parse(Buffer.from(value).toString()) as { metadata?: { sentMs?: number } };
          if (metadata?.sentMs) seconds.push((Date.now() - metadata.sentMs) / 1000);
        }
  })();
  const producer = log.producer();
  const batch = Math.max(1, Math.round(perSecond / 20));
  const rounds = Math.min(600, Math.floor(lines.length / batch));
  const warm = Math.floor(rounds / 3);
  for (let round = 0; round < rounds; round++) {
    const begun = performance.now();
    if (round === warm) seconds.length = 0;
    const values = lines.slice(round * batch, (round + 1) * batch).map((text) => {
      const document = JSON.parse(text) as object;
      return { value: Buffer.from(JSON.stringify({ ...document, metadata: { sentMs: Date.now() } })) };
    });
    await producer.append(topics.raw, round % PARTITIONS, values);
    await sleep(Math.max(0, 50 - (performance.now() - begun)));
  }
  await sleep(3000);
  reading = false;
  await read;
  await reader.close();
  seconds.sort((a, b) => a - b);
  const at = (p: number) => seconds[Math.min(seconds.length - 1, Math.floor(p * seconds.length))] ?? Number.NaN;
  console.log(`end to end at ${Math.round(perSecond)} documents/s, ${seconds.length} measured after the first third`);
  console.log(`  p50 ${(1000 * at(0.5)).toFixed(0)} ms   ${verdict(at(0.5) < PROMISED.p50Seconds, '< 500')}`);
  console.log(`  p99 ${(1000 * at(0.99)).toFixed(0)} ms   ${verdict(at(0.99) < PROMISED.p99Seconds, '< 2000')}`);
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  for (const [what, name] of [
    ['transaction', 'riffle_commit_seconds'],
    ['of it positions', 'riffle_transaction_positions_seconds'],
  ] as const)
    console.log(`  ${what}: p50 <= ${quantile(metrics, name, 0.5)} s, p99 <= ${quantile(metrics, name, 0.99)} s`);
  await stop(line);
  await log.close();
}

/** Upper bound of the bucket that holds the quantile. */
function quantile(metrics: string, name: string, p: number): string {
  const buckets = new Map<string, number>();
  for (const [, bound, count] of metrics.matchAll(
    new RegExp(`^${name}_bucket\\{[^}]*le="([^"]+)"[^}]*\\} (\\d+)`, 'gm'),
  ))
    buckets.set(bound!, (buckets.get(bound!) ?? 0) + Number(count));
  const total = buckets.get('+Inf') ?? 0;
  return [...buckets].find(([, count]) => count >= p * total)?.[0] ?? 'none';
}

/** Processes that start load and compile for a while, on a busy machine a long one. */
async function untilCalm(spent: () => readonly number[]): Promise<void> {
  await sleep(15_000);
  for (let before = spent(), calm = 0, rounds = 0; calm < 4 && rounds < 30; rounds++) {
    await sleep(3000);
    const after = spent();
    calm = after.every((seconds, i) => seconds - before[i]! < 0.06) ? calm + 1 : 0;
    before = after;
  }
}

async function benchIdle(kafka: Kafka, seconds: number, folder: string): Promise<void> {
  const place = await openPlace(kafka, 'idle');
  const stages = ['sift', 'index', 'curate', 'controller'] as const;
  const children = stages.map((stage) =>
    start(runArgs(place, path.join(folder, `idle-${stage}`), ['--stages', stage])),
  );
  const spent = () => children.map(({ pid }) => cpuSeconds(pid!));
  await untilCalm(spent);
  const before = spent();
  await sleep(1000 * seconds);
  const after = spent();
  console.log(`idle for ${seconds} s`);
  for (const [i, stage] of stages.entries()) {
    const share = (after[i]! - before[i]!) / seconds;
    console.log(
      `  ${stage.padEnd(12)}${(100 * share).toFixed(2)} % of a core   ${verdict(share < PROMISED.idleShare, '< 1 %')}`,
    );
  }
  await Promise.all(children.map(stop));
  await place.log.close();
}

const verdict = (holds: boolean, promise: string): string => `${promise} ${holds ? 'holds' : 'MISSED'}`;

const folder = mkdtempSync(path.join(tmpdir(), 'riffle-bench-kafka-'));
const wanted = (part: string): boolean => values.only === undefined || values.only === part;

/** Both need documents. */
async function benchLoad(kafka: Kafka, corpus: Corpus): Promise<void> {
  const documents = Number(values.documents);
  let perSecond = Number(values.rate);
  if (wanted('throughput')) perSecond ||= (await benchThroughput(kafka, corpus, documents, folder)) / 2;
  const { file } = await firstDocuments(corpus, documents, folder);
  if (wanted('latency')) await benchLatency(kafka, file, perSecond || 500, folder);
}

const corpus = values.only === 'idle' ? undefined : findCorpus(values.corpus, 100_000, 'bench:kafka');
const kafka = await startKafka({ fast: true });
try {
  if (corpus !== undefined) await benchLoad(kafka, corpus);
  if (wanted('idle')) await benchIdle(kafka, Number(values.idle), folder);
} finally {
  await kafka.stop();
  rmSync(folder, { recursive: true, force: true });
}
