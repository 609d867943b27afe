import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import * as fc from 'fast-check';
import { loadScorers, shippedModels } from './load.ts';
import { manifestThreshold, referencePercentile } from './manifest.ts';
import { createStage0 } from './stage0.ts';

const set = loadScorers();
const stage0 = createStage0(set);
const quality = set.scorers.find(({ manifest }) => manifest.name === 'quality/base@1')!.manifest;
const toxicity = set.scorers.find(({ manifest }) => manifest.name === 'toxicity/base@1')!.manifest;

const prose =
  'The library opened in 1902, in a house that a merchant had left to the town. For the first years it held only four hundred books, most of them ' +
  'about shipping and law, and readers had to ask for each one at a desk.\nThat changed after the war, when the new librarian let people walk among the shelves.';
const menu = 'Home\nShop\nLOGIN\nBuy now!!!\nCart (0)\nFollow us\nTop 10\nFree shipping\n$9.99\nNext >>';

/** Runs `change` on a copy of the shipped models and loads it. */
function loadChanged(change: (directory: string) => void): void {
  const directory = mkdtempSync(path.join(tmpdir(), 'riffle-models-'));
  try {
    cpSync(shippedModels, directory, { recursive: true });
    change(directory);
    loadScorers(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function editManifest(directory: string, edit: (manifest: { [key: string]: unknown }) => void): void {
  const file = path.join(directory, 'toxicity-base-1.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as { [key: string]: unknown };
  edit(manifest);
  writeFileSync(file, JSON.stringify(manifest));
}

test('the shipped models load: digests, sizes and self-test scores hold', () => {
  assert.deepEqual(
    set.scorers.map(({ manifest }) => manifest.name),
    ['quality/base@1', 'toxicity/base@1'],
  );
  for (const { manifest } of set.scorers) assert.doesNotMatch(JSON.stringify(manifest.trainingData), /GPL|-SA/);
});

test('scores have the shape of the contract and order plain cases', () => {
  const good = stage0.score(prose);
  assert.ok((good['quality/base@1'] as number) > (stage0.score(menu)['quality/base@1'] as number));
  assert.deepEqual(Object.keys(good['toxicity/base@1']!), ['toxic', 'identity', 'insult', 'threat']);
  const cut = manifestThreshold(toxicity, 'quarantine').value;
  const toxic = (text: string): number => (stage0.score(text)['toxicity/base@1'] as { toxic: number }).toxic;
  assert.ok(toxic(prose) < cut / 2);
  assert.ok(toxic('You are a stupid idiot and a loser, shut up.') >= cut);
});

test('a text without a token scores 0', () => {
  for (const text of ['', ' \n\t', '\u200b\u0000', new Uint8Array([0xff, 0xfe])]) {
    assert.deepEqual(stage0.score(text), {
      'quality/base@1': 0,
      'toxicity/base@1': { toxic: 0, identity: 0, insult: 0, threat: 0 },
    });
  }
});

test('every score is a number from 0 to 1 with four decimals, whatever the bytes', () => {
  const anything = fc.oneof(fc.uint8Array({ maxLength: 3000 }), fc.string({ unit: 'binary', maxLength: 3000 }));
  fc.assert(
    fc.property(anything, (text) => {
      for (const score of Object.values(stage0.score(text)).flatMap((one) =>
        typeof one === 'number' ? [one] : Object.values(one),
      )) {
        assert.ok(score >= 0 && score <= 1 && Math.round(score * 10_000) / 10_000 === score);
      }
    }),
    { numRuns: 500 },
  );
});

test('a string and its bytes score alike, also beyond the bytes that are looked at', () => {
  for (const text of [
    prose,
    menu,
    'Ü中'.repeat(30),
    `${' '.repeat(100_000)}${prose}`,
    `${prose}${'\n'.repeat(200_000)}`,
  ]) {
    assert.deepEqual(stage0.score(text), stage0.score(new TextEncoder().encode(text)));
  }
});

test('only the first maxTokens count for toxicity', () => {
  const long = `${prose} `.repeat(20);
  const words = long.split(' ').slice(0, 1000).join(' ');
  assert.deepEqual(
    stage0.score(words)['toxicity/base@1'],
    stage0.score(`${words} you stupid worthless idiot`)['toxicity/base@1'],
  );
});

test('a score that is not a number throws a record error', () => {
  const broken = structuredClone(set);
  for (const { manifest } of broken.scorers)
    for (const output of manifest.outputs) Object.assign(output, { bias: Number.NaN });
  assert.throws(() => createStage0(broken).score(prose), { name: 'RecordError', code: 'score.nan', operator: 'score' });
});

test('a worker thread scores alike from the same memory', async () => {
  const source = `
    const { parentPort, workerData } = require('node:worker_threads');
    import(workerData.module).then(({ createStage0 }) => parentPort.postMessage(createStage0(workerData.set).score(workerData.text)));`;
  const module = new URL('./stage0.ts', import.meta.url).href;
  const worker = new Worker(source, { eval: true, workerData: { module, set, text: prose } });
  const scores = await new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  assert.deepEqual(scores, stage0.score(prose));
});

test('the quality reference is a distribution: percentiles rise', () => {
  const percentiles = quality.reference!.percentiles;
  assert.ok(percentiles.every((value, i) => i === 0 || value >= percentiles[i - 1]!));
  assert.equal(referencePercentile(quality, 40), percentiles[40]);
  assert.throws(() => referencePercentile(quality, 101), { name: 'ConfigError' });
  assert.throws(() => referencePercentile(toxicity, 40), { name: 'ConfigError' });
  assert.throws(() => manifestThreshold(quality, 'quarantine'), { name: 'ConfigError' });
});

test('a changed, missing or foreign model is refused', () => {
  const refused = (code: string, change: (directory: string) => void): void =>
    assert.throws(() => loadChanged(change), { name: 'ConfigError', code });
  refused('scorer-digest', (directory) => {
    const file = path.join(directory, 'toxicity-base-1.i8');
    const bytes = readFileSync(file);
    bytes[1000]! ^= 1;
    writeFileSync(file, bytes);
  });
  refused('scorer-digest', (directory) => writeFileSync(path.join(directory, 'vocab.txt'), '[UNK]\n'));
  refused('scorer-missing', (directory) => rmSync(path.join(directory, 'quality-base-1.i8')));
  refused('scorer-manifest', (directory) => writeFileSync(path.join(directory, 'quality-base-1.json'), '{'));
  refused('scorer-manifest', (directory) => editManifest(directory, (manifest) => (manifest.extra = 1)));
  refused('scorer-manifest', (directory) => editManifest(directory, (manifest) => (manifest.name = 'toxicity')));
  refused('scorer-table', (directory) =>
    editManifest(directory, (manifest) => (manifest.table = { ...toxicity.table, bigramRows: 1 << 17 })),
  );
  refused('scorer-self-test', (directory) =>
    editManifest(directory, (manifest) => (manifest.selfTest = [{ text: prose, scores: [0.9, 0.9, 0.9, 0.9] }])),
  );
  assert.throws(() => loadScorers(shippedModels, ['quality/base@9']), { name: 'ConfigError', code: 'scorer-missing' });
  assert.throws(() => loadScorers('/nowhere'), { name: 'ConfigError', code: 'scorer-missing' });
});
