/** A line on a real broker as its users run it: records fed, `riffle run` in processes of their own, outputs read as any consumer would. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { kafkaOptions } from '../../src/cli/kafka.ts';
import { loadTopology } from '../../src/cli/load-topology.ts';
import { type KafkaLog, openKafkaLog } from '../../src/log/kafka/log.ts';
import { groups, type TopicNames, topicNames, topicSpecs } from '../../src/runtime/topics.ts';
import { type FeedReport, runFeed } from '../../src/stages/feed.ts';
import { outputTopics } from '../../src/stages/start.ts';
import { writeDocuments } from '../crash/documents.ts';
import { temporaryFolder } from '../integration/riffle.ts';
import { type Brokers, uniqueApp } from '../kafka/brokers.ts';
import { rawPositions, readAll, type Verdict, verify } from '../oracle/verify.ts';

/** For whatever takes a moment on a quiet machine. */
const PATIENCE_MS = 180_000;

const bin = path.resolve(import.meta.dirname, '../../bin/riffle.js');

export interface Decided {
  readonly id?: string;
  readonly url?: string;
  readonly position: { readonly topic: string; readonly partition: number; readonly offset: string };
  readonly decision: { readonly outcome: string; readonly reason?: string | null };
  readonly signals?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly code: string; readonly message: string };
}

export interface RunningStages {
  readonly child: ChildProcess;
  /** Everything that it has said. */
  readonly said: () => string;
  /** Resolves when its stages are at work. @throws when it ends before */
  ready(): Promise<void>;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** A metric of its page, summed over its labels. */
  metric(name: string): Promise<number>;
  residentBytes(): number;
}

export interface Line {
  readonly topics: TopicNames;
  readonly log: KafkaLog;
  readonly partitions: number;
  readonly folder: string;
  readonly set: readonly string[];
  /** A process with these stages; all without a name. `state`: a folder under the line's, for the index. */
  start(options?: StartOptions): RunningStages;
  /** Makes and learns of the topics; done already unless `bare`. */
  declare(): Promise<void>;
  feed(file: string): Promise<FeedReport>;
  /** Short texts with duplicates, the same for the same seed; under another file name they are fed again. */
  feedDocuments(records: number, seed: number, name?: string): Promise<void>;
  /** N of a partition. */
  progress(partition?: number): Promise<bigint>;
  /** Behind the last record of each partition of raw. */
  rawEnds(): Promise<bigint[]>;
  /** Resolves when every record that lies on the raw topic now is decided. */
  drained(): Promise<void>;
  /** Every record of every output, with the name of its topic. */
  outputs(): Promise<(Decided & { readonly output: string })[]>;
  verify(): Promise<Verdict>;
}

export interface StartOptions {
  readonly stages?: string;
  readonly set?: readonly string[];
  readonly state?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface LineOptions {
  readonly topology?: string;
  readonly partitions?: number;
  readonly set?: readonly string[];
  /** Leave the topics to whoever comes first. */
  readonly bare?: boolean;
}

export async function openLine(t: TestContext, { brokers }: Brokers, options: LineOptions = {}): Promise<Line> {
  const { topology = 'dedup', partitions = 1, bare = false } = options;
  const folder = temporaryFolder(t);
  const set = [
    `app=${uniqueApp()}`,
    'log.kind=kafka',
    `log.brokers=${brokers.join(',')}`,
    `log.partitions=${partitions}`,
    'log.sessionTimeoutMs=3000',
    'log.transactionTimeoutMs=5000',
    'log.requestTimeoutMs=5000',
    // The fold of the oracle needs the sketch log from its beginning.
    'log.retain=true',
    'workers=1',
    ...(options.set ?? []),
  ];
  const { config, policy } = await loadTopology(topology, { set });
  const topics = topicNames(config.app);
  const outputs = outputTopics(policy);
  const log = await openKafkaLog(kafkaOptions(config, { variable: () => undefined, warn: () => undefined }));
  const running = new Set<RunningStages>();
  t.after(async () => {
    for (const { child } of running) child.kill('SIGKILL');
    await Promise.all([...running].map(({ ended }) => ended));
    await log.close();
  });
  const declare = (): Promise<void> => log.ensureTopics(topicSpecs(topics, partitions, outputs, 'topic'));
  if (!bare) await declare();

  async function feed(file: string): Promise<FeedReport> {
    const { maxRecordBytes, maxDecodedBytes } = config.source;
    return runFeed({
      log,
      topic: topics.raw,
      partitions,
      files: [{ path: file, sizeBytes: statSync(file).size }],
      limits: { maxRecordBytes, maxDecodedBytes },
      signal: new AbortController().signal,
      fed: () => undefined,
    });
  }

  async function rawEnds(): Promise<bigint[]> {
    const ends = new Array<bigint>(partitions).fill(0n);
    for (const key of await rawPositions(log, topics)) {
      const [partition, offset] = key.split('@');
      const end = BigInt(offset!) + 1n;
      if (end > ends[Number(partition)]!) ends[Number(partition)] = end;
    }
    return ends;
  }

  return {
    topics,
    log,
    partitions,
    folder,
    set,
    start(more = {}) {
      const stages = startProcess(topology, set, folder, more);
      running.add(stages);
      return stages;
    },
    declare,
    feed,
    async feedDocuments(records, seed, name = 'documents.jsonl') {
      const file = path.join(folder, name);
      writeDocuments(file, records, seed);
      await feed(file);
    },
    progress: async (partition = 0) => (await log.progress(groups.curate, partition)) ?? 0n,
    rawEnds,
    async drained() {
      const ends = await rawEnds();
      await until(
        async () => {
          const gone = [...running].filter(({ child }) => child.exitCode !== null || child.signalCode !== null);
          assert.ok(
            gone.length === 0 || gone.length < running.size,
            `nobody is at work\n${[...running].map((stages) => stages.said()).join('\n')}`,
          );
          const next = await Promise.all(ends.map((_, p) => log.progress(groups.curate, p)));
          return ends.every((end, p) => (next[p] ?? 0n) >= end);
        },
        () => `not everything was decided\n${[...running].map((stages) => stages.said()).join('\n')}`,
      );
    },
    async outputs() {
      const found: (Decided & { output: string })[] = [];
      const names = new Map(outputs.map((output) => [topics.output(output), output]));
      await readAll(log, [...names.keys()], ({ value }, _, topic) => {
        found.push({ output: names.get(topic)!, ...(JSON.parse(Buffer.from(jsonOf(value)).toString()) as Decided) });
      });
      return found;
    },
    async verify() {
      const named = outputs.filter((name) => name !== 'control');
      return verify(log, topics, named, await rawPositions(log, topics));
    },
  };
}

function startProcess(topology: string, set: readonly string[], folder: string, options: StartOptions): RunningStages {
  const { stages, state = 'state', env = {} } = options;
  const own = path.join(folder, state);
  mkdirSync(own, { recursive: true });
  const child = spawn(
    process.execPath,
    [
      ...[bin, 'run', topology, '--output', own, '--port', '0'],
      ...[...set, ...(options.set ?? [])].flatMap((one) => ['--set', one]),
      ...(stages === undefined ? [] : ['--stages', stages]),
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } },
  );
  let said = '';
  const hear = (chunk: Buffer): void => void (said += chunk.toString());
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) =>
    child.on('close', (code, signal) => resolve({ code, signal })),
  );
  return {
    child,
    said: () => said,
    ended,
    ready: () =>
      until(
        () => {
          assert.equal(child.exitCode, null, said);
          return said.includes(' at work on ');
        },
        () => `it was not ready\n${said}`,
      ),
    async metric(name) {
      const [address = assert.fail(said)] = /http:\/\/[^\s"]+\/metrics/.exec(said) ?? [];
      const page = await (await fetch(address)).text();
      const values = page.split('\n').flatMap((line) => {
        const found = /^(\w+)(?:\{.*\})? (\S+)$/.exec(line);
        return found?.[1] === name ? [Number(found[2])] : [];
      });
      return values.reduce((sum, value) => sum + value, 0);
    },
    residentBytes: () => 1024 * Number(execFileSync('ps', ['-o', 'rss=', '-p', String(child.pid)]).toString()),
  };
}

/** Without the registry's prefix, where there is one. */
const jsonOf = (value: Uint8Array): Uint8Array => (value[0] === 0 ? value.subarray(5) : value);

/** Nothing is lost, nothing twice, and every verdict is that of an undisturbed index. */
export async function assertExact(line: Line, records: number): Promise<void> {
  const { records: decided, lost, twice, differing } = await line.verify();
  assert.deepEqual({ lost, twice, differing }, { lost: [], twice: [], differing: [] });
  assert.equal(decided, records);
}

/** A file under the line's folder. */
export function writeInput(line: Line, name: string, content: string): string {
  const file = path.join(line.folder, name);
  writeFileSync(file, content);
  return file;
}

export async function until(
  condition: () => boolean | Promise<boolean>,
  otherwise: () => string = () => 'it never came to that',
): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (performance.now() > deadline) assert.fail(otherwise());
    await sleep(100);
  }
}
