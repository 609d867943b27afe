import path from 'node:path';
import { parseArgs } from 'node:util';
import { createFingerprinter, type DedupOptions, dedupOptionsSchema, sketchLayout } from '../src/dedup/dedup.ts';
import { createExactKeys } from '../src/dedup/exact-keys.ts';
import { createHistory } from '../src/dedup/history.ts';
import { newVerdicts, type SketchBatch } from '../src/dedup/sketch.ts';
import { createWindow } from '../src/dedup/window.ts';
import { createPlainJsonReader } from '../src/operators/decode/plain-json.ts';
import { linesOf } from './dedup-corpus.ts';

/**
 * Speed of the near-duplicate kernels on one thread: documents per CPU-second (user + system, of this process).
 *
 *     node bench/dedup-kernels.ts [CORPUS_DIR] [--documents N]
 *
 * CORPUS_DIR is made by make_corpus.py; without it, texts of random words of the same mean length are used.
 * Not measured: reading the file, finding the lines, the log, writing results, starting the process.
 */
const BATCH = 1024;

interface Figure {
  readonly what: string;
  readonly documents: number;
  readonly bytes: number;
  readonly cpuSeconds: number;
  readonly promised?: number;
}

function cpuSeconds(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** The best of `runs`: other work on the machine only ever adds. */
function best(runs: number, work: () => void): number {
  return Math.min(...Array.from({ length: runs }, () => cpuSeconds(work)));
}

function records(corpus: string | undefined, count: number): Buffer[] {
  if (corpus !== undefined)
    return Array.from(linesOf(path.join(corpus, 'corpus.jsonl'), count), (line) => Buffer.from(line));
  const word = () => Math.floor(Math.random() * 60_000).toString(36);
  return Array.from({ length: count }, (_, i) =>
    Buffer.from(JSON.stringify({ id: `d${i}`, text: Array.from({ length: 700 }, word).join(' ') })),
  );
}

function fingerprintFigures(options: DedupOptions, lines: Buffer[], sketches: Uint8Array): Figure[] {
  const fingerprinter = createFingerprinter(options);
  const { stride } = fingerprinter;
  const bytes = lines.reduce((sum, line) => sum + line.length, 0);
  const reader = createPlainJsonReader();
  const textOf = (line: Buffer) => (JSON.parse(line.toString()) as { text: string }).text;
  const whole = best(10, () =>
    lines.forEach((line, i) =>
      fingerprinter.fingerprint(reader.read(line)?.text ?? textOf(line), sketches, i * stride),
    ),
  );
  const read = best(10, () => lines.forEach((line) => reader.read(line)));
  const parse = best(10, () => lines.forEach((line) => textOf(line)));
  const texts = lines.map(textOf);
  const strings = best(10, () => texts.forEach((text, i) => fingerprinter.fingerprint(text, sketches, i * stride)));
  const utf8 = texts.map((text) => new TextEncoder().encode(text));
  const buffers = best(10, () => utf8.forEach((text, i) => fingerprinter.fingerprint(text, sketches, i * stride)));
  const documents = lines.length;
  return [
    { what: 'JSON record to band keys', documents, bytes, cpuSeconds: whole, promised: 45_000 },
    { what: '  of it: JSON record to text', documents, bytes, cpuSeconds: read },
    { what: '  (JSON.parse instead)', documents, bytes, cpuSeconds: parse },
    { what: '  string to sketch', documents, bytes, cpuSeconds: strings },
    { what: '  UTF-8 bytes to sketch', documents, bytes, cpuSeconds: buffers },
  ];
}

function indexFigures(options: DedupOptions, count: number, sketches: Uint8Array): Figure[] {
  const { stride } = sketchLayout(options);
  const batches = Array.from({ length: Math.ceil(count / BATCH) }, (_, i): SketchBatch => {
    const size = Math.min(BATCH, count - i * BATCH);
    const at = i * BATCH * stride;
    return {
      count: size,
      kinds: new Uint8Array(size).fill(2),
      partitions: new Uint32Array(size),
      offsets: new BigInt64Array(size),
      sketches: sketches.subarray(at, at + size * stride),
    };
  });
  const codes = new Uint8Array(BATCH).fill(1);
  const [masks, places, verdicts] = [new Uint32Array(BATCH), new Float64Array(BATCH), newVerdicts(BATCH)];
  const history = best(5, () => {
    const fresh = createHistory(options, 0);
    for (const batch of batches) fresh.decide(batch.sketches, codes.subarray(0, batch.count), stride);
  });
  const window = best(5, () => {
    const fresh = createWindow(options);
    for (const batch of batches) fresh.decide(batch, codes.subarray(0, batch.count), verdicts, masks, places);
  });
  const exact = best(5, () => {
    const fresh = createExactKeys(options.exact.documents);
    const words = new Uint32Array(sketches.buffer);
    for (let i = 0; i < count; i++) {
      const at = (i * stride + sketchLayout(options).exactAt) / 4;
      fresh.see(words[at]!, words[at + 1]!, true, 0, i, 0);
    }
  });
  const bytes = count * stride;
  return [
    { what: 'history', documents: count, bytes, cpuSeconds: history, promised: 300_000 },
    { what: 'window', documents: count, bytes, cpuSeconds: window, promised: 60_000 },
    { what: 'exact keys', documents: count, bytes, cpuSeconds: exact },
  ];
}

export function run(corpus?: string, documents = 10_000): void {
  const options = dedupOptionsSchema.parse({});
  const { stride } = sketchLayout(options);
  const lines = records(corpus, documents);
  const sketches = new Uint8Array(lines.length * stride);
  const figures = fingerprintFigures(options, lines, sketches);
  figures.push(...indexFigures(options, lines.length, sketches));
  console.log(
    `dedup kernels, one thread, ${lines.length} ${corpus === undefined ? 'made-up texts' : 'documents of the corpus'}, ${stride} bytes a sketch`,
  );
  for (const { what, bytes, cpuSeconds, promised } of figures) {
    const rate = Math.round(lines.length / cpuSeconds);
    const promise = promised === undefined ? '' : `   >= ${promised} ${rate >= promised ? 'holds' : 'MISSED'}`;
    const micros = ((1e6 * cpuSeconds) / lines.length).toFixed(1);
    console.log(
      `  ${what.padEnd(28)} ${String(rate).padStart(8)} documents/CPU-s ${(bytes / cpuSeconds / 1e6).toFixed(0).padStart(6)} MB/s ${micros.padStart(7)} us${promise}`,
    );
  }
  console.log('  not measured: reading the file, finding lines, the log, output, process start');
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { documents: { type: 'string' } } });
  run(positionals[0], values.documents === undefined ? undefined : Number(values.documents));
}
