import type { LinearManifest } from '../src/scoring/manifest-linear.ts';
import { createTableScorer } from '../src/scoring/table.ts';
import type { WordPiece } from '../src/scoring/wordpiece.ts';
import { type FeatureShape, featureRows, GROUP_VALUE } from './features.ts';
import { axes, labelledTexts } from './labelled.ts';
import { fitLogistic } from './logistic.ts';
import { fitPlatt } from './metrics.ts';
import { quantize, significant } from './quantize.ts';
import { readLines, roleOf } from './sources.ts';
import { type WebPages, windowsOf } from './web.ts';

export const BIGRAM_ROWS = 1 << 18;
export const WINDOW = { tokens: 128, minTokens: 16, reduction: 'max' } as const;
const WINDOW_WORDS = 90;
const HEADLINES = 10_000;
/** Web text is what the scorer will meet, and there is little of it here. */
const WEB_WEIGHT = 8;
/** Sources with an intercept of their own, dropped after training; all other texts share one, which stays. */
const groupNames = ['davidson', 'edos', 'implicit', 'toxigen', 'germeval'];
export const GROUPS = groupNames.length + 1;

export function groupOf(set: string): number {
  return groupNames.includes(set) ? groupNames.indexOf(set) : groupNames.length;
}

export interface ToxicityRow {
  readonly set: string;
  readonly text: string;
  readonly labels: readonly number[];
  readonly weight: number;
  readonly role: 'train' | 'calibrate' | 'test';
}

const CLEAN = [0, 0, 0, 0] as const;

/** Labelled texts and clean ones, each with its role. */
export function toxicityRows(directory: string, web: WebPages): ToxicityRow[] {
  const labelled = labelledTexts(directory).map((row) => ({ ...row, role: roleOf(row.text) }));
  const clean = (set: string, text: string, weight: number): ToxicityRow => ({
    set,
    text,
    labels: CLEAN,
    weight,
    role: roleOf(text),
  });
  const headlines = readLines<{ text: string }>(directory, 'headlines').slice(0, HEADLINES);
  const ham = readLines<{ group: string; spam: number; raw: string }>(directory, 'mail').filter(
    (mail) => mail.spam === 0,
  );
  const chapters = readLines<{ text: string }>(directory, 'book');
  return [
    ...labelled,
    ...headlines.map(({ text }) => clean('headlines', text, 1)),
    ...ham.flatMap(({ raw }) => windowsOf(mailBody(raw), WINDOW_WORDS, 2).map((text) => clean('mail', text, 1))),
    ...chapters.flatMap(({ text }) => windowsOf(text, WINDOW_WORDS, 10).map((piece) => clean('book', piece, 1))),
    ...web.texts
      .filter(({ role }) => role === 'train')
      .flatMap(({ text }) =>
        windowsOf(text, WINDOW_WORDS, 20).map(
          (piece): ToxicityRow => ({ ...clean('web', piece, WEB_WEIGHT), role: 'train' }),
        ),
      ),
  ];
}

/** The text of a message without header, quotation marks of replies and mark-up. */
export function mailBody(raw: string): string {
  const body = raw.slice(raw.search(/\r?\n\r?\n/) + 1);
  return body
    .replaceAll(/<[^>]{0,500}>/g, ' ')
    .replaceAll(/&\w{2,6};/g, ' ')
    .replaceAll(/^[>|\s]+/gm, '')
    .replaceAll(/^(Content-|--).*$/gm, '')
    .trim();
}

export interface TrainedScorer {
  readonly manifest: Omit<LinearManifest, 'trainingData' | 'tokenizer' | 'measured' | 'selfTest'>;
  readonly table: Int8Array;
}

export function trainToxicity(wordPiece: WordPiece, rows: readonly ToxicityRow[], web: WebPages): TrainedScorer {
  const vocabulary = wordPiece.vocabulary.size;
  const shape: FeatureShape = {
    bigramRows: BIGRAM_ROWS,
    maxTokens: WINDOW.tokens,
    groups: GROUPS,
  };
  const train = rows.filter((row) => row.role === 'train').map((row) => ({ ...row, group: groupOf(row.set) }));
  const x = featureRows(wordPiece, train, shape);
  const weight = Float32Array.from(train, (row) => row.weight);
  const biases: number[] = [];
  const heads = axes.map((axis, k) => {
    const target = Float32Array.from(train, (row) => row.labels[k]!);
    const w = fitLogistic({ x, target, weight, strength: 3, iterations: 120 });
    biases.push(w[x.columns]! + GROUP_VALUE * w[x.columns - 1]!);
    console.log(
      `toxicity ${axis}: ${target.filter((t) => t === 1).length} positive of ${target.filter((t) => t >= 0).length}`,
    );
    return w.slice(0, vocabulary + BIGRAM_ROWS);
  });
  const { bytes, unigramScale, bigramScale } = quantize(heads, vocabulary);
  const outputs = axes.map((axis, k) => ({
    axis,
    bias: significant(biases[k]!),
    unigramScale: unigramScale[k]!,
    bigramScale: bigramScale[k]!,
    calibration: { slope: 1, intercept: 0 },
  }));
  const manifest: TrainedScorer['manifest'] = {
    name: 'toxicity/base@1',
    kind: 'linear-table',
    description:
      'Abusive vocabulary and tone: a linear model over word pieces and pairs of them. It does not tell use from mention: counter-speech, quotation, negation and reclaimed terms score as abuse does. No axis for sexual content.',
    languages: ['en'],
    table: { file: 'toxicity-base-1.i8', sha256: '', columns: 4, bigramRows: BIGRAM_ROWS },
    maxTokens: 512,
    window: WINDOW,
    outputs,
    thresholds: {},
    licence: 'Apache-2.0',
    split: '',
  };

  const logitsOf = windowLogits(wordPiece, manifest, bytes);
  const held = rows.filter((row) => row.role === 'calibrate');
  const logits = held.map((row) => logitsOf(row.text));
  for (const [k, output] of outputs.entries()) {
    const known = held.map((_, i) => i).filter((i) => held[i]!.labels[k]! >= 0);
    const platt = fitPlatt(
      known.map((i) => logits[i]![k]!),
      known.map((i) => held[i]!.labels[k]!),
    );
    output.calibration = { slope: significant(platt.slope), intercept: significant(platt.intercept) };
  }
  const { slope, intercept } = outputs[0]!.calibration;
  const pages = web.texts.filter(({ role }) => role === 'reference');
  const scores = pages.map(({ text }) => 1 / (1 + Math.exp(-(slope * logitsOf(text)[0]! + intercept))));
  const cut = Math.max(cutFor(scores), cutFor(scores.filter((_, i) => pages[i]!.english)));
  const basis = `at most 0.5 % of ${pages.length} web pages that were not trained on, and at most 0.5 % of the English ones among them`;
  manifest.thresholds.quarantine = { axis: 'toxic', value: cut, basis };
  return { manifest, table: bytes };
}

/** The lowest cut of three decimals that at most 0.5 % of the scores reach. */
export function cutFor(scores: readonly number[]): number {
  const allowed = Math.floor(scores.length * 0.005);
  return Math.floor(scores.toSorted((a, b) => b - a)[allowed]! * 1000 + 1) / 1000;
}

/** Logits of a text as the scorer of `scoring/stage0.ts` has them, before calibration. */
export function windowLogits(
  wordPiece: WordPiece,
  manifest: TrainedScorer['manifest'],
  table: Int8Array,
): (text: string) => Float64Array {
  const scoreTable = createTableScorer(manifest, table);
  const ids = new Int32Array(manifest.maxTokens);
  const encoder = new TextEncoder();
  return (text) => {
    const count = wordPiece.encode(encoder.encode(text), ids, 0, ids.length);
    const logits = new Float64Array(manifest.outputs.length);
    if (count > 0) scoreTable(ids, count, logits);
    return logits;
  };
}
