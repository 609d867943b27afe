import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { array, assert as check, constantFrom, property, string, tuple } from 'fast-check';
import { shared } from '../../testing/shared.ts';
import { naiveSignals } from './naive.ts';
import { createRuleScanner } from './scanner.ts';
import { profileNames } from './signals.ts';

const scanners = {
  spacy: createRuleScanner({ profiles: profileNames, tokens: 'spacy' }),
  whitespace: createRuleScanner({ profiles: profileNames, tokens: 'whitespace' }),
};

function assertLikeTwin(text: string): void {
  for (const kind of ['spacy', 'whitespace'] as const) {
    assert.deepEqual(
      scanners[kind].scan(text),
      naiveSignals(text, kind),
      `${kind}: ${JSON.stringify(text.slice(0, 400))}`,
    );
  }
}

const words =
  'the of and that with a Word words Lorem lorem ipsum Javascript JAVAſCRIPT privacy policy Policy cookie cookies uses use terms Terms';
const english =
  "of coo\u212aies can't cannot gonna Its e.g. Mr. U.S. co. x:) :(( :( ( hello:( a. <3 1+1 10km 5€ US$5 http://a.com/x a@b.co 8.8.8.8 A-b a,b";
const marks = '. ... .... … ! ? " \' ’ - • -- — # { } [1] [edit] [citation [ ] [٣]';
const scripts = '漢字。 かな ไทย हिन्दी العربية؟ é e\u0301 𠮷 😀 👍🏽 \ud800 \udc00 İ ß \u200b \ufeff \u00ad \0 １';
const pieces = [
  ...`${words} ${english} ${marks} ${scripts}`.split(' '),
  '[citation needed]',
  'x'.repeat(40),
  'y'.repeat(1001),
];
const blanks = [
  '  ',
  '\n',
  '\n\n',
  '\n\n\n',
  '\r\n',
  '\r',
  '\t',
  '\v',
  '\f',
  '\x1c',
  '\x1f',
  '\x85',
  '\xa0',
  '\u2028',
  '\u3000',
  ' \n',
  '\n ',
  '',
];
const gaps = [...Array.from({ length: 14 }, () => ' '), ...blanks, '\n', '\n'];

test('equals the plain rules on texts made of hard pieces', () => {
  const body = array(tuple(constantFrom(...pieces), constantFrom(...gaps)), { maxLength: 60 });
  const start = constantFrom('', '', ' ', '\n', '\n\n', '\r\n', '\t');
  check(
    property(start, body, (first, rest) => assertLikeTwin(first + rest.flat().join(''))),
    { numRuns: 1500 },
  );
});

test('equals the plain rules on texts that repeat themselves', () => {
  const few = array(constantFrom('a', 'ab', 'b', 'bab', 'c.', 'a-b', '--', '-', '.', '..', 'a-long-word'), {
    minLength: 2,
    maxLength: 120,
  });
  check(
    property(few, constantFrom(' ', ' ', '\n', ''), (list, between) => assertLikeTwin(list.join(between))),
    { numRuns: 500 },
  );
});

test('equals the plain rules on any string', () => {
  check(
    property(string({ unit: 'binary', maxLength: 60 }), (text) => assertLikeTwin(text)),
    { numRuns: 500 },
  );
});

test('equals the plain rules on web pages', (t) => {
  const path = shared(t, 'fixtures/datatrove/golden_gopher_quality.jsonl.gz');
  if (path === undefined) return;
  const lines = gunzipSync(readFileSync(path)).toString('utf8').trimEnd().split('\n');
  // The plain rules take milliseconds each.
  for (let index = 0; index < lines.length; index += 24) {
    const row: { text: string } = JSON.parse(lines[index]!);
    assertLikeTwin(row.text);
  }
});

test('measures a text by hand', () => {
  const scanner = createRuleScanner({ profiles: profileNames, tokens: 'whitespace' });
  const text = '- One two three.\n- One two three.\n\nAnd the end of it…';
  const signals = scanner.scan(text);
  // 13 words, two of them "-"; letters of the others 3+3+6 twice, and 3+3+3+2+3.
  assert.equal(signals['gopher@datatrove']?.wordCount, 11);
  assert.equal(signals['gopher@datatrove']?.tokenCount, 13);
  assert.equal(signals['gopher@datatrove']?.meanWordLength, Math.round((38 / 11) * 1e9) / 1e9);
  assert.equal(signals['gopher@datatrove']?.stopWordCount, 2);
  // Four lines with the empty one, two with a bullet, one with an ellipsis.
  assert.equal(signals['gopher@datatrove']?.bulletLineFraction, 0.5);
  assert.equal(signals['gopher@datatrove']?.ellipsisLineFraction, 0.25);
  // One of three lines repeats, 16 of 53 characters.
  assert.equal(signals['gopher-repetition@datatrove']?.characterCount, 53);
  assert.equal(signals['gopher-repetition@datatrove']?.duplicateLineFraction, 0.333333333);
  assert.equal(signals['gopher-repetition@datatrove']?.duplicateLineCharacterFraction, 0.301886792);
  assert.equal(signals['gopher-repetition@datatrove']?.paragraphCount, 2);
  // "- One" is the first of the commonest: five characters, twice.
  assert.equal(signals['gopher-repetition@datatrove']?.top2GramCharacterFraction, 0.188679245);
  // Two lines end a sentence and hold four words; "it…" does not end one.
  assert.equal(signals['c4@datatrove']?.keptLineCount, 2);
  assert.equal(signals['c4@datatrove']?.sentenceCount, 2);
  assert.equal(signals['fineweb@datatrove']?.terminatedLineFraction, 0.666666667);
  assert.equal(signals['fineweb@datatrove']?.newlineRatio, 0.230769231);
});

test('measures only what is asked for', () => {
  const scanner = createRuleScanner({ profiles: ['fineweb@datatrove'], tokens: 'spacy' });
  assert.deepEqual(Object.keys(scanner.scan('One line.')), ['fineweb@datatrove']);
});

test('a text of its own does not change what the next one gets', () => {
  const scanner = createRuleScanner({ profiles: profileNames, tokens: 'spacy' });
  const text = 'Some text. It repeats: some text, some text, some text.\n';
  const alone = scanner.scan(text);
  // More different chunks than the cache keeps, so that it starts anew.
  scanner.scan(Array.from({ length: 140_000 }, (_, index) => `w${index}`).join(' '));
  assert.deepEqual(scanner.scan(text), alone);
});
