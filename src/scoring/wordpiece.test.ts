import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { bertNormalizer, bertPreTokenizer, Tokenizer, WordPiece as NativeWordPiece } from 'tokenizers';
import { shared } from '../testing/shared.ts';
import { shippedModels } from './load.ts';
import { parseVocabulary } from './vocabulary.ts';
import { createRuns, createWordPiece } from './wordpiece.ts';

const vocabularyText = readFileSync(path.join(shippedModels, 'vocab.txt'), 'utf8');
const vocabulary = parseVocabulary(vocabularyText);
const wordPiece = createWordPiece(vocabulary);
const encoder = new TextEncoder();
const scratch = new Int32Array(1 << 20);

/** The oracle: the native package with BERT's uncased rules, and without special tokens, so that `[SEP]` in a text is text. */
const oracle = new Tokenizer(
  NativeWordPiece.init(
    Object.fromEntries(
      vocabularyText
        .trimEnd()
        .split('\n')
        .map((entry, id) => [entry, id]),
    ),
    {
      unkToken: '[UNK]',
      maxInputCharsPerWord: 100,
    },
  ),
);
oracle.setNormalizer(
  bertNormalizer({ cleanText: true, handleChineseChars: true, stripAccents: true, lowercase: true }),
);
oracle.setPreTokenizer(bertPreTokenizer());

function encode(text: string, tokenizer = wordPiece): number[] {
  return [...scratch.subarray(0, tokenizer.encode(encoder.encode(text), scratch, 0, scratch.length))];
}

async function assertSameIds(texts: readonly string[]): Promise<void> {
  const expected = await oracle.encodeBatch([...texts]);
  for (const [i, text] of texts.entries())
    assert.deepEqual(encode(text), expected[i]!.getIds(), JSON.stringify(text.slice(0, 200)));
}

test('ids equal those of the tokenizers package on chosen texts', () =>
  assertSameIds([
    '',
    ' \t\r\n',
    'The quick brown fox.',
    "DON'T e-mail me@example.org!!! $3.50 [SEP] [CLS]",
    'naïve café ÅNGSTRÖM İstanbul ǅ ﬁ',
    'ΟΔΥΣΣΕΥΣ ΣΑΣ Σ',
    '東京は大きい。한국어 텍스트 ภาษาไทย हिन्दी العربية עברית',
    'a\u0000b\u0001c\u007fd\u00ade\u200bf\ufefff\ufffdg',
    'x\u0301\u0302\u0338=\u0338 ≠',
    '👩‍👩‍👧‍👦 🇩🇪 𝔘𝔫𝔦 𠀀𠀁',
    'a'.repeat(100),
    'a'.repeat(101),
    `${'é'.repeat(100)} ${'é'.repeat(101)}`,
    `${'ก'.repeat(5000)} end`,
    `${'中'.repeat(3000)}end`,
    `${'\u0301'.repeat(3000)}end`,
    `a${'\u00ad'.repeat(2000)}b`,
    'antidisestablishmentarianism Donaudampfschifffahrtsgesellschaft',
    '\u1680\u2003\u2028\u205f\u3000\u0085\u180e',
    'snow\u200dman ﷺ ㍿ ½ Ⅻ',
  ]));

test('ids equal those of the tokenizers package for every code point', async () => {
  const texts: string[] = [];
  for (let first = 0; first < 0x20200; first += 4) {
    if (first >= 0xd800 && first < 0xe000) continue;
    texts.push([0, 1, 2, 3].map((k) => `ab${String.fromCodePoint(first + k)}c`).join(' '));
  }
  for (let code = 0xe0000; code < 0xe0200; code += 3) texts.push(`ab${String.fromCodePoint(code)}c`);
  await assertSameIds(texts);
});

test('ids equal those of the tokenizers package on real text in 42 scripts', async (t) => {
  const file = shared(t, 'data/langid/udhr/udhr.jsonl.gz');
  if (file === undefined) return;
  const lines = gunzipSync(readFileSync(file)).toString('utf8').trimEnd().split('\n');
  await assertSameIds(lines.map((line): string => (JSON.parse(line) as { text: string }).text.slice(0, 1200)));
});

test('ids equal those of the tokenizers package on real web text', async (t) => {
  const file = shared(t, 'data/web/crawl_docs_small/docs.jsonl.gz');
  if (file === undefined) return;
  const lines = gunzipSync(readFileSync(file)).toString('utf8').trimEnd().split('\n');
  await assertSameIds(lines.map((line): string => (JSON.parse(line) as { text: string }).text.slice(0, 3000)));
});

test('ids equal those of the tokenizers package on random text', async () => {
  const piece = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.string({ unit: 'grapheme', maxLength: 12 }),
    fc.constantFrom(
      ' ',
      '\n',
      'the',
      'The',
      'ing',
      '.',
      '中',
      'é',
      'e\u0301',
      'ß',
      '\u0000',
      '\u200b',
      '9',
      'Ω',
      'ﬀ',
      '한',
    ),
  );
  const texts = fc.sample(
    fc.array(piece, { maxLength: 30 }).map((parts) => parts.join('')),
    { numRuns: 1500, seed: 7 },
  );
  await assertSameIds(texts.map((text) => text.toWellFormed()));
});

test('a full cache is emptied and gives the same ids', async () => {
  const small = createWordPiece(vocabulary, { cacheBits: 6 });
  const texts = Array.from({ length: 400 }, (_, i) => `word${i} Über${i % 37} the ${'long'.repeat(i % 20)} 中文${i}`);
  const expected = await oracle.encodeBatch(texts);
  for (let round = 0; round < 2; round++) {
    for (const [i, text] of texts.entries()) assert.deepEqual(encode(text, small), expected[i]!.getIds());
  }
});

test('truncation gives the first ids, and looks at nothing behind them', () => {
  const text = 'Unbelievable! Žižek 東京 internationalisation, and so on.';
  const all = encode(text);
  const bytes = encoder.encode(text);
  for (let limit = 0; limit <= all.length + 2; limit++) {
    const ids = new Int32Array(all.length + 8).fill(-1);
    assert.equal(wordPiece.encode(bytes, ids, 3, limit), Math.min(limit, all.length));
    assert.deepEqual(
      [...ids],
      [-1, -1, -1, ...all.slice(0, limit), ...Array(ids.length - 3 - Math.min(limit, all.length)).fill(-1)],
    );
  }
});

/** What a long text is made of: words and scripts of one to four bytes a character, some of them in runs longer than the kernel reads at once. */
const longText = fc
  .array(
    fc.oneof(
      {
        weight: 30,
        arbitrary: fc.constantFrom('word ', 'Über-', '東京、', 'İstanbul\n', '😀', 'x\u0000y ', 'straße. ', 'ﷺ '),
      },
      { weight: 1, arbitrary: fc.constantFrom('é'.repeat(9000), 'Ab1'.repeat(6000), '中'.repeat(6000)) },
    ),
    { minLength: 60, maxLength: 120 },
  )
  .chain((parts) =>
    fc.nat(40).map((shift) => ' '.repeat(shift) + parts.join('').repeat(Math.ceil(50_000 / parts.join('').length))),
  );

test('long texts: the same ids, wherever the kernel has to stop in them', async () => {
  await assertSameIds(fc.sample(longText, { numRuns: 20, seed: 3 }));
});

test('runs are what lies between spaces and punctuation, with hash, note and capitals of each', () => {
  const annotate = (bytes: Uint8Array, from: number, to: number) => (to - from) * 256 + (bytes[to - 1]! | 0x20);
  const tokenizer = createWordPiece(vocabulary, { annotate });
  for (const text of ['The CAT—a Cat; it’s 東京. \u0001\n', ...fc.sample(longText, { numRuns: 8, seed: 4 })]) {
    const bytes = encoder.encode(text);
    const runs = createRuns(bytes.length);
    tokenizer.encode(bytes, new Int32Array(bytes.length), 0, bytes.length, runs);
    assert.equal(runs.end, bytes.length);
    // As latin1 a byte is a character, so that the indices are those of the bytes.
    const expected = [
      ...Buffer.from(bytes)
        .toString('latin1')
        .matchAll(/[^\t\n\r !-/:-@[-`{-~]+/g),
    ];
    const from = expected.map(({ index }) => index);
    assert.deepEqual([...runs.from.subarray(0, runs.count)], from);
    assert.deepEqual(
      [...runs.to.subarray(0, runs.count)],
      expected.map(([run], i) => from[i]! + run.length),
    );
    assert.deepEqual(
      [...runs.capitals.subarray(0, runs.count)],
      expected.map(([run]) => run.replace(/[^A-Z]/g, '').length),
    );
    const hashes = new Map<string, number>();
    for (const [i, [run]] of expected.entries()) {
      assert.equal(runs.note[i], run.length * 256 + (run.charCodeAt(run.length - 1) | 0x20));
      const lower = run.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
      assert.equal(runs.hash[i], hashes.get(lower) ?? runs.hash[i]);
      hashes.set(lower, runs.hash[i]!);
    }
    assert.equal(new Set(hashes.values()).size, hashes.size);
  }
});

test('random bytes and a huge run neither throw nor hang', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
      const count = wordPiece.encode(bytes, scratch, 0, 512);
      for (let i = 0; i < count; i++) assert.ok(scratch[i]! >= 0 && scratch[i]! < vocabulary.size);
    }),
    { numRuns: 300 },
  );
  const huge = new Uint8Array(4_000_000).fill(0xc3).map((b, i) => (i % 2 === 0 ? b : 0xa9));
  assert.equal(wordPiece.encode(huge, scratch, 0, 512), 1);
});

test('a vocabulary without special tokens is refused', () => {
  assert.throws(() => parseVocabulary('a\nb\n'), { name: 'ConfigError', code: 'vocabulary' });
});
