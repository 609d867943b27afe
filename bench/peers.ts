import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { dedupOptionsSchema } from '../src/dedup/dedup.ts';
import { sharedPath } from '../src/testing/shared.ts';
import { type Corpus, findCorpus, firstDocuments, type Slice } from './corpus.ts';
import { bins, scoreOf, type Truth, truthOf } from './dedup-corpus.ts';
import { measureQuality } from './dedup-quality.ts';
import { measure, peakBytes, type Spent } from './process-tree.ts';
import { median, runRiffle } from './run-riffle.ts';
import { keptIn, writeVerdicts } from './verdict-file.ts';

/**
 * Riffle beside what one would use instead, in turns in the same minutes, because no two minutes of a shared machine are alike:
 *
 *     node bench/peers.ts [--corpus DIR] [--documents N] [--rounds N] [--no-compare]
 *
 * The peers are used where they are installed: `PEERS_HOME=… ../shared/peers/run.sh CORPUS gaoya datatrove-e2e` builds them.
 */
export interface PeerOptions {
  readonly corpus?: string | undefined;
  readonly documents?: number;
  readonly rounds?: number;
  /** Also score Riffle's index alone, in this process, on the same documents: it must decide the same. */
  readonly compare?: boolean;
}

const DATATROVE_DOCUMENTS = 2000;
const PROMISED_RATIO = 2;

interface Place {
  readonly folder: string;
  readonly output: string;
  readonly home: string;
}

export async function run({
  corpus,
  documents = 100_000,
  rounds = 3,
  compare = true,
}: PeerOptions = {}): Promise<void> {
  const found = findCorpus(corpus, documents, 'peers');
  if (found === undefined) return;
  const folder = mkdtempSync(path.join(tmpdir(), 'riffle-bench-'));
  const home = process.env.PEERS_HOME ?? path.join(tmpdir(), 'peers-run');
  const place: Place = { folder, home, output: path.join(folder, 'out') };
  try {
    const slice = await firstDocuments(found, documents, folder);
    await besideGaoya(slice, rounds, place);
    quality(found, slice, place, compare);
    await besideDatatrove(found, slice, place);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function besideGaoya(slice: Slice, rounds: number, { folder, output, home }: Place): Promise<void> {
  const gaoya = path.join(home, 'target/release/gaoya_peer');
  const installed = existsSync(gaoya);
  if (!installed) console.log(missing('gaoya', 'gaoya', home));
  header(`near-duplicates, ${slice.documents} documents, ${(slice.bytes / 1e6).toFixed(0)} MB`);
  const spent: { riffle: number[]; gaoya: number[] } = { riffle: [], gaoya: [] };
  for (let round = 0; round < rounds; round++) {
    if (installed) {
      const peer = await measure([gaoya, slice.file, path.join(folder, 'gaoya.jsonl')]);
      if (peer.status !== 0) throw new Error(`gaoya; ended with ${peer.status}: ${peer.stderr}`);
      spent.gaoya.push(peer.cpuSeconds);
      row('gaoya 0.2.2 (Rust)', slice, peer);
    }
    const ours = await runRiffle('dedup', slice.file, output);
    spent.riffle.push(ours.cpuSeconds);
    row('riffle run dedup', slice, ours);
  }
  if (!installed) return;
  const ratio = median(spent.gaoya) / median(spent.riffle);
  const each = spent.gaoya.map((seconds, i) => (seconds / spent.riffle[i]!).toFixed(2)).join(', ');
  const verdict = ratio >= PROMISED_RATIO ? 'holds' : 'MISSED';
  console.log(`riffle is ${ratio.toFixed(2)} x gaoya (medians; ${each})   >= ${PROMISED_RATIO} ${verdict}`);
}

/** What the last `dedup` run kept, against the corpus's truth. */
function quality(corpus: Corpus, slice: Slice, { folder, output }: Place, compare: boolean): void {
  const verdicts = keptIn(output);
  if (verdicts.size !== slice.documents)
    throw new Error(`${slice.documents} documents went in, ${verdicts.size} came out`);
  const truth = truthOf(corpus.folder);
  const kept = new Map([...verdicts].map(([id, verdict]) => [id, verdict.kept]));
  printScore('riffle, from its output files', truth, kept);
  const files = [
    { label: 'riffle', file: path.join(folder, 'riffle.jsonl') },
    { label: 'gaoya', file: path.join(folder, 'gaoya.jsonl') },
  ];
  writeVerdicts(files[0]!.file, verdicts);
  scoreByPeers(corpus, files);
  if (!compare) return;
  const alone = measureQuality(corpus.folder, dedupOptionsSchema.parse({}), slice.documents).find(
    ({ name }) => name === 'window',
  );
  const different = [...kept].filter(([id, stays]) => alone?.kept.get(id) !== stays).length;
  console.log(`the index alone (npm run bench dedup-quality) decides otherwise on ${different} documents`);
}

function printScore(title: string, truth: Map<string, Truth>, kept: Map<string, boolean>): void {
  const { recall, exact, lost, unique, crowd, crowdLost } = scoreOf(truth, kept);
  const shares = bins.map(
    ([low, high], i) => `${high > 1 ? 'reformatted' : `${low} to ${high}`} ${(100 * recall[i]!).toFixed(2)} %`,
  );
  console.log(
    `${title}: removed of pairs with J ${shares.join(', ')}; exact ${(100 * exact).toFixed(2)} %; unrelated lost ${lost} of ${unique}; crowd lost ${crowdLost} of ${crowd}`,
  );
}

function scoreByPeers({ folder }: Corpus, files: readonly { label: string; file: string }[]): void {
  const script = sharedPath('peers/score_dedup.py');
  if (script === undefined || spawnSync('python3', ['--version']).status !== 0) {
    console.log("score_dedup.py: it, or python3, is not here; the peers' own table is left out");
    return;
  }
  files
    .filter(({ file }) => existsSync(file))
    .forEach(({ label, file }, i) => {
      const { stdout } = spawnSync('python3', [
        script,
        folder,
        file,
        '--label',
        label,
        ...(i === 0 ? ['--header'] : []),
      ]);
      process.stdout.write(stdout);
    });
}

/** The whole line: datatrove's four filters and MinHash, against `text`, which also scores and routes. */
async function besideDatatrove(corpus: Corpus, whole: Slice, { folder, output, home }: Place): Promise<void> {
  const python = path.join(home, 'v/bin/python');
  const script = sharedPath('peers/peer_datatrove.py');
  if (script === undefined || spawnSync(python, ['-c', 'import datatrove']).status !== 0) {
    console.log(missing('datatrove', 'datatrove-e2e', home));
    return;
  }
  const input = path.join(folder, 'datatrove');
  mkdirSync(input);
  const slice = await firstDocuments(corpus, DATATROVE_DOCUMENTS, input);
  header('quality rules and near-duplicates, JSON lines to JSON lines');
  const peer = await measure(
    [python, script, 'e2e', input, path.join(folder, 'datatrove.jsonl'), path.join(folder, 'work'), '1'],
    {
      env: {
        RAYON_NUM_THREADS: '1',
        OMP_NUM_THREADS: '1',
        OPENBLAS_NUM_THREADS: '1',
        TOKENIZERS_PARALLELISM: 'false',
        PYTHONPATH: path.dirname(script),
      },
    },
  );
  if (peer.status !== 0) {
    console.log(`datatrove; ended with ${peer.status}: ${peer.stderr.slice(-300)}`);
    return;
  }
  row('datatrove 0.10.1', slice, peer);
  row('riffle run text', slice, await runRiffle('text', slice.file, output));
  const ours = await runRiffle('text', whole.file, output);
  row('riffle run text', whole, ours);
  const ratio = whole.documents / ours.cpuSeconds / (slice.documents / peer.cpuSeconds);
  console.log(
    `riffle on ${whole.documents} documents is ${ratio.toFixed(0)} x datatrove on ${slice.documents}: both pay for their start, datatrove is too slow for more`,
  );
}

const missing = (name: string, target: string, home: string): string =>
  `${name}: not installed in ${home} (PEERS_HOME); ../shared/peers/run.sh CORPUS ${target} does it; not measured`;

function header(title: string): void {
  console.log(title);
  console.log('program              documents  documents/CPU-s  MB/CPU-s   CPU s  wall s  peak RSS');
}

function row(program: string, { documents, bytes }: Slice, { cpuSeconds, seconds, memory }: Spent): void {
  const cells = [
    program.padEnd(20),
    String(documents).padStart(9),
    (documents / cpuSeconds).toFixed(0).padStart(16),
    (bytes / 1e6 / cpuSeconds).toFixed(1).padStart(9),
    cpuSeconds.toFixed(1).padStart(7),
    seconds.toFixed(1).padStart(7),
    `${(peakBytes(memory) / 1e6).toFixed(0)} MB`.padStart(9),
  ];
  console.log(cells.join(' '));
}

if (import.meta.main) {
  const { values } = parseArgs({
    allowNegative: true,
    options: {
      corpus: { type: 'string' },
      documents: { type: 'string', default: '100000' },
      rounds: { type: 'string', default: '3' },
      compare: { type: 'boolean', default: true },
    },
  });
  await run({
    corpus: values.corpus,
    documents: Number(values.documents),
    rounds: Number(values.rounds),
    compare: values.compare,
  });
}
