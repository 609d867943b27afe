import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { foldCodePoint } from './fold.ts';
import { createFingerprinter } from './fingerprint.ts';
import { type DedupOptions, dedupOptionsSchema } from './options.ts';
import { random, wordsOf } from './sample-texts.ts';
import type { Fingerprinter } from './sketch.ts';
import { createTwinFingerprinter } from './twin.ts';

const options = (given: Partial<DedupOptions> = {}) => ({ ...dedupOptionsSchema.parse({}), ...given });
/** One shingle is enough for a full sketch. */
const eager = options({ minShingles: 1 });
const kernel = createFingerprinter(eager);
const twin = createTwinFingerprinter(eager);

function sketch(fingerprinter: Fingerprinter, text: string | Uint8Array): string {
  const out = new Uint8Array(fingerprinter.stride);
  fingerprinter.fingerprint(text, out, 0);
  return Buffer.from(out).toString('hex');
}

const prose =
  'The quick brown fox jumps over the lazy dog, and “naïve” Übermut costs 3,50 € at the café — today. '.repeat(2);
const mixed = '東京は日本の首都です。 Tokyo is the capital of Japan since 1868. ភាសាខ្មែរ ภาษาไทย 한국어 нечто ещё';
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc
    .array(fc.constantFrom(0xc3, 0xa9, 0xe2, 0x80, 0xf0, 0x9f, 0x41, 0x20, 0xed, 0xa0), { maxLength: 200 })
    .map((a) => Uint8Array.from(a)),
);
const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc
    .array(fc.constantFrom('the', 'Maß', '東', '京', 'ไ', ' ', ', ', 'É', 'x9', '½', '\ud800', '\u0000', 'ﷺ', '가'), {
      maxLength: 150,
    })
    .map((parts) => parts.join('')),
);

test('the kernel writes the bytes of the slow twin, for any string and any bytes', () => {
  const withDigits = options({
    minShingles: 1,
    foldDigits: true,
    shingleTokens: 3,
    unsegmentedShingleTokens: 4,
    seed: 'secret',
  });
  const pairs = [
    [kernel, twin],
    [createFingerprinter(withDigits), createTwinFingerprinter(withDigits)],
  ] as const;
  for (const [a, b] of pairs) {
    fc.assert(
      fc.property(texts, (text) => sketch(a, text) === sketch(b, text)),
      { numRuns: 150, seed: 1 },
    );
    fc.assert(
      fc.property(bytes, (text) => sketch(a, text) === sketch(b, text)),
      { numRuns: 150, seed: 2 },
    );
    for (const text of [prose, mixed, '', ' ', 'a', 'x'.repeat(3000)]) assert.equal(sketch(a, text), sketch(b, text));
  }
});

test('every code point of the first two planes is folded as the rule says', () => {
  // A text of one row of code points each, with a letter between, so that what vanishes and what separates can be told apart.
  for (let row = 0; row < 0x200; row += 8) {
    const text = Array.from(
      { length: 256 },
      (_, i) => `q${String.fromCodePoint((row + (i & 7)) * 256 + ((i * 37) & 255))}q`,
    ).join('.');
    assert.equal(sketch(kernel, text.toWellFormed()), sketch(twin, text), `row ${row.toString(16)}`);
  }
});

test('bytes and string of the same text have one sketch, in pieces too', () => {
  for (const text of [
    prose,
    mixed,
    `${mixed} ${prose}`.repeat(400),
    'é'.repeat(70_000),
    `${'x'.repeat(65_535)}é y`,
    '漢'.repeat(22_000),
  ]) {
    assert.equal(sketch(kernel, text), sketch(kernel, new TextEncoder().encode(text)));
  }
});

test('a text of several pieces is sketched as the twin does it whole', () => {
  const source = random(5);
  const long = Array.from(
    { length: 22_000 },
    () => source.below(50_000).toString(36) + (source.chance(0.1) ? '漢' : ' é'),
  ).join(' ');
  assert.ok(new TextEncoder().encode(long).length > 2 * 65_536);
  assert.equal(sketch(kernel, long), sketch(twin, long));
});

test('case, diacritics, composition, punctuation, spacing and invisible characters make no difference', () => {
  const text = `${prose} Ångström straße ΟΔΥΣΣΕΥΣ Đặng Ёлка ﬁne ガギグ 각`;
  const same = [
    text.toUpperCase(),
    text.toLowerCase(),
    text.normalize('NFD'),
    text.normalize('NFKC'),
    text.replaceAll(' ', '  \n\t'),
    text.replaceAll(/[,.“”—€]/g, ' '),
    text.replaceAll('quick', 'qu\u00adi\u200bck'),
    text.normalize('NFD').replaceAll(/[\u0300-\u036f]/g, ''),
  ];
  for (const [i, other] of same.entries()) assert.equal(sketch(kernel, other), sketch(kernel, text), `variant ${i}`);
  assert.notEqual(sketch(kernel, text.replace('fox', 'cat')), sketch(kernel, text));
});

test('folding, by examples', () => {
  const folded = (text: string, digits = false) =>
    String.fromCharCode(...Array.from(text).flatMap((c) => foldCodePoint(c.codePointAt(0)!, digits)));
  assert.equal(folded('Aé ß,İ'), 'ae\0ss\0i');
  assert.equal(folded('a\u0301\u00ad\u200d'), 'a');
  assert.equal(folded('x7٣', true), 'x00');
  assert.equal(folded('漢'), `\0\u0001${String.fromCharCode(...new TextEncoder().encode('漢'))}\0`);
  assert.equal(folded('ς'), folded('Σ'));
  assert.equal(folded('Ａ１'), 'a1');
});

test('digits are told apart unless they are folded', () => {
  const at = (day: number) =>
    `On day ${day} of the year ${2000 + day} the meter showed ${day * 31} units for everybody to see`;
  const folding = createFingerprinter(options({ minShingles: 1, foldDigits: true }));
  assert.notEqual(sketch(kernel, at(11)), sketch(kernel, at(12)));
  assert.equal(sketch(folding, at(11)), sketch(folding, at(12)));
});

test('scripts without spaces are shingled by characters, so that one edit changes few shingles', () => {
  const source = random(3);
  const text = Array.from({ length: 300 }, () => String.fromCodePoint(0x4e00 + source.below(20_000)));
  const { shingles } = kernel.fingerprint(text.join(''), new Uint8Array(kernel.stride), 0);
  assert.equal(shingles, 300 - 9 + 1);
  assert.equal(sketch(kernel, text.join('')), sketch(kernel, text.join(' ')));
  for (const sample of ['ไ', 'ຄ', 'ក', 'က', 'あ', 'ア', '漢'])
    assert.equal(foldCodePoint(sample.codePointAt(0)!)[1], 1, sample);
});

test('shingles are counted once each', () => {
  const count = (text: string) => kernel.fingerprint(text, new Uint8Array(kernel.stride), 0).shingles;
  assert.equal(count('a b c d'), 0);
  assert.equal(count('a b c d e'), 1);
  assert.equal(count('a b c d e f g'), 3);
  assert.equal(count('again '.repeat(100_000)), 1);
});

test('with too few shingles only the exact key is left', () => {
  const fingerprinter = createFingerprinter(options());
  const out = new Uint8Array(fingerprinter.stride);
  const { exactLow, shingles } = fingerprinter.fingerprint('too short', out, 0);
  assert.equal(shingles, 0);
  assert.ok(out.subarray(0, -16).every((byte) => byte === 0));
  assert.equal(new DataView(out.buffer).getUint32(out.length - 16, true), exactLow);
});

test('another seed changes every key and the exact key', () => {
  const words = wordsOf(random(9), 200).join(' ');
  const keysOf = (seed: string) => {
    const out = new Uint8Array(kernel.stride);
    createFingerprinter(options({ seed })).fingerprint(words, out, 0);
    const view = new DataView(out.buffer);
    return [
      ...Array.from({ length: eager.bands }, (_, i) => view.getBigUint64(i * 8, true)),
      view.getBigUint64(out.length - 16, true),
    ];
  };
  assert.equal(new Set([...keysOf('one'), ...keysOf('two')]).size, 2 * (eager.bands + 1));
});

test('nothing is written outside the place of the sketch', () => {
  const out = new Uint8Array(kernel.stride + 2).fill(7);
  kernel.fingerprint(prose, out, 1);
  assert.deepEqual([out[0], out.at(-1)], [7, 7]);
  assert.throws(() => kernel.fingerprint(prose, new Uint8Array(kernel.stride - 1), 0), RangeError);
});
