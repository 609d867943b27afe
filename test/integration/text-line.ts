/** The `text` topology over one file, in this process and over a log in memory. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadTopology } from '../../src/cli/load-topology.ts';
import { noFaults } from '../../src/runtime/context.ts';
import { inputDigest } from '../../src/runtime/state.ts';
import type { Encoder } from '../../src/scoring/encoder/encoder.ts';
import { runBounded } from '../../src/stages/run.ts';
import { outputTopics, type RunObserver } from '../../src/stages/start.ts';
import { createMemoryLog } from '../../src/testing/memory-log.ts';

export interface TextRecord {
  readonly id: string;
  readonly text: string;
  readonly signals: Readonly<Record<string, unknown>>;
  readonly decision: { readonly outcome: string; readonly reason: string | null; readonly topic: string };
  readonly position: { readonly topic: string; readonly partition: string; readonly offset: string };
}

export interface TextLine {
  readonly file: string;
  readonly set: readonly string[];
  readonly encoders?: readonly Encoder[];
  readonly observer?: RunObserver;
  readonly workers?: number;
}

/** Output topic → its records, in the order of their commits. */
export async function runText({
  file,
  set,
  encoders = [],
  observer = {},
  workers = 1,
}: TextLine): Promise<Map<string, TextRecord[]>> {
  const loaded = await loadTopology('text', { set });
  const memory = createMemoryLog();
  const stateDirectory = mkdtempSync(path.join(tmpdir(), 'riffle-text-'));
  const { size: sizeBytes } = statSync(file);
  try {
    await runBounded({
      ...loaded,
      encoders,
      log: { ...memory, trim: async () => ({ more: false }), finish: async () => undefined },
      inputs: [{ path: file, name: path.basename(file), sizeBytes, digest: inputDigest(file) }],
      ends: [],
      stateDirectory,
      workers,
      faults: noFaults,
      signal: new AbortController().signal,
      observer,
    });
  } finally {
    rmSync(stateDirectory, { recursive: true, force: true });
  }
  const topics = outputTopics(loaded.policy);
  return new Map(
    topics.map((name) => [
      name,
      memory
        .messages(`${loaded.config.app}.${name}`, 0)
        .map(({ value }) => JSON.parse(Buffer.from(value).toString()) as TextRecord),
    ]),
  );
}
