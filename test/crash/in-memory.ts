/** A bounded run, and a stream, in this process and over a log in memory. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadTopology } from '../../src/cli/load-topology.ts';
import { FatalError } from '../../src/errors.ts';
import type { Log } from '../../src/log/port.ts';
import { noFaults } from '../../src/runtime/context.ts';
import { inputDigest } from '../../src/runtime/state.ts';
import { groups, topicNames, topicSpecs } from '../../src/runtime/topics.ts';
import type { RepairRequest } from '../../src/stages/repair.ts';
import { type BoundedLog, runBounded } from '../../src/stages/run.ts';
import { type ProcessStage, runStream } from '../../src/stages/stream.ts';
import { KILLED } from './mortal-log.ts';
import { createMemoryLog, type MemoryLog } from '../../src/testing/memory-log.ts';

const outputs = ['curated.main', 'rejected', 'dead-letter'];

export interface InMemory {
  /** Output topic → its lines. */
  readonly outputs: ReadonlyMap<string, readonly string[]>;
  readonly repairs: readonly RepairRequest[];
  /** Messages on the topic of requests. */
  readonly requests: number;
  /** Processes that it took. */
  readonly lives: number;
}

export interface InMemoryOrder {
  readonly input: readonly string[];
  readonly set: readonly string[];
  readonly repairMs: number;
  readonly wrap?: (log: BoundedLog, life: number) => BoundedLog;
}

/** `dedup` over the input; in several lives when `wrap` makes a log that a process dies on. */
export async function runInMemory({ input, set, repairMs, wrap = (log) => log }: InMemoryOrder): Promise<InMemory> {
  const loaded = await loadTopology('dedup', { set });
  const memory = createMemoryLog();
  const repairs: RepairRequest[] = [];
  const stateDirectory = mkdtempSync(path.join(tmpdir(), 'riffle-memory-'));
  const live = (life: number) =>
    runBounded({
      ...loaded,
      log: wrap({ ...memory, trim: async () => ({ more: false }), finish: async () => undefined }, life),
      inputs: input.map((file) => ({
        path: file,
        name: path.basename(file),
        sizeBytes: statSync(file).size,
        digest: inputDigest(file),
      })),
      ends: [],
      stateDirectory,
      workers: 1,
      faults: { ...noFaults, stallMs: 10_000, repairMs },
      signal: new AbortController().signal,
      observer: { repairing: (request) => repairs.push(request) },
    });
  let lives = 0;
  try {
    for (let complete = false; !complete; lives++)
      complete = await live(lives).then(
        (result) => result.complete,
        (error: Error) => {
          if (error instanceof FatalError && error.code === KILLED) return false;
          throw error;
        },
      );
  } finally {
    rmSync(stateDirectory, { recursive: true, force: true });
  }
  return { outputs: outputsOf(memory), repairs, requests: memory.messages('dedup.repairs', 0).length, lives };
}

const outputsOf = (memory: MemoryLog): Map<string, string[]> =>
  new Map(outputs.map((name) => [name, memory.messages(`dedup.${name}`, 0).map(textOf)]));

const textOf = ({ value }: { readonly value: Uint8Array }) => Buffer.from(value).toString();

/** The same through one partition of a raw topic. */
export async function streamInMemory(
  order: Omit<StreamOrder, 'app' | 'open'> & { readonly wrap?: (log: Log) => Log },
): Promise<InMemory> {
  const memory = createMemoryLog(() => 0);
  const { wrap = (log: Log) => log } = order;
  const repairs = await streamThrough({ ...order, app: 'dedup', open: async () => wrap(memory) });
  return { outputs: outputsOf(memory), repairs, requests: memory.messages('dedup.repairs', 0).length, lives: 1 };
}

export interface StreamOrder {
  readonly app: string;
  readonly lines: readonly string[];
  readonly set: readonly string[];
  readonly repairMs: number;
  /** One for each process, and one to look on. */
  readonly open: () => Promise<Log>;
}

/** Sift apart from index and curate: nothing but the log lies between them. @returns what was repaired, when all is decided */
export async function streamThrough({ app, lines, set, repairMs, open }: StreamOrder): Promise<RepairRequest[]> {
  const loaded = await loadTopology('dedup', { set: [...set, `app=${app}`] });
  const topics = topicNames(app);
  const onlooker = await open();
  await onlooker.ensureTopics(topicSpecs(topics, 1, outputs, 'topic'));
  const raw = lines.map((line) => ({ value: Buffer.from(line) }));
  await onlooker.producer().append(topics.raw, 0, raw);
  const repairs: RepairRequest[] = [];
  const stateDirectory = mkdtempSync(path.join(tmpdir(), 'riffle-stream-'));
  const stop = new AbortController();
  const start = async (...stages: ProcessStage[]) =>
    runStream({
      ...loaded,
      log: await open(),
      topics,
      partitions: 1,
      stages: new Set(stages),
      stateDirectory,
      workers: 1,
      faults: { ...noFaults, repairMs },
      signal: stop.signal,
      observer: { repairing: (request) => repairs.push(request) },
      note: () => undefined,
      warn: () => undefined,
      ready: () => undefined,
    });
  try {
    const processes = Promise.all([start('controller', 'sift'), start('index', 'curate')]);
    const decided = async () => (await onlooker.progress(groups.curate, 0)) === BigInt(lines.length);
    await Promise.race([until(decided), processes]);
    stop.abort();
    await processes;
  } finally {
    stop.abort();
    rmSync(stateDirectory, { recursive: true, force: true });
  }
  return repairs;
}

const PATIENCE_MS = 60_000;

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('it never came to that');
    await new Promise((resolve) => setImmediate(resolve));
  }
}
