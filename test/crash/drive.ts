/** Runs the child until it is done, killing it on the way, and reads what came out. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { ChildOrder } from './child.ts';

export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function runChild(order: ChildOrder): Promise<ChildEnd> {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'child.ts'), JSON.stringify(order)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr })));
}

/** Output topic → its lines. */
export function readOutputs(directory: string): Map<string, string[]> {
  const outputs = new Map<string, string[]>();
  if (!existsSync(directory)) return outputs;
  for (const name of readdirSync(directory).sort()) {
    if (!/\.jsonl(?:\.partial)?$/.test(name)) continue;
    const text = readFileSync(path.join(directory, name), 'utf8');
    outputs.set(name.replace(/\.partial$/, ''), text === '' ? [] : text.replace(/\n$/, '').split('\n'));
  }
  return outputs;
}

/** How often each source position occurs over all outcomes; the control sample holds copies and does not count. */
export function positionsOf(outputs: ReadonlyMap<string, readonly string[]>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [topic, lines] of outputs) {
    if (topic.startsWith('control.')) continue;
    for (const line of lines) {
      const { position } = JSON.parse(line) as { position: { partition: string; offset: string } };
      const key = `${path.basename(position.partition)}@${position.offset}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  return counts;
}
