/** Riffle as its users call it: in a process of its own, or (faster) the run command inside this one. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadTopology } from '../../src/cli/load-topology.ts';
import { run, type RunOptions } from '../../src/cli/run.ts';
import type { Summary } from '../../src/cli/summary.ts';
import { noFaults } from '../../src/runtime/context.ts';
import { silentTerminal } from '../../src/testing/terminal.ts';

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const bin = path.join(import.meta.dirname, '../../bin/riffle.js');

/** `meanwhile` gets the process while it runs. */
export function riffle(
  args: readonly string[],
  { stdin, cwd, meanwhile }: { stdin?: string; cwd?: string; meanwhile?: (child: ChildProcess) => void } = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [bin, ...args], { cwd, stdio: ['pipe', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.on('error', () => undefined);
  child.stdin.end(stdin ?? '');
  meanwhile?.(child);
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })));
}

/** `riffle run dedup` in this process with one worker thread. */
export async function runDedup(options: Pick<RunOptions, 'input' | 'output'> & Partial<RunOptions>): Promise<Summary> {
  const set = ['workers=1', ...(options.set ?? [])];
  const all = { http: false, logLevel: 'error', ...options, set };
  const { summary } = await run(await loadTopology('dedup', all), all, silentTerminal, noFaults);
  return summary;
}

export function temporaryFolder(): string {
  return mkdtempSync(path.join(tmpdir(), 'riffle-integration-'));
}

export const remove = (folder: string): void => rmSync(folder, { recursive: true, force: true });

/** Different documents, long enough to have a sketch. */
export function documentText(n: number): string {
  return Array.from({ length: 60 }, (_, i) => `w${(n * 7919 + i * 104_729) % 99_991}`).join(' ');
}

export function writeLines(file: string, lines: readonly (object | string)[]): string {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''));
  return file;
}

/** Name → bytes of every file of a folder, those of the state left out. */
export function filesOf(folder: string): Map<string, Buffer> {
  const names = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(names.map(({ name }): [string, Buffer] => [name, readFileSync(path.join(folder, name))]));
}

/** Records of a file of JSON lines. */
export function recordsOf(file: string): Record<string, unknown>[] {
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}
