import { closeSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import {
  createFingerprinter,
  createIndex,
  type DedupOptions,
  dedupOptionsSchema,
  type NearDuplicateIndex,
  type SketchBatch,
  type Verdicts,
} from '../src/dedup/dedup.ts';
import { bins, linesOf, type Score, scoreOf, truthOf } from './dedup-corpus.ts';

/**
 * Near-duplicate quality on a corpus of make_corpus.py, against the exact Jaccard similarity of every planted pair:
 *
 *     node bench/dedup-quality.ts CORPUS_DIR [--limit N] [--verdicts PREFIX]
 *
 * once with the default window and policy, once with the history alone (a window of one document, no exact keys).
 * `--verdicts` writes PREFIX.window.jsonl and PREFIX.history.jsonl, lines of {"id", "kept", "reason"}.
 */
const BATCH = 1024;

interface Mode {
  readonly name: 'window' | 'history';
  readonly index: NearDuplicateIndex;
  readonly reason: (verdicts: Verdicts, i: number) => string | null;
  readonly kept: Map<string, boolean>;
  readonly out: number | undefined;
}

interface Limits {
  readonly recall: readonly (readonly ['>=' | '<=', number] | undefined)[];
  readonly crowdLost: number;
}

/** What the product promises, in percent, for each of `bins`. */
const promised: Record<Mode['name'], Limits> = {
  window: {
    recall: [undefined, ['<=', 0.2], ['<=', 18], ['>=', 86], ['>=', 99.9], ['>=', 100], ['>=', 100]],
    crowdLost: 0,
  },
  history: { recall: [undefined, ['<=', 4], undefined, undefined, ['>=', 98], undefined, undefined], crowdLost: 6 },
};

export function measureQuality(corpus: string, options: DedupOptions, limit: number, prefix?: string): Mode[] {
  const { similarity } = options.window;
  const { votes } = options.history;
  const alone = { ...options, window: { documents: 1, similarity } };
  const modes: Mode[] = [
    {
      name: 'window',
      index: createIndex(options),
      reason: (v, i) => {
        if (v.exact[i]) return 'exact';
        if (v.similarity[i]! >= similarity) return 'window';
        return v.votes[i]! >= votes ? 'history' : null;
      },
      kept: new Map(),
      out: prefix === undefined ? undefined : openSync(`${prefix}.window.jsonl`, 'w'),
    },
    {
      name: 'history',
      index: createIndex(alone),
      reason: (v, i) => (v.votes[i]! >= votes ? 'history' : null),
      kept: new Map(),
      out: prefix === undefined ? undefined : openSync(`${prefix}.history.jsonl`, 'w'),
    },
  ];
  for (const { ids, batch } of batches(corpus, options, limit)) {
    for (const mode of modes) judge(mode, ids, batch);
  }
  for (const { out } of modes) if (out !== undefined) closeSync(out);
  return modes;
}

/** The corpus as sketches; the batch is the same object each time. */
function* batches(
  corpus: string,
  options: DedupOptions,
  limit: number,
): Generator<{ ids: string[]; batch: SketchBatch }> {
  const fingerprinter = createFingerprinter(options);
  const { stride } = fingerprinter;
  const sketches = new Uint8Array(BATCH * stride);
  const kinds = new Uint8Array(BATCH).fill(2);
  const partitions = new Uint32Array(BATCH);
  const offsets = new BigInt64Array(BATCH);
  let ids: string[] = [];
  let offset = 0n;
  for (const line of linesOf(path.join(corpus, 'corpus.jsonl'), limit)) {
    const { id, text } = JSON.parse(line.toString()) as { id: string; text: string };
    fingerprinter.fingerprint(text, sketches, ids.length * stride);
    offsets[ids.length] = offset++;
    if (ids.push(id) < BATCH) continue;
    yield { ids, batch: { count: BATCH, kinds, partitions, offsets, sketches } };
    ids = [];
  }
  const count = ids.length;
  yield {
    ids,
    batch: {
      count,
      kinds: kinds.subarray(0, count),
      partitions: partitions.subarray(0, count),
      offsets: offsets.subarray(0, count),
      sketches: sketches.subarray(0, count * stride),
    },
  };
}

function judge({ index, reason, kept, out }: Mode, ids: string[], batch: SketchBatch): void {
  const verdicts = index.decide(batch);
  let lines = '';
  ids.forEach((id, i) => {
    const why = reason(verdicts, i);
    kept.set(id, why === null);
    lines += `${JSON.stringify({ id, kept: why === null, reason: why ?? '' })}\n`;
  });
  if (out !== undefined) writeSync(out, lines);
}

function print({ name, index, kept }: Mode, score: Score): void {
  const { recall, crowdLost } = promised[name];
  const percent = (share: number) => `${(100 * share).toFixed(2)} %`;
  console.log(`\n${name}: ${kept.size} documents, ${[...kept.values()].filter(Boolean).length} kept`);
  bins.forEach(([low, high], i) => {
    const label = high > 1 ? 'J 1 (reformatted)' : `J ${low} to ${high}`;
    row(
      label,
      percent(score.recall[i]!),
      recall[i] && [`${recall[i][0]} ${recall[i][1]} %`, holds(100 * score.recall[i]!, recall[i])],
    );
  });
  row('exact copies', percent(score.exact), ['>= 100 %', score.exact >= 1]);
  row('unrelated lost', `${score.lost} of ${score.unique}`);
  const crowd = score.crowdLost / score.crowd;
  row('crowd lost', `${score.crowdLost} of ${score.crowd}`, [`<= ${crowdLost} %`, 100 * crowd <= crowdLost]);
  const stats = index.stats();
  const full = stats.history.map((g) => `${g.generation}: ${g.documents}/${g.capacity}`).join(', ');
  row('history bytes/document at capacity', (stats.history.at(-1)!.bytes / stats.history.at(-1)!.capacity).toFixed(1), [
    '<= 40',
    true,
  ]);
  row('generations', full);
  row('false positive rate of a band, at most', stats.estimatedFalsePositiveRate.toExponential(2));
  row('window', `${stats.window.documents} documents, ${(stats.window.bytes / 1e6).toFixed(0)} MB`);
  row('exact keys', `${stats.exact.keys}, ${(stats.exact.bytes / 1e6).toFixed(0)} MB`);
}

function holds(value: number, [sign, limit]: readonly ['>=' | '<=', number]): boolean {
  return sign === '>=' ? value >= limit : value <= limit;
}

function row(label: string, value: string, promise?: readonly [string, boolean]): void {
  const end = promise ? `   ${promise[0].padEnd(10)} ${promise[1] ? 'holds' : 'MISSED'}` : '';
  console.log(`  ${label.padEnd(40)} ${value.padStart(18)}${end}`);
}

export function run(corpus: string | undefined, limit = Number.POSITIVE_INFINITY, prefix?: string): void {
  if (corpus === undefined) {
    console.log('dedup quality: no corpus given; make one with make_corpus.py and name its folder');
    return;
  }
  const truth = truthOf(corpus);
  for (const mode of measureQuality(corpus, dedupOptionsSchema.parse({}), limit, prefix))
    print(mode, scoreOf(truth, mode.kept));
  console.log(
    `\n  peak memory ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB, this bench's own tables included`,
  );
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { limit: { type: 'string' }, verdicts: { type: 'string' } },
  });
  run(positionals[0], values.limit === undefined ? undefined : Number(values.limit), values.verdicts);
}
