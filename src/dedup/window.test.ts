import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError } from '../errors.ts';
import { type DedupOptions, dedupOptionsSchema, windowBytesPerDocument } from './options.ts';
import { random } from './sample-texts.ts';
import { newVerdicts, type SketchBatch, sketchLayout, type Verdicts } from './sketch.ts';
import { bitCount } from './verdicts.ts';
import { createWindow, type Window } from './window.ts';

const layout = sketchLayout(dedupOptionsSchema.parse({}));
const optionsOf = (documents: number): DedupOptions => dedupOptionsSchema.parse({ window: { documents } });

/** Unrelated documents: keys and rows at random, offsets as their numbers. */
function unrelated(count: number, seed: number): SketchBatch {
  const source = random(seed);
  const sketches = new Uint8Array(count * layout.stride);
  const view = new DataView(sketches.buffer);
  for (let i = 0; i < count; i++) {
    for (let at = 0; at < layout.exactAt; at += 4) view.setUint32(i * layout.stride + at, source.below(2 ** 32), true);
    view.setUint32(i * layout.stride + layout.shinglesAt, 100, true);
  }
  return {
    count,
    kinds: new Uint8Array(count).fill(2),
    partitions: new Uint32Array(count).fill(seed),
    offsets: BigInt64Array.from({ length: count }, (_, i) => BigInt(i)),
    sketches,
  };
}

function decide(window: Window, batch: SketchBatch, code: number): { verdicts: Verdicts; masks: Uint32Array } {
  const verdicts = newVerdicts(batch.count);
  const masks = new Uint32Array(batch.count);
  window.decide(batch, new Uint8Array(batch.count).fill(code), verdicts, masks, new Float64Array(batch.count));
  return { verdicts, masks };
}

/** Bands explained, all together. */
const keysOf = (masks: Uint32Array) => masks.reduce((sum, mask) => sum + bitCount(mask), 0);

test('a window that doubles as it fills still knows every document', () => {
  const window = createWindow(optionsOf(40_000));
  const small = window.bytes();
  const batch = unrelated(20_000, 1);
  const first = decide(window, batch, 1);
  assert.ok(
    first.verdicts.similarity.every((similarity) => similarity < 0.5),
    'a false candidate does not look alike',
  );
  assert.ok(window.bytes() > 3 * small);
  const { verdicts, masks } = decide(window, batch, 0);
  const missing = verdicts.duplicateOffset.filter((offset, i) => offset !== BigInt(i)).length;
  assert.equal(missing, 0);
  assert.ok(verdicts.similarity.every((similarity) => similarity === 1));
  assert.ok(keysOf(masks) > 0.99 * 22 * batch.count);
});

test('a full window knows its last documents and none before', () => {
  const capacity = 10_000;
  const window = createWindow(optionsOf(capacity));
  const batch = unrelated(25_000, 2);
  decide(window, batch, 1);
  assert.equal(window.documents(), capacity);
  const { verdicts, masks } = decide(window, batch, 0);
  let lost = 0;
  for (let i = 0; i < batch.count; i++) {
    if (i < batch.count - capacity) assert.ok(verdicts.similarity[i]! < 0.5);
    else if (verdicts.duplicateOffset[i] !== BigInt(i)) lost++;
  }
  assert.equal(lost, 0);
  // At a load of .85 about one bucket in ten is full, and one key in a hundred finds both of its own full: the oldest entry falls out.
  const keys = keysOf(masks.subarray(batch.count - capacity));
  assert.ok(keys > 0.98 * capacity * 22, `${keys / capacity} of 22 keys`);
});

test('memory is what the options say, and what does not fit is refused', () => {
  const given = optionsOf(50_000);
  const window = createWindow(given);
  decide(window, unrelated(50_000, 3), 1);
  assert.ok(Math.abs(window.bytes() / 50_000 - windowBytesPerDocument(given)) < 10);
  assert.throws(() => createWindow(optionsOf(16_000_000)), ConfigError);
});
