/** A bounded run in this process, over a log in memory. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadTopology } from '../../src/cli/load-topology.ts';
import { noFaults } from '../../src/runtime/context.ts';
import { inputDigest } from '../../src/runtime/state.ts';
import type { RepairRequest } from '../../src/stages/repair.ts';
import { type BoundedLog, runBounded } from '../../src/stages/run.ts';
import { createMemoryLog } from '../../src/testing/memory-log.ts';

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
  const linesOf = (name: string) =>
    memory.messages(`dedup.${name}`, 0).map(({ value }) => Buffer.from(value).toString());
  return {
    outputs: new Map(outputs.map((name) => [name, linesOf(name)])),
    repairs,
    requests: memory.messages('dedup.repairs', 0).length,
  };
}
