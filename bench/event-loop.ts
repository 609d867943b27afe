/** Delay of the main thread's event loop during whole runs: `node bench/event-loop.ts [documents.jsonl]`. The limit is 50 ms at p99.9. */
import { spawnSync } from 'node:child_process';
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Summary } from '../src/cli/summary.ts';
import { writeDocuments } from '../test/crash/documents.ts';

const LIMIT_MS = 50;
const DOCUMENTS = 20_000;

/** The first documents of a file, or made ones. Not measured: start of the process before the stages' modules are loaded. */
export async function run(corpus?: string): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'riffle-event-loop-'));
  try {
    const input = path.join(folder, 'in.jsonl');
    if (corpus === undefined) writeDocuments(input, DOCUMENTS, 1);
    else writeFileSync(input, await firstLines(corpus));
    console.log(`${corpus ?? 'made documents'}: ${DOCUMENTS} records; start and reading of tables included; ms`);
    console.log('topology      p50      p99    p99.9   limit');
    for (const topology of ['dedup', 'text']) {
      const entry = path.resolve(import.meta.dirname, '../bin/riffle.js');
      const args = [entry, 'run', topology, '--input', input, '--output', path.join(folder, topology)];
      const done = spawnSync(process.execPath, [...args, '--json', '--no-http', '--log-level', 'error']);
      if (done.status !== 0) throw new Error(`${topology}; exit ${done.status}: ${done.stderr.toString()}`);
      const { p50, p99, p999 } = (JSON.parse(done.stdout.toString()) as Summary).eventLoopDelay;
      const cells = [p50, p99, p999].map((seconds) => (seconds * 1000).toFixed(1).padStart(9)).join('');
      console.log(
        `${topology.padEnd(8)}${cells}${String(LIMIT_MS).padStart(8)}${p999 * 1000 > LIMIT_MS ? '  over' : ''}`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function firstLines(corpus: string): Promise<string> {
  const lines: string[] = [];
  for await (const line of createInterface({ input: createReadStream(corpus), crlfDelay: Number.POSITIVE_INFINITY })) {
    lines.push(line);
    if (lines.length === DOCUMENTS) break;
  }
  return `${lines.join('\n')}\n`;
}

if (import.meta.main) await run(process.argv[2]);
