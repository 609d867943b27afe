import { type Score, scoreLogit } from '../../src/scoring/encoder/scores.ts';
import type { EncoderManifest } from '../../src/scoring/manifest-encoder.ts';
import { manifestThreshold } from '../../src/scoring/manifest.ts';
import type { Scores, Stage0 } from '../../src/scoring/stage0.ts';
import { type Axis, type Figures, measureToxicity, type ScoreToxicity } from '../evaluate.ts';
import { axes } from '../labelled.ts';
import { auc, averagePrecision, calibrationError, f1, fitPlatt, type Scored } from '../metrics.ts';
import { significant } from '../quantize.ts';
import { selfTestTexts } from '../selftest.ts';
import { cutFor, type ToxicityRow } from '../toxicity.ts';
import type { WebPages } from '../web.ts';
import type { WantedGraph } from './build.ts';
import type { EmbeddingCache } from './embed.ts';
import { progress, someRows } from './examples.ts';
import type { Head } from './graph.ts';
import { applyHead } from './heads.ts';
import type { Example } from './learn.ts';
import { type OfflineEncoder, scoreOffline } from './offline.ts';
import type { Mail } from './spam.ts';

/** All that a manifest is calibrated and measured with. */
export interface Workbench {
  readonly rows: readonly ToxicityRow[];
  readonly web: WebPages;
  readonly mails: readonly Mail[];
  readonly heads: readonly Head[];
  readonly stage0: Stage0;
  readonly embeddings: EmbeddingCache;
  /** The `vocab.txt`. */
  readonly tokenizer: Uint8Array<SharedArrayBuffer>;
}

const encoderOf = (manifest: EncoderManifest, bench: Workbench): OfflineEncoder => ({
  ...bench,
  loaded: { manifest, graphs: [], tokenizer: bench.tokenizer },
});

const scoresOf = (manifest: EncoderManifest, texts: readonly string[], bench: Workbench): Promise<Map<string, Score>> =>
  scoreOffline(texts, encoderOf(manifest, bench), progress(manifest.name));

/** Platt scaling of each axis as the mix with stage 0 makes it, on the rows that no head was trained on. */
export function calibrateToxicity(
  manifest: EncoderManifest,
  rows: readonly ToxicityRow[],
  examples: readonly Example[],
  { heads, stage0 }: Workbench,
): EncoderManifest {
  const held = examples
    .map((example, i) => ({ ...example, text: rows[i]!.text }))
    .filter(({ role }) => role === 'calibrate')
    .map((row) => ({ ...row, own: applyHead(heads[0]!, row.x), other: axisScores(stage0.score(row.text)) }));
  const outputs = manifest.outputs.map((output, k) => {
    const { weight } = output.mix!;
    const known = held.filter(({ labels }) => labels[k]! >= 0);
    const { slope, intercept } = fitPlatt(
      known.map(({ own, other }) => (1 - weight) * own[k]! + weight * scoreLogit(other[axes[k]!])),
      known.map(({ labels }) => labels[k]!),
    );
    return { ...output, calibration: { slope: significant(slope), intercept: significant(intercept) } };
  });
  return { ...manifest, outputs };
}

/** The cut by web pages that were not trained on; for a cascade, the cut of stage 0 that leaves 99 % of what is quarantined to the encoder. */
export async function chooseCuts(
  manifest: EncoderManifest,
  rows: readonly ToxicityRow[],
  bench: Workbench,
): Promise<void> {
  const pages = bench.web.texts.filter(({ role }) => role === 'reference');
  const { axis } = manifest.outputs[0]!;
  const found = await scoresOf(
    manifest,
    pages.map(({ text }) => text),
    bench,
  );
  const scores = pages.map(({ text }) => axisOf(found.get(text)!, axis));
  const value = Math.max(cutFor(scores), cutFor(scores.filter((_, i) => pages[i]!.english)));
  const basis = `at most 0.5 % of ${pages.length} web pages that were not trained on, and at most 0.5 % of the English ones among them`;
  manifest.thresholds.quarantine = { axis, value, basis };
  if (manifest.cascade === undefined) return;

  const held = rows.filter(({ role }) => role === 'calibrate').map(({ text }) => text);
  const heldScores = await scoresOf(manifest, held, bench);
  const cheap = held
    .filter((text) => axisOf(heldScores.get(text)!, axis) >= value)
    .map((text) => axisScores(bench.stage0.score(text)).toxic)
    .sort((a, b) => a - b);
  manifest.cascade.cut = Math.floor(cheap[Math.floor(cheap.length / 100)]! * 1000) / 1000;
}

export async function measure(manifest: EncoderManifest, bench: Workbench): Promise<Figures> {
  return manifest.cascade === undefined ? measureSpam(manifest, bench) : measureEncoder(manifest, bench);
}

async function measureEncoder(manifest: EncoderManifest, bench: Workbench): Promise<Figures> {
  const { rows, web, stage0 } = bench;
  const { value } = manifestThreshold(manifest, 'quarantine');
  const texts = textsOf((score) => measureToxicity(score, value, rows, web));
  const scores = await scoresOf(manifest, texts, bench);
  const figures = measureToxicity((text) => axisScores({ 'toxicity/base@1': scores.get(text)! }), value, rows, web);

  const { cut } = manifest.cascade!;
  const sent = (text: string): boolean => axisScores(stage0.score(text)).toxic >= cut;
  const flagged = texts.filter((text) => axisOf(scores.get(text)!, 'toxic') >= value);
  const pages = web.texts.filter((page) => page.role === 'reference' && page.english);
  figures['cascade.recall'] = share(flagged, sent);
  figures['cascade.englishWebPagesSkipped'] = share(pages, ({ text }) => !sent(text));
  return figures;
}

async function measureSpam(manifest: EncoderManifest, bench: Workbench): Promise<Figures> {
  const { value } = manifestThreshold(manifest, 'quarantine');
  const test = bench.mails.filter(({ role }) => role === 'test');
  const pages = bench.web.texts.filter(({ role }) => role === 'reference');
  const scores = await scoresOf(manifest, [...test.map(({ body }) => body), ...pages.map(({ text }) => text)], bench);
  const scoreOf = (text: string): number => axisOf(scores.get(text)!, 'score');
  const scored = test.map(({ body, spam }): Scored => ({ score: scoreOf(body), label: spam }));
  return {
    'spam.auc': rounded(auc(scored)),
    'spam.ap': rounded(averagePrecision(scored)),
    'spam.f1': rounded(f1(scored, value)),
    'spam.ece': rounded(calibrationError(scored)),
    'cut.spam': value,
    'cut.spamRecall': share(
      scored.filter(({ label }) => label === 1),
      ({ score }) => score >= value,
    ),
    'cut.hamFlagged': share(
      scored.filter(({ label }) => label === 0),
      ({ score }) => score >= value,
    ),
    'cut.webPagesFlagged': share(pages, ({ text }) => scoreOf(text) >= value),
  };
}

const PRECISION_ROWS = 1500;

/** The head's AUC by precision on the same rows of role `test`, and how far the others' scores are from those of fp32. */
export async function measurePrecisions(
  graphs: readonly (WantedGraph & { readonly file: string })[],
  { rows, heads }: Workbench,
  embed: (graphFile: string, texts: readonly string[]) => Promise<readonly Float32Array[]>,
): Promise<Figures> {
  const test = someRows(rows, PRECISION_ROWS, 'test');
  const figures: Figures = {};
  let exact: number[] | undefined;
  for (const { precision, file } of graphs) {
    const vectors = await embed(
      file,
      test.map(({ text }) => text),
    );
    const scores = vectors.map((vector) => 1 / (1 + Math.exp(-applyHead(heads[0]!, vector)[0]!)));
    exact ??= scores;
    const apart = scores.map((score, i) => Math.abs(score - exact![i]!));
    figures[`${precision}.auc`] = rounded(
      auc(scores.map((score, i) => ({ score, label: test[i]!.labels[0] === 1 ? 1 : 0 }))),
    );
    figures[`${precision}.meanDifference`] = rounded(apart.reduce((sum, one) => sum + one, 0) / apart.length);
    figures[`${precision}.greatestDifference`] = rounded(Math.max(...apart));
  }
  return figures;
}

/** Besides those of the tables: insults and threats that every precision is sure of. */
const moreTexts = [
  'Shut up, you fucking moron. Nobody asked for your shitty opinion, you worthless piece of trash.',
  'Women are stupid bitches and should be kept out of this, all of them.',
  'I will find out where you live and I will kill you and your whole family.',
  'The committee published its report on Tuesday and will meet again in the spring.',
  'Click here to get your free pills today! No prescription, lowest price guaranteed, order now and save money!',
];
/** What precisions may differ by on a self-test: less than what loading puts up with. */
const AGREED = 0.02;

/** Scores of the encoder by itself, for `startScorer` to compare with, of the texts that the graphs of all precisions score alike. */
export async function selfTest(
  manifest: EncoderManifest,
  bench: Workbench,
  variants: readonly EmbeddingCache[],
): Promise<EncoderManifest['selfTest']> {
  const { stage0: _, ...alone } = encoderOf(manifest, bench);
  const texts = [...selfTestTexts, ...moreTexts];
  const [own, ...others] = await Promise.all(
    [bench.embeddings, ...variants].map((embeddings) => scoreOffline(texts, { ...alone, embeddings })),
  );
  const axesOf = manifest.outputs.map(({ axis }) => axis);
  const alike = (text: string): boolean =>
    axesOf.every((axis) =>
      others.every((one) => Math.abs(axisOf(one.get(text)!, axis) - axisOf(own!.get(text)!, axis)) <= AGREED),
    );
  return texts.filter(alike).map((text) => ({ text, scores: axesOf.map((axis) => axisOf(own!.get(text)!, axis)) }));
}

/** The texts that a measurement asks the scores of. */
function textsOf(measurement: (score: ScoreToxicity) => unknown): string[] {
  const texts = new Set<string>();
  measurement((text) => {
    texts.add(text);
    return { toxic: 0, identity: 0, insult: 0, threat: 0 };
  });
  return [...texts];
}

function axisScores(scores: Scores): Record<Axis, number> {
  const byAxis = scores['toxicity/base@1'];
  if (typeof byAxis !== 'object') throw new TypeError('scores of toxicity/base@1; none; load the shipped tables');
  return { toxic: byAxis.toxic!, identity: byAxis.identity!, insult: byAxis.insult!, threat: byAxis.threat! };
}

function axisOf(score: Score, axis: string): number {
  return typeof score === 'number' ? score : score[axis]!;
}

function share<T>(all: readonly T[], holds: (one: T) => boolean): number {
  return rounded(all.filter(holds).length / all.length);
}

function rounded(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
