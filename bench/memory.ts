import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { findCorpus, firstDocuments, type Slice } from './corpus.ts';
import { peakBytes, type Sample } from './process-tree.ts';
import { median, runRiffle } from './run-riffle.ts';

/**
 * Resident memory of whole runs over time:
 *
 *     node bench/memory.ts --corpus DIR [--documents 1000000] [--text-documents 200000]
 *
 * Flat means: after the first quarter of the run, nothing that grows with the documents but the index, whose tables are
 * allocated as they fill up and end at a size that the configuration gives.
 */
export interface MemoryOptions {
  readonly corpus?: string | undefined;
  readonly documents?: number;
  readonly textDocuments?: number;
}

const LIMIT_BYTES = 1.5e9;
const ROWS = 20;

export async function run({
  corpus,
  documents = 1_000_000,
  textDocuments = 200_000,
}: MemoryOptions = {}): Promise<void> {
  const found = findCorpus(corpus, documents, 'memory');
  if (found === undefined) return;
  const folder = mkdtempSync(path.join(tmpdir(), 'riffle-bench-'));
  try {
    for (const [topology, count] of [
      ['dedup', documents],
      ['text', textDocuments],
    ] as const) {
      if (count === 0) continue;
      const slice = await firstDocuments(found, count, folder);
      if (slice.documents < count) console.log(`memory: the corpus has only ${slice.documents} of ${count} documents`);
      if (!hasRoom(folder, slice)) continue;
      await curve(topology, slice, path.join(folder, 'out'));
      rmSync(path.join(folder, 'out'), { recursive: true, force: true });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The output is as large as the input, and signals; the log holds what is on its way. */
function hasRoom(folder: string, { bytes }: Slice): boolean {
  const { bavail, bsize } = statfsSync(folder);
  const [have, need] = [bavail * bsize, 1.5 * bytes + 2e9];
  if (have >= need) return true;
  console.log(`memory: ${folder} has ${gigabytes(have)} free, ${gigabytes(need)} are needed; set TMPDIR; not measured`);
  return false;
}

async function curve(topology: string, { file, documents, bytes }: Slice, output: string): Promise<void> {
  const { memory, cpuSeconds, seconds, summary } = await runRiffle(topology, file, output, { sampleMs: 1000 });
  console.log(
    `${topology}: ${documents} documents, ${gigabytes(bytes)}, ${seconds.toFixed(0)} s, ${cpuSeconds.toFixed(0)} CPU-s, ${(documents / cpuSeconds).toFixed(0)} documents/CPU-s`,
  );
  if (memory.length === 0) {
    console.log(`  no /proc on this machine: only the peak, ${gigabytes(summary.peakRssBytes)}`);
    return;
  }
  const highest = peakBytes(memory);
  for (const { seconds: at, bytes: resident } of coarse(memory))
    console.log(
      `  ${at.toFixed(0).padStart(6)} s  ${(resident / 1e6).toFixed(0).padStart(6)} MB  ${'#'.repeat(Math.round((50 * resident) / LIMIT_BYTES))}`,
    );
  const quarters = [0, 1, 2, 3].map((quarter) => {
    const part = memory.slice(
      Math.floor((quarter * memory.length) / 4),
      Math.floor(((quarter + 1) * memory.length) / 4),
    );
    return part.length === 0 ? 0 : median(part.map(({ bytes: resident }) => resident));
  });
  const growth = (quarters[3]! - quarters[1]!) / (documents / 2);
  console.log(
    `  median of each quarter ${quarters.map((resident) => `${(resident / 1e6).toFixed(0)} MB`).join(', ')}: from the second to the fourth ${growth.toFixed(0)} bytes a document`,
  );
  const peak = Math.max(highest, summary.peakRssBytes);
  console.log(`  peak ${gigabytes(peak)}   <= ${gigabytes(LIMIT_BYTES)} ${peak <= LIMIT_BYTES ? 'holds' : 'MISSED'}`);
}

/** The largest sample of each stretch of time. */
function coarse(memory: readonly Sample[]): Sample[] {
  const step = Math.max(1, Math.ceil(memory.length / ROWS));
  const rows: Sample[] = [];
  for (let i = 0; i < memory.length; i += step)
    rows.push(memory.slice(i, i + step).reduce((a, b) => (b.bytes > a.bytes ? b : a)));
  return rows;
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(2)} GB`;

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      corpus: { type: 'string' },
      documents: { type: 'string', default: '1000000' },
      'text-documents': { type: 'string', default: '200000' },
    },
  });
  await run({
    corpus: values.corpus,
    documents: Number(values.documents),
    textDocuments: Number(values['text-documents']),
  });
}
