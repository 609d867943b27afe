import path from 'node:path';
import { parseArgs } from 'node:util';
import { loadScorers, shippedModels } from '../src/scoring/load.ts';
import type { LoadedEncoder, ScorerSet } from '../src/scoring/scorer-set.ts';
import { modelsFolder } from '../src/scoring/models-folder.ts';
import { createStage0, type Scores } from '../src/scoring/stage0.ts';
import { miniLm } from './encoder/bert.ts';
import { shippedHeadWeights } from './encoder/build.ts';
import { openEmbeddings } from './encoder/embed.ts';
import { scoreOffline } from './encoder/offline.ts';
import { auc, averagePrecision, calibrationError, f1, type Scored } from './metrics.ts';
import { heldOutTemplates } from './templates.ts';
import { qualitySets, spamSets, type TestSet, toxicitySets } from './testsets.ts';
import { readWeb, type WebPages, windowsOf } from './web.ts';

/*
 * npm run eval [-- --data DIR]
 * Every shipped scorer on every test set: nothing here was trained on. Scores are those of the running program; an encoder's embeddings
 * are computed by its graph, window by window, and kept in the cache folder.
 */

/** A scorer under measurement. */
interface Candidate {
  readonly name: string;
  readonly sets: readonly TestSet[];
  readonly cut: { readonly axis: string; readonly value: number } | undefined;
  /** What a page is flagged for, and what names a group: not for quality, where high is good. */
  readonly harm: boolean;
  readonly score: (texts: readonly string[]) => Promise<Map<string, Scores[string]>>;
}

type ScoreOf = (text: string, axis: string) => number;

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: path.resolve(import.meta.dirname, '../../shared/data') },
    models: { type: 'string', default: shippedModels },
    cache: { type: 'string', default: modelsFolder((name) => process.env[name]) },
  },
});
const web = readWeb(values.data);
const pages = web.texts.filter(({ role }) => role === 'reference');
for (const candidate of candidates(values.data, web)) await report(candidate);

function candidates(directory: string, pagesOfWeb: WebPages): Candidate[] {
  const toxicity = toxicitySets(directory, pagesOfWeb);
  const tables = loadScorers(values.models);
  const stage0 = createStage0(tables);
  const table = (name: string, sets: readonly TestSet[], harm: boolean): Candidate => ({
    name,
    sets,
    harm,
    cut: tables.scorers.find(({ manifest }) => manifest.name === name)?.manifest.thresholds['quarantine'],
    score: async (texts) => new Map(texts.map((text) => [text, stage0.score(text)[name]!])),
  });
  const encoder = (name: string, sets: readonly TestSet[]): Candidate[] =>
    loadEncoder(name).map((loaded) => ({
      name: `${name} (${loaded.manifest.model.precision})`,
      sets,
      harm: true,
      cut: loaded.manifest.thresholds['quarantine'],
      score: (texts) =>
        scoreOffline(texts, {
          loaded,
          stage0,
          heads: shippedHeadWeights(values.models),
          embeddings: openEmbeddings(values.cache, loaded.graphs[0]!.path, miniLm.hidden),
        }),
    }));
  return [
    table('toxicity/base@1', toxicity, true),
    ...encoder('toxicity/encoder@1', toxicity),
    ...encoder('spam/encoder@1', spamSets(directory)),
    table('quality/base@1', qualitySets(directory, pagesOfWeb), false),
  ];
}

/** None where its graph was not built. */
function loadEncoder(name: string): readonly LoadedEncoder[] {
  let set: ScorerSet;
  try {
    set = loadScorers(values.models, [name], values.cache);
  } catch (error) {
    console.log(`\n${name}: not measured: ${error instanceof Error ? error.message : String(error)}`);
    return [];
  }
  return set.encoders;
}

async function report({ name, sets, cut, harm, score }: Candidate): Promise<void> {
  const windows = pages.filter(({ english }) => english).flatMap(({ text }) => windowsOf(text, 90, 5));
  const texts = [
    ...sets.flatMap(({ rows }) => rows.map(({ text }) => text)),
    ...(harm ? [...pages.map(({ text }) => text), ...windows, ...heldOutTemplates.map(({ text }) => text)] : []),
  ];
  const scores = await score(texts);
  const scoreOf: ScoreOf = (text, axis) => {
    const found = scores.get(text)!;
    return typeof found === 'number' ? found : found[axis]!;
  };
  console.log(`\n${name}${cut === undefined ? '' : `, quarantine at ${cut.axis} ≥ ${cut.value}`}`);
  console.log(line('set', 'axis', 'rows', 'positive', 'AUC', 'AP', 'F1 at cut', 'ECE'));
  for (const set of sets) console.log(lineOf(set, scoreOf, cut));
  if (!harm || cut === undefined) return;
  const flagged = (all: readonly string[]): string =>
    `${((100 * all.filter((text) => scoreOf(text, cut.axis) >= cut.value).length) / all.length).toFixed(2)} % of ${all.length}`;
  const english = pages.filter((page) => page.english).map(({ text }) => text);
  console.log(
    `clean web pages flagged: ${flagged(pages.map(({ text }) => text))}; English ones: ${flagged(english)}; windows of English ones: ${flagged(windows)}`,
  );
  if (cut.axis === 'toxic') console.log(identityGap(scoreOf, cut.value));
}

function lineOf({ name, axis, rows }: TestSet, scoreOf: ScoreOf, cut: Candidate['cut']): string {
  const scored = rows.map(({ text, label }): Scored => ({ score: scoreOf(text, axis), label }));
  const positive = scored.filter(({ label }) => label === 1).length;
  const atCut = cut?.axis === axis ? f1(scored, cut.value).toFixed(3) : '–';
  const figures = [auc(scored), averagePrecision(scored)].map((value) => value.toFixed(3));
  return line(
    name,
    axis,
    String(rows.length),
    String(positive),
    ...figures,
    atCut,
    calibrationError(scored).toFixed(3),
  );
}

function line(name: string, ...cells: readonly string[]): string {
  return `  ${name.padEnd(34)}${cells.map((cell) => cell.padStart(10)).join('')}`;
}

/** Harmless sentences that name a group: how much more often one group's are flagged than another's. */
function identityGap(scoreOf: ScoreOf, cut: number): string {
  const groups = Map.groupBy(
    heldOutTemplates.filter(({ toxic }) => toxic === 0),
    ({ group }) => group,
  );
  const rate = (at: number): number[] =>
    [...groups.values()].map((all) => all.filter(({ text }) => scoreOf(text, 'toxic') >= at).length / all.length);
  const gap = (at: number): string => {
    const rates = rate(at);
    const all = rates.reduce((sum, one) => sum + one, 0) / rates.length;
    return `${(100 * (Math.max(...rates) - Math.min(...rates))).toFixed(0)} points at ${at} (${(100 * all).toFixed(1)} % of all flagged)`;
  };
  return `false positives on harmless sentences about ${groups.size} groups, most less least: ${gap(cut)}, ${gap(0.5)}`;
}
