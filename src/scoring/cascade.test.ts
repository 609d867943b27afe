import assert from 'node:assert/strict';
import { test } from 'node:test';
import { folderOf } from '../testing/encoder-folder.ts';
import { cascadePath, DOUBT, isOverCut, requireCascades, SAMPLE, SKIPPED, speaks } from './cascade.ts';
import { loadScorers, shippedModels } from './load.ts';
import type { EncoderManifest } from './manifest-encoder.ts';

const manifest = {
  name: 'test/count@1',
  languages: ['en'],
  cascade: { of: 'toxicity/base@1', axis: 'toxic', cut: 0.25, sampleRate: 0.01 },
  thresholds: { quarantine: { axis: 'count', value: 0.5, basis: '' } },
} as unknown as EncoderManifest;

const toxic = (score: number) => ({ 'toxicity/base@1': { toxic: score } });
const never = () => assert.fail('nothing to draw');

test('at or above the cut a record is in doubt, below it one in so many is drawn', () => {
  assert.equal(cascadePath(manifest, toxic(0.25), never), DOUBT);
  assert.equal(
    cascadePath(manifest, toxic(0.2499), () => 0.0099),
    SAMPLE,
  );
  assert.equal(
    cascadePath(manifest, toxic(0.2499), () => 0.01),
    SKIPPED,
  );
});

test('without a cascade, or without the score that it is about, every record is in doubt', () => {
  assert.equal(cascadePath({ ...manifest, cascade: undefined }, toxic(0), never), DOUBT);
  assert.equal(cascadePath(manifest, {}, never), DOUBT);
});

test('over the cut is above it, on the axis of the manifest', () => {
  const isOver = (count: number) => isOverCut(manifest, { 'test/count@1': { count, 'count.mean': 1 } });
  assert.deepEqual([0.5, 0.5001].map(isOver), [false, true]);
  assert.equal(isOverCut({ ...manifest, thresholds: {} }, { 'test/count@1': { count: 1 } }), false);
});

test('a manifest without languages is good for any', () => {
  assert.deepEqual(
    ['en', 'de'].map((language) => speaks(manifest, language)),
    [true, false],
  );
  assert.equal(speaks({ ...manifest, languages: [] }, 'de'), true);
});

test('a cascade, or a mix, on a score that is not there is a configuration error', (t) => {
  const refused = (of: string, axis: string, names: readonly string[], message: RegExp) => {
    const folder = folderOf(t, (files) => (files.manifest.cascade = { of, axis, cut: 0.5, sampleRate: 0 }));
    const set = loadScorers([folder, shippedModels], ['test/count@1', ...names]);
    assert.throws(() => requireCascades(set), { name: 'ConfigError', code: 'scorer-cascade', message });
  };
  refused(
    'toxicity/base@1',
    'toxic',
    [],
    /builds on toxicity\/base@1, which is not loaded; add it to scoring\.scorers/,
  );
  refused('toxicity/base@1', 'threats', ['toxicity/base@1'], /threats of toxicity\/base@1, which has no such axis/);
});
