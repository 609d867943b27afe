import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configHash, dedupOptionsSchema, windowBytesPerDocument, windowDocuments } from './options.ts';

const options = (given: unknown = {}) => dedupOptionsSchema.parse(given);

test('the configuration hash of the defaults is golden: another one refuses every snapshot there is', () => {
  assert.equal(configHash(options()), 'b15214160885c18599f2fb622e424e45');
});

test('the configuration hash covers what changes fingerprints or state, and nothing else', () => {
  const before = configHash(options());
  const changing = [
    { seed: 'another' },
    { engine: 'reference' },
    { shingleTokens: 4 },
    { unsegmentedShingleTokens: 8 },
    { bands: 20 },
    { rowsPerBand: 6 },
    { verificationRows: 256 },
    { minShingles: 10 },
    { foldDigits: true },
    { window: { documents: 5 } },
    { window: { similarity: 0.8 } },
    { history: { bitsPerKey: 10 } },
    { history: { documentsPerGeneration: 2048 } },
    { history: { generations: 2 } },
    { exact: { documents: 2048 } },
  ];
  const hashes = changing.map((given) => configHash(options(given)));
  assert.equal(new Set([before, ...hashes]).size, changing.length + 1);
  for (const same of [{ shards: 8 }, { history: { votes: 5 } }]) assert.equal(configHash(options(same)), before);
});

test('a window is given in documents or in bytes, not both', () => {
  assert.equal(windowDocuments(options()), 1_000_000);
  assert.equal(windowDocuments(options({ window: { documents: 123 } })), 123);
  const given = options({ window: { memoryBytes: 100_000_000 } });
  assert.equal(windowDocuments(given), Math.floor(100_000_000 / windowBytesPerDocument(given)));
  assert.throws(() => options({ window: { documents: 1, memoryBytes: 100_000 } }), /both given/);
});

test('impossible combinations and unknown keys are refused', () => {
  assert.throws(() => options({ bands: 32, rowsPerBand: 8 }), /verificationRows/);
  assert.throws(() => options({ verificationRows: 100 }));
  assert.throws(() => options({ shards: 3 }));
  assert.throws(() => options({ bnads: 3 }));
});
