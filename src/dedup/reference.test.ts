import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError, FatalError } from '../errors.ts';
import { createIndex, loadIndex } from './engine.ts';
import { createFingerprinter } from './fingerprint.ts';
import { type DedupOptions, dedupOptionsSchema } from './options.ts';
import { random, wordsOf } from './sample-texts.ts';
import { isDuplicate, type SketchBatch, type Verdicts } from './sketch.ts';

const optionsOf = (engine: DedupOptions['engine']) => dedupOptionsSchema.parse({ engine });

function batchOf(engine: DedupOptions['engine'], texts: readonly string[]): SketchBatch {
  const { fingerprint, stride } = createFingerprinter(optionsOf(engine));
  const sketches = new Uint8Array(texts.length * stride);
  texts.forEach((text, i) => fingerprint(text, sketches, i * stride));
  return {
    count: texts.length,
    kinds: new Uint8Array(texts.length).fill(2),
    partitions: new Uint32Array(texts.length),
    offsets: BigInt64Array.from(texts, (_, i) => BigInt(i)),
    sketches,
  };
}

const verdictsOf = (engine: DedupOptions['engine'], texts: readonly string[]): Verdicts =>
  createIndex(optionsOf(engine)).decide(batchOf(engine, texts));

/** 40 texts of 116 shingles, each followed by a reformatted copy, by one with one other word (J = 111 / 121), by one with every sixth (J = .09). */
function families(): string[] {
  const source = random(11);
  return Array.from({ length: 40 }, () => {
    const words = wordsOf(source, 120);
    const one = words.with(60, 'other');
    const many = words.map((word, i) => (i % 6 === 5 ? `other${i}` : word));
    return [words.join(' '), words.join(', ').toUpperCase(), one.join(' '), many.join(' ')];
  }).flat();
}

test('both engines agree on what is clearly a duplicate and what is clearly none', () => {
  const texts = families();
  const [kernel, reference] = [verdictsOf('kernel', texts), verdictsOf('reference', texts)];
  texts.forEach((_, i) => {
    const wanted = [false, true, true, false][i % 4];
    for (const verdicts of [kernel, reference]) {
      assert.equal(isDuplicate(verdicts, i, 0.695, 4), wanted, `text ${i}`);
      if (wanted) assert.equal(verdicts.duplicateOffset[i], BigInt(i - (i % 4)));
    }
    assert.equal(reference.exact[i], kernel.exact[i]);
    assert.equal(reference.copies[i], kernel.copies[i]);
    // Each errs by about .03; the reference's permutations a little more.
    assert.ok(Math.abs(reference.similarity[i]! - kernel.similarity[i]!) < 0.25, `text ${i}`);
  });
});

test('the reference index continues from its snapshot', () => {
  const options = optionsOf('reference');
  const batch = batchOf('reference', families().slice(0, 24));
  const index = createIndex(options);
  index.decide(batch);
  const loaded = loadIndex(options, index.save());
  assert.deepEqual(loaded.decide(batch), index.decide(batch));
  assert.deepEqual(loaded.stats(), index.stats());
  assert.throws(
    () => loadIndex(dedupOptionsSchema.parse({ engine: 'reference', seed: 'x' }), index.save()),
    ConfigError,
  );
  assert.throws(() => loadIndex(options, [new Uint8Array(9)]), FatalError);
});

test('shards are for the kernel engine', () => {
  assert.throws(() => dedupOptionsSchema.parse({ engine: 'reference', shards: 2 }), /reference engine/);
});
