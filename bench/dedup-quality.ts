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
  /** Lines of the corpus: a removed document's, and that of the one named for it (-1 for none). */
  readonly named: Map<string, readonly [number, number]>;
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
      named: new Map(),
      out: prefix === undefined ? undefined : openSync(`${prefix}.window.jsonl`, 'w'),
    },
    {
      name: 'history',
      index: createIndex(alone),
      reason: (v, i) => (v.votes[i]! >= votes ? 'history' : null),
      kept: new Map(),
      named: new Map(),
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

function judge({ index, reason, kept, named, out }: Mode, ids: string[], batch: SketchBatch): void {
  const verdicts = index.decide(batch);
  let lines = '';
  ids.forEach((id, i) => {
    const why = reason(verdicts, i);
    kept.set(id, why === null);
    if (why !== null) named.set(id, [Number(batch.offsets[i]), Number(verdicts.duplicateOffset[i])]);
    lines += `${JSON.stringify({ id, kept: why === null, reason: why ?? '' })}\n`;
  });
  if (out !== undefined) writeSync(out, lines);
}

/** Exact Jaccard similarity of word 5-grams, as make_corpus.py counts them. */
function jaccard(a: string, b: string): number {
  const [x, y] = [a, b].map((text) => {
    const words = text.toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? [];
    return new Set(Array.from({ length: Math.max(1, words.length - 4) }, (_, i) => words.slice(i, i + 5).join(' ')));
  });
  const common = [...x!].filter((shingle) => y!.has(shingle)).length;
  return common / (x!.size + y!.size - common);
}

/** Of the unique documents lost, those that no likeness excuses: the corpus has a few that are alike by chance. */
function beyondFloor(corpus: string, { named }: Mode, lost: readonly string[]): number {
  const wanted = new Set(lost.flatMap((id) => named.get(id) ?? []));
  const texts = new Map<number, string>();
  let line = 0;
  if (wanted.size > 0) {
    for (const record of linesOf(path.join(corpus, 'corpus.jsonl'))) {
      if (wanted.has(line)) texts.set(line, (JSON.parse(record.toString()) as { text: string }).text);
      line++;
    }
  }
  return lost.filter((id) => {
    const [own, other] = named.get(id)!;
    return other < 0 || jaccard(texts.get(own)!, texts.get(other)!) < 0.6;
  }).length;
}

function print(corpus: string, mode: Mode, score: Score): void {
  const { name, index, kept } = mode;
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
  // The history has no exact keys here, and documents below minShingles no others.
  row('exact copies', percent(score.exact), name === 'window' ? ['>= 100 %', score.exact >= 1] : undefined);
  if (name === 'window') {
    const beyond = beyondFloor(corpus, mode, score.lostIds);
    row('unrelated lost', `${score.lost} of ${score.unique}`);
    row('of them not alike by exact Jaccard', String(beyond), ['0', beyond === 0]);
  } else {
    row('unrelated lost', `${score.lost} of ${score.unique}`, ['< 1 in 1e5', score.lost < score.unique / 1e5]);
  }
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
    print(corpus, mode, scoreOf(truth, mode.kept));
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
