import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failures, filterLimitsSchema, filterReasons } from './limits.ts';
import { createRuleScanner } from './scanner.ts';
import { profileNames, roundSignal } from './signals.ts';
import { writeSignals } from './write-signals.ts';

const defaults = filterLimitsSchema.parse({});
const scanner = createRuleScanner({ profiles: profileNames, tokens: 'spacy' });
const reasons = (text: string, limits = defaults) =>
  failures(scanner.scan(text), limits).map((failure) => failure.reason);

test('an empty text breaks the rules that need something to be there, and no ratio to nothing', () => {
  const expected = [
    'gopher@datatrove.wordCount',
    'gopher@datatrove.stopWordCount',
    'c4@datatrove.sentenceCount',
    'fineweb@datatrove.lineCount',
  ];
  assert.deepEqual(reasons(''), expected);
});

test('a failure carries the value and the limit', () => {
  const [first] = failures(scanner.scan('Too short.'), defaults);
  assert.deepEqual(first, { reason: 'gopher@datatrove.wordCount', value: 2, limit: 50 });
});

test('null switches a rule off, and another limit needs no other signals', () => {
  const gopher = (limits: object) => {
    const all = filterLimitsSchema.parse({ 'gopher@datatrove': limits });
    return reasons('1 2 3 4 five.', all).filter((reason) => reason.startsWith('gopher@'));
  };
  const [words, mean, letters, stops] = ['wordCount', 'meanWordLength', 'alphaWordFraction', 'stopWordCount'].map(
    (signal) => `gopher@datatrove.${signal}`,
  );
  assert.deepEqual(gopher({}), [words, mean, letters, stops]);
  assert.deepEqual(gopher({ minWords: null, minStopWords: 0 }), [mean, letters]);
  assert.deepEqual(gopher({ minWords: 5, minMeanWordLength: 1.6, minAlphaWordFraction: 0.17 }), [letters, stops]);
});

test('of two lines that condemn a text the first one is the reason', () => {
  const limits = filterLimitsSchema.parse({ 'c4@datatrove': { minSentences: null } });
  const c4 = (text: string) => reasons(text, limits).filter((reason) => reason.startsWith('c4'));
  const lorem = 'Here stands Lorem Ipsum again.';
  const curly = 'Here stands one { for once.';
  assert.deepEqual(c4(`${lorem}\n${curly}`), ['c4@datatrove.loremIpsumLine', 'c4@datatrove.curlyBracketLine']);
  assert.deepEqual(c4(`${curly}\n${lorem}`), ['c4@datatrove.curlyBracketLine', 'c4@datatrove.loremIpsumLine']);
});

test('the limits are closed: an unknown key is refused', () => {
  assert.throws(() => filterLimitsSchema.parse({ 'gopher@datatrove': { minWord: 3 } }), /minWord/);
});

test('every reason is named once, and belongs to a profile', () => {
  assert.equal(new Set(filterReasons).size, filterReasons.length);
  // 10 rules of Gopher on 8 signals, 13, 3 and 5.
  assert.equal(filterReasons.length, 8 + 13 + 3 + 5);
  for (const reason of filterReasons) assert.ok(profileNames.some((profile) => reason.startsWith(`${profile}.`)));
});

test('rounding never turns a decision: a ratio beside a limit stays on its side', () => {
  for (const limit of [0.01, 0.1, 0.12, 0.16, 0.18, 0.3, 0.67, 0.9]) {
    for (const total of [100, 99_999, 1_000_000, 9_999_999]) {
      const exact = Math.round(limit * total);
      for (const count of [exact - 1, exact, exact + 1]) {
        assert.equal(
          roundSignal(count / total) > limit,
          count * 100 > Math.round(limit * 100) * total,
          `${count}/${total} and ${limit}`,
        );
      }
    }
  }
});

test('signals are written as JSON', () => {
  for (const text of ['', 'One line.\n', 'a b c '.repeat(40)]) {
    const signals = scanner.scan(text);
    assert.equal(writeSignals(signals), JSON.stringify(signals));
  }
});
