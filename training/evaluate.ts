import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ConfigError } from '../src/errors.ts';
import { loadScorers, shippedModels } from '../src/scoring/load.ts';
import { manifestThreshold } from '../src/scoring/manifest.ts';
import { createStage0, type ScorerSet } from '../src/scoring/stage0.ts';
import { axes } from './labelled.ts';
import { auc, averagePrecision, bestF1, calibrationError, f1, type Scored } from './metrics.ts';
import { heldOutTemplates } from './templates.ts';
import { type ToxicityRow, toxicityRows } from './toxicity.ts';
import { type WeakText, weakTexts } from './weak.ts';
import { readWeb, type WebPages, windowsOf } from './web.ts';

export type Figures = Record<string, number>;
export type Axis = (typeof axes)[number];

function scorer(set: ScorerSet): {
  toxicity: ScoreToxicity;
  quality: (text: string) => number;
} {
  const stage0 = createStage0(set);
  return {
    toxicity(text) {
      const scores = stage0.score(text)['toxicity/base@1'];
      if (typeof scores !== 'object')
        throw new ConfigError('scorer-missing', 'scorer toxicity/base@1; not in the set; train it');
      return { toxic: scores.toxic!, identity: scores.identity!, insult: scores.insult!, threat: scores.threat! };
    },
    quality(text) {
      const score = stage0.score(text)['quality/base@1'];
      if (typeof score !== 'number')
        throw new ConfigError('scorer-missing', 'scorer quality/base@1; not in the set; train it');
      return score;
    },
  };
}

/** A score for each axis of toxicity. */
export type ScoreToxicity = (text: string) => Record<Axis, number>;

/** Figures of the toxicity scorer of stage 0. */
export function measureStage0(set: ScorerSet, rows: readonly ToxicityRow[], web: WebPages): Figures {
  const manifest = set.scorers.find((one) => one.manifest.name === 'toxicity/base@1')!.manifest;
  return measureToxicity(scorer(set).toxicity, manifestThreshold(manifest, 'quarantine').value, rows, web);
}

/** Figures of a toxicity scorer over rows of role `test`, web texts of role `reference` and templates that were not trained on. */
export function measureToxicity(
  toxicity: ScoreToxicity,
  cut: number,
  rows: readonly ToxicityRow[],
  web: WebPages,
): Figures {
  const test = rows.filter((row) => row.role === 'test').map((row) => ({ ...row, scores: toxicity(row.text) }));
  const figures: Figures = {};
  for (const [k, axis] of axes.entries()) {
    const known: Scored[] = test
      .filter((row) => row.labels[k]! >= 0)
      .map((row) => ({ score: row.scores[axis], label: row.labels[k] === 1 ? 1 : 0 }));
    put(figures, axis, known);
    figures[`${axis}.ece`] = round(calibrationError(known));
  }
  const clean = test
    .filter((row) => ['headlines', 'mail', 'book'].includes(row.set))
    .map((row): Scored => ({ score: row.scores.toxic, label: 0 }));
  for (const name of ['davidson', 'edos', 'germeval', 'implicit', 'toxigen']) {
    put(
      figures,
      `toxic.${name}`,
      test
        .filter((row) => row.set === name)
        .map((row) => ({ score: row.scores.toxic, label: row.labels[0] === 1 ? 1 : 0 })),
    );
  }
  // Civil Comments has no clean rows in this set: against headlines, mail and a book.
  const civil = test.filter((row) => row.set === 'civil').map((row): Scored => ({ score: row.scores.toxic, label: 1 }));
  put(figures, 'toxic.civilAgainstClean', [...civil, ...clean]);
  put(
    figures,
    'toxic.templates',
    heldOutTemplates.map(({ text, toxic }) => ({ score: toxicity(text).toxic, label: toxic })),
  );

  const reference = web.texts.filter((text) => text.role === 'reference');
  const english = reference.filter((text) => text.english);
  const share = (texts: readonly string[], at: number): number =>
    round(texts.filter((text) => toxicity(text).toxic >= at).length / texts.length);
  const windows = english.flatMap(({ text }) => windowsOf(text, 90, 5));
  figures['cut.toxic'] = cut;
  figures['cut.webPagesFlagged'] = share(
    reference.map(({ text }) => text),
    cut,
  );
  figures['cut.englishWebPagesFlagged'] = share(
    english.map(({ text }) => text),
    cut,
  );
  figures['cut.englishWebWindowsFlagged'] = share(windows, cut);
  figures['cut.civilRecall'] = round(civil.filter(({ score }) => score >= cut).length / civil.length);
  figures['cut.davidsonRecall'] = share(
    test.filter((row) => row.set === 'davidson' && row.labels[0] === 1).map(({ text }) => text),
    cut,
  );
  const onePercent =
    windows.map((text) => toxicity(text).toxic).sort((a, b) => b - a)[Math.ceil(windows.length / 100)] ?? 1;
  figures['onePercentOfWindows.cut'] = onePercent;
  figures['onePercentOfWindows.civilRecall'] = round(
    civil.filter(({ score }) => score > onePercent).length / civil.length,
  );
  return figures;
}

/** Figures of the quality scorer over weakly labelled pieces of role `test`. They say less than human judgements would. */
export function measureQuality(set: ScorerSet, weak: readonly WeakText[]): Figures {
  const { quality } = scorer(set);
  const test = weak
    .filter(({ role }) => role === 'test')
    .map((one) => ({ ...one, score: quality(one.text), label: one.good }));
  const figures: Figures = {};
  put(figures, 'weak', test);
  figures['weak.ece'] = round(calibrationError(test));
  for (const kind of new Set(test.filter(({ good }) => good === 0).map((one) => one.kind))) {
    figures[`weak.${kind}.auc`] = round(auc(test.filter((one) => one.kind === kind || one.good === 1)));
  }
  return figures;
}

function put(figures: Figures, name: string, rows: readonly Scored[]): void {
  figures[`${name}.auc`] = round(auc(rows));
  figures[`${name}.ap`] = round(averagePrecision(rows));
  figures[`${name}.f1`] = round(bestF1(rows));
}

function round(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}

/** A labelled file of the user's own: JSON Lines with `text`, and `toxic` or `good` as 0 or 1. */
function measureFile(set: ScorerSet, file: string): Figures {
  const { toxicity, quality } = scorer(set);
  const lines = readFileSync(file, 'utf8').split('\n');
  const rows = lines
    .filter((line) => line !== '')
    .map((line): { text: string; toxic?: 0 | 1; good?: 0 | 1 } => JSON.parse(line));
  const figures: Figures = {};
  const toxic = rows.flatMap(({ text, toxic: label }) =>
    label === undefined ? [] : [{ score: toxicity(text).toxic, label }],
  );
  const good = rows.flatMap(({ text, good: label }) => (label === undefined ? [] : [{ score: quality(text), label }]));
  if (toxic.length > 0) put(figures, 'toxic', toxic);
  if (toxic.length > 0) figures['toxic.f1At0.5'] = round(f1(toxic, 0.5));
  if (good.length > 0) put(figures, 'quality', good);
  return figures;
}

// node training/evaluate.ts --data DIR [--models DIR] [--labelled FILE.jsonl]
if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      data: { type: 'string' },
      models: { type: 'string', default: shippedModels },
      labelled: { type: 'string' },
    },
  });
  const set = loadScorers(values.models);
  if (values.labelled !== undefined) print(values.labelled, measureFile(set, values.labelled));
  if (values.data !== undefined) {
    const web = readWeb(values.data);
    print('toxicity/base@1', measureStage0(set, toxicityRows(values.data, web), web));
    print('quality/base@1', measureQuality(set, weakTexts(values.data, web)));
  }
}

function print(title: string, figures: Figures): void {
  console.log(title);
  for (const [name, value] of Object.entries(figures)) console.log(`  ${name.padEnd(32)} ${value}`);
}
