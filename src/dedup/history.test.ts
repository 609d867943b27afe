import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expectedFill, falsePositiveRate } from './estimates.ts';
import { createGeneration } from './generation.ts';
import { createHistory } from './history.ts';
import { type DedupOptions, dedupOptionsSchema } from './options.ts';
import { random } from './sample-texts.ts';
import { sketchLayout } from './sketch.ts';

const options = (given: unknown = {}): DedupOptions => dedupOptionsSchema.parse(given);
const { stride } = sketchLayout(options());
const { bands } = options();

/** Sketches whose keys are uniform, as those of unrelated documents are. */
function unrelated(count: number, seed: number): Uint8Array {
  const source = random(seed);
  const sketches = new Uint8Array(count * stride);
  const view = new DataView(sketches.buffer);
  for (let i = 0; i < count; i++) {
    for (let word = 0; word < 2 * bands; word++) view.setUint32(i * stride + word * 4, source.below(2 ** 32), true);
  }
  return sketches;
}

const inserted = (count: number) => new Uint8Array(count).fill(1);
const asked = (count: number) => new Uint8Array(count);

test('what was inserted is always found; unrelated keys at the computed rate', () => {
  const capacity = 8192;
  const history = createHistory(options({ history: { documentsPerGeneration: capacity } }), 0);
  const sketches = unrelated(capacity, 1);
  history.decide(sketches, inserted(capacity), stride);
  const full = 2 ** bands - 1;
  assert.ok(history.decide(sketches, asked(capacity), stride).masks.every((mask) => mask === full));

  const [generation] = history.generations;
  // Every key sets one bit in each lane of its block.
  const nominal = expectedFill((capacity * bands * 512) / (generation!.bytes * 8));
  assert.ok(Math.abs(generation!.fill() - nominal) < 0.002);
  const probes = 20_000;
  const { masks } = history.decide(unrelated(probes, 2), asked(probes), stride);
  let hits = 0;
  for (let mask of masks) for (; mask; mask &= mask - 1) hits++;
  const rate = hits / probes / bands;
  const theory = falsePositiveRate(nominal);
  assert.ok(
    Math.abs(rate - theory) < 4 * Math.sqrt(theory / (probes * bands)) + 0.02 * theory,
    `${rate}, computed ${theory}`,
  );
  assert.equal(generation!.alarm(), false);
});

test('the first generations are small and each is four times the one before', () => {
  const history = createHistory(options(), 0);
  assert.equal(history.generations[0]!.state.capacity, 65_536);
  assert.ok(history.generations[0]!.bytes < 3e6);
});

test('bits beyond 2^31 are where they belong', () => {
  const bytes = 300 * 1024 * 1024;
  const given = options({ history: { documentsPerGeneration: Math.floor((bytes * 8) / (12 * bands)) } });
  const generation = createGeneration(given, 0, {
    number: 0,
    capacity: given.history.documentsPerGeneration,
    documents: 0,
    bitsSet: 0,
  });
  const blocks = generation.bytes / 64;
  const sketches = new Uint8Array(stride);
  const view = new DataView(sketches.buffer);
  // Band b in a block of its own, the last ones in the last blocks; block = floor(upper half × blocks / 2^32).
  const wanted = Array.from({ length: bands }, (_, band) => (band < 3 ? blocks - 1 - band : 1000 * band));
  wanted.forEach((block, band) => view.setUint32(band * 8 + 4, Math.ceil((block * 2 ** 32) / blocks), true));
  const masks = new Uint32Array(1);
  generation.decide(sketches, inserted(1), masks);
  assert.equal(masks[0], 0);
  const filter = generation.filter();
  assert.ok((blocks - 1) * 512 > 2 ** 31);
  for (const block of wanted) {
    const bits = filter
      .subarray(block * 64, block * 64 + 64)
      .reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0);
    assert.equal(bits, 8, `block ${block}`);
  }
  assert.equal(generation.state.bitsSet, 8 * bands);
  generation.decide(sketches, asked(1), masks);
  assert.equal(masks[0], 2 ** bands - 1);
});

test('a filter with more in it than it was computed for raises the alarm', () => {
  const given = options({ history: { bitsPerKey: 4 } });
  const generation = createGeneration(given, 0, { number: 0, capacity: 1024, documents: 0, bitsSet: 0 });
  for (let i = 0; i < 3; i++) generation.decide(unrelated(1024, i), inserted(1024), new Uint32Array(1024));
  assert.equal(generation.alarm(), false, 'at 4 bits a key the nominal fill is 86 %: 1.2 × is never reached');
  const normal = createGeneration(options(), 0, { number: 0, capacity: 1024, documents: 0, bitsSet: 0 });
  normal.decide(unrelated(1024, 1), inserted(1024), new Uint32Array(1024));
  assert.equal(normal.alarm(), false);
  normal.decide(unrelated(1024, 2), inserted(1024), new Uint32Array(1024));
  assert.equal(normal.alarm(), true);
});
