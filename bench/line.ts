import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { loadEvaluation } from '../src/operators/extract/evaluation.ts';
import { sharedPath } from '../src/testing/shared.ts';
import { findCorpus, firstDocuments } from './corpus.ts';
import { writeCrawl } from './crawl.ts';
import { peakBytes } from './process-tree.ts';
import { type Ran, runRiffle } from './run-riffle.ts';

/**
 * Whole topologies, from the input file to the output files, each a process of its own with default settings:
 *
 *     node bench/line.ts [dedup] [text] [web-crawl] [--corpus DIR] [--documents N] [--pages N] [--rounds N]
 *
 * User and system seconds of the whole process tree, start and compilation included.
 */
interface Line {
  readonly topology: string;
  readonly file: string;
  readonly documents: number;
  readonly bytes: number;
  /** Documents per CPU-second on a quiet core of 2.5 GHz. */
  readonly promised: number;
}

const promised: Readonly<Record<string, number>> = { dedup: 15_000, text: 3_000, 'web-crawl': 150 };
/** Of the main thread at p99.9, milliseconds. */
const LOOP_DELAY_MS = 50;

export interface LineOptions {
  readonly corpus?: string | undefined;
  readonly documents?: number;
  readonly pages?: number;
  readonly rounds?: number;
  readonly topologies?: readonly string[];
}

export async function run({
  corpus,
  documents = 100_000,
  pages = 2000,
  rounds = 1,
  topologies = ['dedup', 'text', 'web-crawl'],
}: LineOptions = {}): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'riffle-bench-'));
  try {
    const lines = [
      ...(await documentLines(topologies, corpus, documents, folder)),
      ...(topologies.includes('web-crawl') ? crawlLine(pages, folder) : []),
    ];
    if (lines.length === 0) return;
    console.log(
      `${'whole lines'.padEnd(12)} documents      MB  documents/CPU-s  MB/CPU-s   CPU s  wall s  peak RSS  loop p99.9   kept`,
    );
    for (const line of lines)
      for (let round = 0; round < rounds; round++)
        print(line, await runRiffle(line.topology, line.file, path.join(folder, 'out'), { sampleMs: 200 }));
    console.log(
      'CPU seconds of the whole process tree, start included; MB of input (of web-crawl: of HTML, unpacked).',
    );
    console.log(
      'Not measured: durability against power loss, Kafka, several machines; the corpus is read from the page cache.',
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function documentLines(
  topologies: readonly string[],
  corpus: string | undefined,
  documents: number,
  folder: string,
): Promise<Line[]> {
  const wanted = topologies.filter((topology) => topology !== 'web-crawl');
  const found = wanted.length === 0 ? undefined : findCorpus(corpus, documents, wanted.join(', '));
  if (found === undefined) return [];
  const slice = await firstDocuments(found, documents, folder);
  return wanted.map((topology) => ({ topology, ...slice, promised: promised[topology] ?? 0 }));
}

function crawlLine(count: number, folder: string): Line[] {
  const evaluation = sharedPath('data/web/trafilatura_eval');
  if (evaluation === undefined) {
    console.log(
      'web-crawl: the pages (../shared/data/web/trafilatura_eval) are not beside the repository; not measured',
    );
    return [];
  }
  const file = path.join(folder, 'crawl.warc.gz');
  const bytes = writeCrawl(file, loadEvaluation(evaluation), count);
  console.log(`web-crawl: ${count} pages, ${(statSync(file).size / 1e6).toFixed(0)} MB packed`);
  return [{ topology: 'web-crawl', file, documents: count, bytes, promised: promised['web-crawl'] ?? 0 }];
}

function print({ topology, documents, bytes, promised }: Line, { summary, cpuSeconds, seconds, memory }: Ran): void {
  if (summary.inputs !== documents)
    throw new Error(`${topology}; ${summary.inputs} of ${documents} documents were decided`);
  const rate = documents / cpuSeconds;
  const delayMs = 1000 * summary.eventLoopDelay.p999;
  const cells = [
    topology.padEnd(12),
    String(documents).padStart(9),
    (bytes / 1e6).toFixed(0).padStart(7),
    rate.toFixed(0).padStart(16),
    (bytes / 1e6 / cpuSeconds).toFixed(1).padStart(9),
    cpuSeconds.toFixed(1).padStart(7),
    seconds.toFixed(1).padStart(7),
    `${(Math.max(peakBytes(memory), summary.peakRssBytes) / 1e6).toFixed(0)} MB`.padStart(9),
    `${delayMs.toFixed(0)} ms`.padStart(11),
    `${((100 * summary.outcomes.curated) / documents).toFixed(1)} %`.padStart(7),
  ];
  const rateHolds = rate >= promised ? 'holds' : 'MISSED';
  const delayHolds = delayMs <= LOOP_DELAY_MS ? 'holds' : 'MISSED';
  console.log(`${cells.join(' ')}   >= ${promised}/CPU-s ${rateHolds}, loop <= ${LOOP_DELAY_MS} ms ${delayHolds}`);
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      corpus: { type: 'string' },
      documents: { type: 'string', default: '100000' },
      pages: { type: 'string', default: '2000' },
      rounds: { type: 'string', default: '1' },
    },
  });
  await run({
    corpus: values.corpus,
    documents: Number(values.documents),
    pages: Number(values.pages),
    rounds: Number(values.rounds),
    ...(positionals.length > 0 && { topologies: positionals }),
  });
}
