import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { arch, cpus, freemem, loadavg, platform, totalmem } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { type Corpus, findCorpus } from './corpus.ts';

/**
 * Every figure that the project promises, printed:
 *
 *     npm run bench [-- [name…] [--corpus DIR] [--documents N]]
 *
 * Each bench is a process of its own, so that none runs on code that another one has warmed up or worn out.
 */
interface Bench {
  readonly about: string;
  /** optional: says something without a corpus too; required: nothing at all. */
  readonly corpus?: 'optional' | 'required';
  readonly args: (corpus: Corpus | undefined, documents: number) => readonly string[];
}

const none = (): string[] => [];
const onCorpus: Bench['args'] = (corpus, documents) => [
  ...(corpus === undefined ? [] : ['--corpus', corpus.folder]),
  '--documents',
  String(documents),
];

const benches: Readonly<Record<string, Bench>> = {
  fixtures: { about: 'rules against rows that datatrove itself made', args: none },
  decode: { about: 'WARC, JSON lines, Parquet', args: none },
  extract: { about: 'main text: quality and speed, beside Readability', args: none },
  language: { about: 'language identification', args: none },
  filters: {
    about: 'the four rule profiles',
    corpus: 'optional',
    args: (corpus) => (corpus === undefined ? [] : ['--corpus', corpus.file]),
  },
  scoring: { about: 'tokenizer, stage 0, batches, the encoder on processor and GPU', args: none },
  'dedup-kernels': {
    about: 'fingerprints, history, window',
    corpus: 'optional',
    args: (corpus) => (corpus === undefined ? [] : [corpus.folder]),
  },
  'dedup-quality': {
    about: 'near-duplicates against exact Jaccard similarity',
    corpus: 'required',
    args: (corpus, documents) => (corpus === undefined ? [] : [corpus.folder, '--limit', String(documents)]),
  },
  log: { about: 'the embedded log', args: none },
  schemas: { about: 'messages in Avro and JSON Schema', args: none },
  'event-loop': { about: 'delay of the main thread', args: none },
  line: { about: 'whole topologies', corpus: 'optional', args: onCorpus },
  peers: { about: 'whole topologies beside gaoya and datatrove', corpus: 'required', args: onCorpus },
  memory: {
    about: 'memory over time; the promise is for --documents 1000000',
    corpus: 'required',
    args: (corpus, documents) => [...onCorpus(corpus, documents), '--text-documents', String(Math.ceil(documents / 5))],
  },
};

/** Runs the named benches, or all, in order. Returns the names of those that failed. */
export function run(names: readonly string[], given: string | undefined, documents: number): string[] {
  const chosen = (names.length === 0 ? Object.keys(benches) : names).filter((name) => existsSync(fileOf(name)));
  build();
  header();
  const wanted = chosen.some((name) => benches[name]?.corpus !== undefined);
  const corpus = wanted ? findCorpus(given, documents, 'what needs a corpus') : undefined;
  return chosen.filter((name) => {
    const { about, args, corpus: need } = benches[name]!;
    console.log(`\n== ${name}: ${about} (load ${load()})`);
    if (need === 'required' && corpus === undefined) {
      console.log('no corpus; not measured');
      return false;
    }
    const { status } = spawnSync(process.execPath, [fileOf(name), ...args(corpus, documents)], { stdio: 'inherit' });
    if (status !== 0) console.log(`${name} ended with ${status}`);
    return status !== 0;
  });
}

const fileOf = (name: string): string => path.join(import.meta.dirname, `${name}.ts`);

/** On a fresh clone the kernels are not there yet; otherwise this does nothing. */
function build(): void {
  const { status } = spawnSync(process.execPath, [path.join(import.meta.dirname, '../kernels/build.ts')], {
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error('kernels; they could not be built; run npm ci, then npm run build:kernels');
}

function header(): void {
  const [{ model } = { model: 'unknown' }] = cpus();
  console.log(
    `${model.trim()}, ${cpus().length} cores, ${(totalmem() / 1e9).toFixed(0)} GB (${(freemem() / 1e9).toFixed(0)} free), ${platform()} ${arch()}, Node ${process.version}, load ${load()}`,
  );
  console.log(
    'A CPU-second is user and system time. Other work on the machine makes it do less: compare ratios in one run.',
  );
  console.log('Not measured anywhere: slow disks, Kafka, several machines, GPUs.');
}

const load = (): string =>
  loadavg()
    .map((n) => n.toFixed(1))
    .join(' ');

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { corpus: { type: 'string' }, documents: { type: 'string', default: '100000' } },
  });
  const unknown = positionals.find((name) => !(name in benches));
  if (unknown === undefined) {
    const failed = run(positionals, values.corpus, Number(values.documents));
    if (failed.length > 0) console.log(`\nfailed: ${failed.join(', ')}`);
    process.exitCode = failed.length > 0 ? 1 : 0;
  } else {
    console.log(`bench ${unknown}; there is none of this name; one of ${Object.keys(benches).join(', ')}`);
    process.exitCode = 2;
  }
}
