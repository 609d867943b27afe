/** A bounded run, and a stream, in this process and over a log in memory. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadTopology } from '../../src/cli/load-topology.ts';
import type { Log } from '../../src/log/port.ts';
import { noFaults } from '../../src/runtime/context.ts';
import { inputDigest } from '../../src/runtime/state.ts';
import { groups, topicNames, topicSpecs } from '../../src/runtime/topics.ts';
import type { RepairRequest } from '../../src/stages/repair.ts';
import { type BoundedLog, runBounded } from '../../src/stages/run.ts';
import { type ProcessStage, runStream } from '../../src/stages/stream.ts';
import { createMemoryLog, type MemoryLog } from '../../src/testing/memory-log.ts';

const outputs = ['curated.main', 'rejected', 'dead-letter'];

export interface InMemory {
  /** Output topic → its lines. */
  readonly outputs: ReadonlyMap<string, readonly string[]>;
  readonly repairs: readonly RepairRequest[];
  /** Messages on the topic of requests. */
  readonly requests: number;
}

export interface InMemoryOrder {
  readonly input: readonly string[];
  readonly set: readonly string[];
  readonly repairMs: number;
  readonly wrap?: (log: BoundedLog) => BoundedLog;
}

/** `dedup` over the input. */
export async function runInMemory({ input, set, repairMs, wrap = (log) => log }: InMemoryOrder): Promise<InMemory> {
  const loaded = await loadTopology('dedup', { set });
  const memory = createMemoryLog();
  const repairs: RepairRequest[] = [];
  const stateDirectory = mkdtempSync(path.join(tmpdir(), 'riffle-memory-'));
  try {
    const { complete } = await runBounded({
      ...loaded,
      log: wrap({ ...memory, trim: async () => ({ more: false }), finish: async () => undefined }),
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
    if (!complete) throw new Error('the run was stopped');
  } finally {
    rmSync(stateDirectory, { recursive: true, force: true });
  }
  return { outputs: outputsOf(memory), repairs, requests: memory.messages('dedup.repairs', 0).length };
}

const outputsOf = (memory: MemoryLog): Map<string, string[]> =>
  new Map(outputs.map((name) => [name, memory.messages(`dedup.${name}`, 0).map(textOf)]));

const textOf = ({ value }: { readonly value: Uint8Array }) => Buffer.from(value).toString();

export interface StreamOrder {
  readonly lines: readonly string[];
  readonly set: readonly string[];
  readonly repairMs: number;
  readonly wrap?: (log: Log) => Log;
}

/** The lines through one partition of a raw topic, sift apart from index and curate: nothing but the log lies between them. */
export async function streamInMemory({ lines, set, repairMs, wrap = (log) => log }: StreamOrder): Promise<InMemory> {
  const loaded = await loadTopology('dedup', { set });
  const topics = topicNames('dedup');
  const memory = createMemoryLog(() => 0);
  await memory.ensureTopics(topicSpecs(topics, 1, outputs, 'topic'));
  await memory.producer().append(
    topics.raw,
    0,
    lines.map((line) => ({ value: Buffer.from(line) })),
  );
  const repairs: RepairRequest[] = [];
  const stateDirectory = mkdtempSync(path.join(tmpdir(), 'riffle-memory-'));
  const stop = new AbortController();
  const log = wrap(memory);
  const start = (...stages: ProcessStage[]) =>
    runStream({
      ...loaded,
      log,
      topics,
      partitions: 1,
      stages: new Set(stages),
      stateDirectory,
      workers: 1,
      faults: { ...noFaults, repairMs },
      signal: stop.signal,
      observer: { repairing: (request) => repairs.push(request) },
      note: () => undefined,
      ready: () => undefined,
    });
  try {
    const processes = Promise.all([start('controller', 'sift'), start('index', 'curate')]);
    const decided = async () => (await memory.progress(groups.curate, 0)) === BigInt(lines.length);
    await Promise.race([until(decided), processes]);
    stop.abort();
    await processes;
  } finally {
    rmSync(stateDirectory, { recursive: true, force: true });
  }
  return { outputs: outputsOf(memory), repairs, requests: memory.messages(topics.repairs, 0).length };
}

const PATIENCE_MS = 60_000;

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('it never came to that');
    await new Promise((resolve) => setImmediate(resolve));
  }
}
