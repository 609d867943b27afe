import { RecordError } from '../errors.ts';
import { createEmbeddingScorer } from './embedding.ts';
import type { LinearManifest } from './manifest-linear.ts';
import { annotateRun, createProseMeter, PROSE_SIGNALS } from './prose.ts';
import type { LoadedTable, ScorerSet } from './scorer-set.ts';
import { createTableScorer } from './table.ts';
import { parseVocabulary } from './vocabulary.ts';
import { createRuns, createWordPiece, type Runs } from './wordpiece.ts';

/** Text behind this many bytes is not looked at, whatever it is. */
const MAX_TEXT_BYTES = 65_536;
/** Scores are rounded to four decimals; the rounding is part of a score's definition. */
const DECIMALS = 10_000;

export type { ScorerSet } from './scorer-set.ts';

/** Scores by scorer name: a number from 0 to 1, or one for each axis. */
export type Scores = Record<string, number | Readonly<Record<string, number>>>;

export interface Stage0 {
  /**
   * Scores a text (a string, or its UTF-8 bytes) with every scorer of the set; the text is tokenized once. A text without a token
   * scores 0 everywhere. Throws a RecordError `score.nan` rather than ever give a score that is not a number.
   */
  score(text: string | Uint8Array): Scores;
  /** Tokens that were looked at since it was made. */
  tokens(): number;
}

/** A scorer for one thread: it holds a word cache and scratch space. */
export function createStage0(set: ScorerSet): Stage0 {
  if (set.scorers.length === 0) return { tokens: () => 0, score: () => ({}) };
  const vocabulary = parseVocabulary(new TextDecoder().decode(set.vocabulary.slice()));
  const wordPiece = createWordPiece(vocabulary, { annotate: annotateRun });
  const maxTokens = Math.max(1, ...set.scorers.map(({ manifest }) => manifest.maxTokens));
  const ids = new Int32Array(maxTokens);
  // Runs without an id (only marks or controls) need room too; no real text has more of them than others.
  const runs = createRuns(2 * maxTokens);
  const encoder = new TextEncoder();
  const encoded = new Uint8Array(MAX_TEXT_BYTES);
  const rows = set.scorers.map(createRow);

  let tokens = 0;

  return {
    tokens: () => tokens,
    score(text) {
      let bytes: Uint8Array;
      if (typeof text === 'string') {
        // The slice only spares V8 a flat copy of a long string: a UTF-16 unit is at least one byte.
        const { written } = encoder.encodeInto(
          text.length > MAX_TEXT_BYTES ? text.slice(0, MAX_TEXT_BYTES) : text,
          encoded,
        );
        bytes = encoded.subarray(0, written);
      } else bytes = text.length > MAX_TEXT_BYTES ? text.subarray(0, wholeCharacters(text, MAX_TEXT_BYTES)) : text;
      const count = wordPiece.encode(bytes, ids, 0, maxTokens, runs);
      tokens += count;
      const scores: Scores = {};
      for (const row of rows) scores[row.name] = row.score(bytes, runs, ids, count);
      return scores;
    },
  };
}

/** The last place at or before `at` that cuts no character. */
function wholeCharacters(bytes: Uint8Array, at: number): number {
  let end = at;
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--;
  return end;
}

interface Row {
  readonly name: string;
  score(bytes: Uint8Array, runs: Runs, ids: Int32Array, count: number): number | Readonly<Record<string, number>>;
}

function createRow({ manifest, table }: LoadedTable): Row {
  const { name, outputs, maxTokens } = manifest;
  const logits = new Float64Array(outputs.length);
  const linear = manifest.kind === 'linear-table';
  const scoreTable = linear ? createTableScorer(manifest, table) : createEmbeddingScorer(manifest, table);
  const addProse = linear && manifest.prose !== undefined ? createProseLogit(manifest.prose) : () => 0;
  const axes = outputs.map(({ axis, calibration }) => ({ axis, ...calibration }));

  return {
    name,
    score(bytes, runs, ids, count) {
      if (count > 0) scoreTable(ids, Math.min(count, maxTokens), logits);
      const prose = count > 0 ? addProse(bytes, runs) : 0;
      const byAxis: Record<string, number> = {};
      let last = 0;
      for (let k = 0; k < axes.length; k++) {
        const { axis, slope, intercept } = axes[k]!;
        last =
          count === 0
            ? 0
            : Math.round(DECIMALS / (1 + Math.exp(-(slope * (logits[k]! + prose) + intercept)))) / DECIMALS;
        if (Number.isNaN(last)) {
          throw new RecordError(
            'score',
            'score.nan',
            `score ${axis} of ${name}; not a number; look at the record's text and report it`,
          );
        }
        byAxis[axis] = last;
      }
      return axes.length === 1 ? last : byAxis;
    },
  };
}

function createProseLogit({
  signals,
  limit,
}: NonNullable<LinearManifest['prose']>): (bytes: Uint8Array, runs: Runs) => number {
  const measure = createProseMeter();
  const values = new Float64Array(PROSE_SIGNALS);
  const mean = Float64Array.from(signals, (s) => s.mean);
  const deviation = Float64Array.from(signals, (s) => s.deviation);
  const weight = Float64Array.from(signals, (s) => s.weight);
  return (bytes, runs) => {
    measure(bytes, runs, values);
    let logit = 0;
    for (let i = 0; i < PROSE_SIGNALS; i++) {
      const z = (values[i]! - mean[i]!) / deviation[i]!;
      logit += weight[i]! * Math.max(-limit, Math.min(limit, z));
    }
    return logit;
  };
}
