import { annotateRun, createProseMeter, PROSE_SIGNALS, proseSignals } from '../src/scoring/prose.ts';
import { createTableScorer } from '../src/scoring/table.ts';
import type { Vocabulary } from '../src/scoring/vocabulary.ts';
import { createRuns, createWordPiece } from '../src/scoring/wordpiece.ts';
import { type FeatureShape, featureRows } from './features.ts';
import { fitLogistic } from './logistic.ts';
import { auc, fitPlatt, quantile } from './metrics.ts';
import { quantize, significant } from './quantize.ts';
import type { TrainedScorer } from './toxicity.ts';
import type { WeakText } from './weak.ts';
import type { WebPages } from './web.ts';

const MAX_TOKENS = 512;
/** A signal counts for at most three deviations: menus and tables have values far outside. */
const SIGNAL_LIMIT = 3;

/**
 * Quality = z-score of thirteen prose signals with equal weights + z-score of a table over word pieces. Only the signs of the signals are
 * learned: weights fitted freely learn the damage that was made for training, not what people call good text.
 */
export function trainQuality(vocabulary: Vocabulary, weak: readonly WeakText[], web: WebPages): TrainedScorer {
  const wordPiece = createWordPiece(vocabulary);
  const train = weak.filter(({ role }) => role === 'train');
  const balance = weightsByKind(train);
  const signalsOf = createSignals(vocabulary);
  const signals = signalStatistics(train, balance, signalsOf);
  const prose = proseSum(signals, signalsOf);

  const shape: FeatureShape = { bigramRows: 0, maxTokens: MAX_TOKENS, groups: 0 };
  const x = featureRows(
    wordPiece,
    train.map(({ text }) => ({ text, group: 0 })),
    shape,
  );
  const w = fitLogistic({
    x,
    target: Float32Array.from(train, ({ good }) => good),
    weight: balance,
    strength: 3,
    iterations: 60,
  });
  const { bytes, unigramScale } = quantize([w.slice(0, wordPiece.vocabulary.size)], wordPiece.vocabulary.size);

  const output = {
    axis: 'score',
    bias: 0,
    unigramScale: unigramScale[0]!,
    bigramScale: 0,
    calibration: { slope: 1, intercept: 0 },
  };
  const manifest: TrainedScorer['manifest'] = {
    name: 'quality/base@1',
    kind: 'linear-table',
    description:
      'Form of edited English prose: thirteen signals with equal weights and a linear model over word pieces, as z-scores, summed. It says nothing about truth, usefulness or subject.',
    languages: ['en'],
    table: { file: 'quality-base-1.i8', sha256: '', columns: 1, bigramRows: 0 },
    maxTokens: MAX_TOKENS,
    window: { tokens: MAX_TOKENS, minTokens: 1, reduction: 'max' },
    outputs: [output],
    thresholds: {},
    licence: 'Apache-2.0',
    split: '',
  };
  const scoreTable = createTableScorer(manifest, bytes);
  const ids = new Int32Array(MAX_TOKENS);
  const logits = new Float64Array(1);
  const tableSum = (text: string): number => {
    const count = wordPiece.encode(Buffer.from(text), ids, 0, MAX_TOKENS);
    if (count === 0) return 0;
    scoreTable(ids, count, logits);
    return logits[0]!;
  };

  // Each half becomes a z-score over texts that it was not fitted on: those of the web.
  const reference = web.texts.filter((text) => text.english && text.role === 'reference').map(({ text }) => text);
  const proseMoments = moments(reference.map(prose));
  const tableMoments = moments(reference.map(tableSum));
  const zOf = (text: string): number =>
    (prose(text) - proseMoments.mean) / proseMoments.deviation +
    (tableSum(text) - tableMoments.mean) / tableMoments.deviation;
  const held = weak.filter(({ role }) => role === 'calibrate');
  const heldBalance = weightsByKind(held);
  const platt = fitPlatt(
    held.map(({ text }) => zOf(text)),
    held.map(({ good }) => good),
    [...heldBalance],
  );
  for (const kind of new Set(weak.map((one) => one.kind))) {
    const rows = weak
      .filter((one) => one.role !== 'train' && (one.kind === kind || one.good === 1))
      .map(({ text, good }) => ({ text, label: good }));
    console.log(
      `quality against ${kind}: ${weak.filter((one) => one.kind === kind).length} pieces, AUC ${auc(rows.map(({ text, label }) => ({ score: zOf(text), label }))).toFixed(3)}`,
    );
  }

  // Folded into one logit: bias + table + prose.
  output.unigramScale = significant(output.unigramScale / tableMoments.deviation);
  output.bias = significant(-tableMoments.mean / tableMoments.deviation - proseMoments.mean / proseMoments.deviation);
  output.calibration = { slope: significant(platt.slope), intercept: significant(platt.intercept) };
  manifest.prose = {
    limit: SIGNAL_LIMIT,
    signals: signals.map((s) => ({ ...s, weight: significant(s.weight / proseMoments.deviation) })),
  };
  const scores = reference
    .map((text) => 1 / (1 + Math.exp(-(platt.slope * zOf(text) + platt.intercept))))
    .sort((a, b) => a - b);
  manifest.reference = {
    basis: 'English web texts that the scorer was not trained on, after extraction',
    documents: scores.length,
    percentiles: Array.from({ length: 101 }, (_, p) => Math.round(quantile(scores, p / 100) * 10_000) / 10_000),
  };
  return { manifest, table: bytes };
}

type Signals = NonNullable<TrainedScorer['manifest']['prose']>['signals'];

/** Signals of a text over its first MAX_TOKENS ids; the array is used again by the next call. */
function createSignals(vocabulary: Vocabulary): (text: string) => Float64Array {
  const wordPiece = createWordPiece(vocabulary, { annotate: annotateRun });
  const measure = createProseMeter();
  const ids = new Int32Array(MAX_TOKENS);
  const runs = createRuns(2 * MAX_TOKENS);
  const values = new Float64Array(PROSE_SIGNALS);
  return (text) => {
    const bytes = Buffer.from(text);
    wordPiece.encode(bytes, ids, 0, MAX_TOKENS, runs);
    measure(bytes, runs, values);
    return values;
  };
}

function signalStatistics(
  train: readonly WeakText[],
  balance: Float32Array,
  signalsOf: (text: string) => Float64Array,
): Signals {
  const values = train.map(({ text }) => signalsOf(text).slice());
  return proseSignals.map((name, i) => {
    const column = values.map((row) => row[i]!);
    const { mean, deviation } = moments(column, balance);
    const area = auc(column.map((score, k) => ({ score, label: train[k]!.good })));
    console.log(`prose ${name}: mean ${mean.toFixed(3)}, deviation ${deviation.toFixed(3)}, AUC ${area.toFixed(3)}`);
    return { name, mean: significant(mean), deviation: significant(deviation), weight: area >= 0.5 ? 1 : -1 };
  });
}

function proseSum(signals: Signals, signalsOf: (text: string) => Float64Array): (text: string) => number {
  return (text) => {
    const values = signalsOf(text);
    let sum = 0;
    for (const [i, { mean, deviation, weight }] of signals.entries()) {
      sum += weight * Math.max(-SIGNAL_LIMIT, Math.min(SIGNAL_LIMIT, (values[i]! - mean) / deviation));
    }
    return sum;
  };
}

/** Good and bad weigh the same, and within bad every kind does. */
function weightsByKind(texts: readonly WeakText[]): Float32Array {
  const count = new Map<string, number>();
  for (const { kind } of texts) count.set(kind, (count.get(kind) ?? 0) + 1);
  const kinds = (good: 0 | 1): number => new Set(texts.filter((one) => one.good === good).map(({ kind }) => kind)).size;
  const half = { 0: texts.length / 2 / kinds(0), 1: texts.length / 2 / kinds(1) };
  return Float32Array.from(texts, ({ kind, good }) => half[good] / count.get(kind)!);
}

function moments(values: readonly number[], weights?: Float32Array): { mean: number; deviation: number } {
  let total = 0;
  let sum = 0;
  let squares = 0;
  for (const [i, value] of values.entries()) {
    const weight = weights?.[i] ?? 1;
    total += weight;
    sum += weight * value;
    squares += weight * value * value;
  }
  const mean = sum / total;
  return { mean, deviation: Math.sqrt(Math.max(1e-12, squares / total - mean * mean)) };
}
