import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { shared } from '../testing/shared.ts';
import { shippedModels } from './load.ts';
import {
  addressWords,
  annotateRun,
  createProseMeter,
  functionWords,
  PROSE_SIGNALS,
  proseSignals,
  stopWords,
} from './prose.ts';
import { parseVocabulary } from './vocabulary.ts';
import { createRuns, createWordPiece } from './wordpiece.ts';

const measure = createProseMeter();

const vocabulary = parseVocabulary(readFileSync(path.join(shippedModels, 'vocab.txt'), 'utf8'));
const wordPiece = createWordPiece(vocabulary, { annotate: annotateRun });
const ids = new Int32Array(1 << 18);
const runs = createRuns(1 << 18);

function signalsOf(text: string, maxTokens = ids.length): number[] {
  const bytes = new TextEncoder().encode(text);
  const out = new Float64Array(PROSE_SIGNALS);
  wordPiece.encode(bytes, ids, 0, maxTokens, runs);
  measure(bytes, runs, out);
  return [...out];
}

/** The definitions in the comments of prose.ts, spelled out with strings; bytes become Latin-1 characters, so that lengths are in bytes. */
function slowSignals(text: string): number[] {
  const bytes = Buffer.from(text, 'utf8').toString('latin1');
  const words = bytes.split(/[ \t\r\n]+/).filter((word) => word !== '');
  const keys = words.map((word) =>
    word
      .replaceAll(/[A-Z]/g, (c) => c.toLowerCase())
      .replaceAll('\0', '\x01')
      .split(/[!-/:-@[-`{-~]+/)
      .filter((run) => run !== '')
      .join(' '),
  );
  const lines = bytes.split('\n').filter((line) => /[^ \t\r]/.test(line));
  const count = (pattern: RegExp): number => bytes.match(pattern)?.length ?? 0;
  const share = (part: number, whole: number): number => part / Math.max(1, whole);

  let sentences = 0;
  for (const line of lines) {
    const ends = line
      .split(/[ \t\r]+/)
      .filter((word) => word !== '')
      .map((word) => /[.!?]$/.test(word));
    sentences += ends.filter(Boolean).length + (ends.at(-1) ? 0 : 1);
  }
  const frequencies = new Map<string, number>();
  const counted = keys.slice(0, 300);
  for (const key of counted) frequencies.set(key, (frequencies.get(key) ?? 0) + 1);
  let entropy = 0;
  for (const n of frequencies.values()) entropy -= (n / counted.length) * Math.log(n / counted.length);

  return [
    share(words.filter((word) => /[A-Za-z\x80-\xff]/.test(word)).length, words.length),
    stopWords.filter((word) => keys.includes(word)).length / 8,
    share(lines.filter((line) => /(?:[.!?"']|\xe2\x80[\x99\x9d\xa6])[ \t\r]*$/.test(line)).length, lines.length),
    share(bytes.split('\n').filter((line) => /[^ \t\r]/.test(line) && line.length <= 30).length, lines.length),
    share(count(/\n/g), words.length),
    share(count(/[A-Z]/g), count(/[A-Za-z\x80-\xff]/g)),
    share((count(/!/g) + 0.3 * count(/\?/g)) * 10, words.length),
    share(keys.filter((key) => functionWords.includes(key)).length, words.length),
    Math.min(60, share(words.length, sentences)),
    share(new Set(keys.slice(0, 100)).size, Math.min(100, words.length)),
    counted.length < 2 ? 0 : entropy / Math.log(counted.length),
    share(keys.filter((key) => addressWords.includes(key)).length, words.length),
    share(count(/,/g), words.length),
  ];
}

function assertLikeTwin(text: string): void {
  const fast = signalsOf(text);
  const slow = slowSignals(text);
  for (const [i, name] of proseSignals.entries()) {
    assert.ok(
      Math.abs(fast[i]! - slow[i]!) < 1e-9,
      `${name}: ${fast[i]} is not ${slow[i]} for ${JSON.stringify(text.slice(0, 300))}`,
    );
  }
}

test('signals of a small text, counted by hand', () => {
  const signals = signalsOf('I saw the river, and you?\nWOW!\n');
  const expected = {
    alphabeticWords: 1,
    terminatedLines: 1,
    shortLines: 1,
    stopWordKinds: 2 / 8,
    commas: 1 / 7,
    lineFeeds: 2 / 7,
  };
  for (const [name, value] of Object.entries(expected)) {
    const index = proseSignals.findIndex((one) => one === name);
    assert.ok(Math.abs(signals[index]! - value) < 1e-12, name);
  }
  assert.equal(signals[proseSignals.indexOf('sentenceWords')], 7 / 2);
  assert.equal(signals[proseSignals.indexOf('addressWords')], 2 / 7);
  assert.ok(Math.abs(signals[proseSignals.indexOf('exclamations')]! - 13 / 7) < 1e-12);
});

test('empty text and text without letters give finite numbers', () => {
  for (const text of ['', ' \n\t ', '...', '\n\n', '- - -', '1']) {
    assert.ok(signalsOf(text).every(Number.isFinite));
    assertLikeTwin(text);
  }
});

test('signals equal those of the slow twin on random text', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      'The ',
      'you',
      "don't ",
      'I',
      'with\n',
      '. ',
      '!',
      '?" ',
      '”\n',
      '…\r\n',
      ', ',
      '12 ',
      'É',
      'x\ty',
      '\n\n',
      '\u0000',
      '--',
    ),
    fc.string({ maxLength: 8 }),
    fc.constantFrom(...functionWords).map((word) => `${word} `),
  );
  const texts = fc.array(piece, { maxLength: 500, size: 'max' }).map((parts) => parts.join('').toWellFormed());
  fc.assert(fc.property(texts, assertLikeTwin), { numRuns: 300 });
});

test('signals equal those of the slow twin on real web text', (t) => {
  const file = shared(t, 'data/web/crawl_docs_small/docs.jsonl.gz');
  if (file === undefined) return;
  const lines = gunzipSync(readFileSync(file)).toString('utf8').trimEnd().split('\n');
  for (const line of lines) assertLikeTwin((JSON.parse(line) as { text: string }).text.slice(0, 20_000));
});

test('the signals cover the text that the ids cover', () => {
  const sentence = 'Seven ids, with the stops. ';
  assert.deepEqual(signalsOf(`${sentence}ANOTHER ONE!`, 7), signalsOf(sentence.trim().slice(0, -1)));
});
