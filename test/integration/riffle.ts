/** Runs the command in a process of its own, as a user would, and reads what it wrote. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import type { Summary } from '../../src/cli/summary.ts';

const entry = path.resolve(import.meta.dirname, '../../bin/riffle.js');

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** What `--json` printed; undefined when the run failed. */
  readonly summary: Summary | undefined;
}

export interface Running {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
}

/** No rule rejects and nothing is sampled: whatever can be read is curated, though every operator still runs. */
export const keepAll = [
  'language.minConfidence=0',
  'rules.decide=[]',
  'policy.gates=[]',
  'policy.quality=[]',
  'policy.control.rate=0',
];

export interface Order {
  readonly topology: string;
  readonly input: readonly string[];
  readonly output: string;
  readonly set?: readonly string[];
  readonly more?: readonly string[];
  readonly cwd?: string;
  /** With the faults of faults.mjs in its threads. */
  readonly faults?: boolean;
}

export function startRiffle({ topology, input, output, set = [], more = [], cwd, faults }: Order): Running {
  const flags = [
    ...input.flatMap((one) => ['--input', one]),
    ...set.flatMap((one) => ['--set', one]),
    ...['--output', output, '--no-http', '--json', '--log-level', 'warn'],
    ...more,
  ];
  const options = `${process.env.NODE_OPTIONS ?? ''} --import ${path.join(import.meta.dirname, 'faults.mjs')}`;
  const child = spawn(process.execPath, [entry, 'run', topology, ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
    ...(faults === true ? { env: { ...process.env, NODE_OPTIONS: options } } : {}),
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const finished = new Promise<Finished>((resolve) =>
    child.on('close', (code, signal) => {
      const summary = stdout === '' ? undefined : (JSON.parse(stdout) as Summary);
      resolve({ code, signal, stdout, stderr, summary });
    }),
  );
  return { child, finished };
}

export const riffle = (order: Order): Promise<Finished> => startRiffle(order).finished;

/** A folder that is gone when the test is. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'riffle-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
