import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ConfigError } from '../src/errors.ts';
import { loadScorers, shippedModels } from '../src/scoring/load.ts';
import { parseManifest } from '../src/scoring/manifest.ts';
import type { LinearManifest } from '../src/scoring/manifest-linear.ts';
import { createStage0 } from '../src/scoring/stage0.ts';
import { parseVocabulary } from '../src/scoring/vocabulary.ts';
import { createWordPiece } from '../src/scoring/wordpiece.ts';
import { measureQuality, measureStage0 } from './evaluate.ts';
import { trainQuality } from './quality.ts';
import { selfTestTexts } from './selftest.ts';
import { type Source, type SourceName, sources, splitRule, toxicitySources } from './sources.ts';
import { toxicityRows, type TrainedScorer, trainToxicity } from './toxicity.ts';
import { weakTexts } from './weak.ts';
import { readWeb } from './web.ts';

/*
 * node training/train.ts --data DIR [--out DIR]
 * Trains the shipped scorers on the public sets below DIR and writes models/. The same data give the same bytes.
 */
const { values } = parseArgs({
  options: { data: { type: 'string' }, out: { type: 'string', default: shippedModels } },
});
if (values.data === undefined)
  throw new ConfigError('usage', 'training; no data folder; give --data DIR (training/sources.ts says what is in it)');
const directory = values.data;
const vocabularyFile = path.join(values.out, 'vocab.txt');
const vocabularyBytes = readFileSync(vocabularyFile);
const wordPiece = createWordPiece(parseVocabulary(vocabularyBytes.toString('utf8')));

const web = readWeb(directory);
const rows = toxicityRows(directory, web);
const weak = weakTexts(directory, web);

const qualitySources: SourceName[] = [
  'crawlHead',
  'articles',
  'pages',
  'book',
  'mail',
  'headlines',
  'davidson',
  'civil',
  'edos',
  'crawl',
];
const toxicity = complete(trainToxicity(wordPiece, rows, web), toxicitySources);
const quality = complete(trainQuality(wordPiece.vocabulary, weak, web), qualitySources);
write(toxicity);
write(quality);
const set = loadScorers(values.out);
toxicity.manifest.measured = measureStage0(set, rows, web);
quality.manifest.measured = measureQuality(set, weak);
for (const scorer of [toxicity, quality]) {
  const stage0 = createStage0(set);
  scorer.manifest.selfTest = selfTestTexts.map((text) => {
    const score = stage0.score(text)[scorer.manifest.name]!;
    return {
      text,
      scores: typeof score === 'number' ? [score] : scorer.manifest.outputs.map(({ axis }) => score[axis]!),
    };
  });
  write(scorer);
}
loadScorers(values.out);

interface Complete {
  readonly manifest: LinearManifest;
  readonly table: Int8Array;
}

function complete({ manifest, table }: TrainedScorer, names: readonly SourceName[]): Complete {
  return {
    table,
    manifest: {
      ...manifest,
      tokenizer: {
        kind: 'wordpiece-uncased',
        file: 'vocab.txt',
        sha256: digest(vocabularyBytes),
        entries: wordPiece.vocabulary.size,
      },
      table: { ...manifest.table, sha256: digest(table) },
      split: splitRule,
      trainingData: names.map((name): Source => sources[name]),
      measured: {},
      selfTest: [],
    },
  };
}

function write({ manifest, table }: Complete): void {
  const file = path.join(values.out, manifest.table.file);
  writeFileSync(file, table);
  writeFileSync(
    file.replace(/\.i8$/, '.json'),
    `${JSON.stringify(parseManifest(manifest, manifest.name), undefined, 1)}\n`,
  );
}

function digest(bytes: NodeJS.ArrayBufferView): string {
  return createHash('sha256').update(bytes).digest('hex');
}
