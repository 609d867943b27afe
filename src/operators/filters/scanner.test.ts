import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { shared } from '../../testing/shared.ts';
import { naiveSignals } from './naive.ts';
import { createRuleScanner, type RuleScanner } from './scanner.ts';
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

const pieces = [
  ...'the of and that with a Word words Lorem lorem ipsum Javascript JAVAſCRIPT privacy policy Policy cookie cookies uses use terms Terms'.split(
    ' ',
  ),
  ...[
    'of',
    'coo\u212aies',
    "can't",
    'cannot',
    'gonna',
    'Its',
    'e.g.',
    'Mr.',
    'U.S.',
    'co.',
    'x:)',
    ':((',
    ':(',
    '(',
    'hello:(',
    'a.',
    '<3',
    '1+1',
    '10km',
    '5€',
    'US$5',
  ],
  ...[
    '.',
    '...',
    '…',
    '....',
    '!',
    '?',
    '"',
    "'",
    '’',
    '-',
    '•',
    '--',
    '—',
    '#',
    '{',
    '}',
    '[1]',
    '[edit]',
    '[citation needed]',
    '[',
    ']',
    '[٣]',
  ],
  ...[
    '漢字。',
    'かな',
    'ไทย',
    'हिन्दी',
    'العربية؟',
    'é',
    'e\u0301',
    '𠮷',
    '😀',
    '👍🏽',
    '\ud800',
    '\udc00',
    'İ',
    'ß',
    '\u200b',
    '\ufeff',
    '\u00ad',
    '\0',
    '１',
  ],
  ...['http://a.com/x', 'a@b.co', 'www.example.org', '8.8.8.8', 'A-b', 'a,b', 'x'.repeat(40), 'y'.repeat(1001)],
];
const gaps = [
  ' ',
  ' ',
  ' ',
  ' ',
  ' ',
  '  ',
  '\n',
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

test('the scanner gives what the plain rules give, on texts made of hard pieces', () => {
  const text = fc
    .array(fc.tuple(fc.constantFrom(...pieces), fc.constantFrom(...gaps)), { maxLength: 60 })
    .map((list) => list.map((pair) => pair.join('')).join(''));
  const start = fc.constantFrom('', '', ' ', '\n', '\n\n', '\r\n', '\t');
  fc.assert(
    fc.property(start, text, (first, rest) => assertLikeTwin(first + rest)),
    { numRuns: 3000 },
  );
});

test('the scanner gives what the plain rules give, on texts that repeat themselves', () => {
  const few = fc.array(fc.constantFrom('a', 'ab', 'b', 'bab', 'c.', 'a-b', '--', '-', '.', '..'), {
    minLength: 2,
    maxLength: 120,
  });
  const gap = fc.constantFrom(' ', ' ', '\n', '');
  fc.assert(
    fc.property(few, gap, (words, between) => assertLikeTwin(words.join(between))),
    { numRuns: 800 },
  );
});

test('the scanner gives what the plain rules give, on any string', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => assertLikeTwin(text)),
    { numRuns: 1500 },
  );
});

test('the scanner gives what the plain rules give, on web pages', (t) => {
  const path = shared(t, 'fixtures/datatrove/golden_gopher_quality.jsonl.gz');
  if (path === undefined) return;
  const lines = gunzipSync(readFileSync(path)).toString('utf8').split('\n').slice(0, -1);
  // Every fifth text: the plain rules take milliseconds each.
  for (let index = 0; index < lines.length; index += 10) {
    const row: { text: string } = JSON.parse(lines[index]!);
    assertLikeTwin(row.text);
  }
});

/** Words "left" and "right" of which no n-gram repeats for the hash but all are different texts. */
function thueMorse(length: number): string {
  let word = 'a';
  while (word.length < length) word += word.replace(/[ab]/g, (letter) => (letter === 'a' ? 'b' : 'a'));
  return word;
}

test('texts made to collide are still told apart', () => {
  const one = thueMorse(2048);
  const other = one.replace(/[ab]/g, (letter) => (letter === 'a' ? 'b' : 'a'));
  const words = Array.from({ length: 400 }, (_, index) => (((index * 2654435761) >>> 13) & 1 ? one : other));
  assertLikeTwin(words.join(' '));
});

function cpuMs(scanner: RuleScanner, text: string): number {
  const before = process.cpuUsage();
  scanner.scan(text);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

test('time is linear on texts that are made to hurt', () => {
  const million = 1 << 20;
  const hurtful: Record<string, string> = {
    newlines: '\n'.repeat(4 * million),
    'blank lines': ' \n'.repeat(2 * million),
    'one word': 'x'.repeat(16 * million),
    'full stops': '.'.repeat(8 * million),
    brackets: '['.repeat(2 * million),
    'brackets with digits': '[1'.repeat(million),
    'at signs': 'a@'.repeat(million),
    urls: 'http://a.b@'.repeat(million / 8),
    'emoticons in a word': 'x:)'.repeat(million / 4),
    'emoticons apart': 'x:) ( '.repeat(million / 16),
    apostrophes: "'".repeat(million),
    hyphens: 'a-'.repeat(million),
    'one line again and again': 'again and again\n'.repeat(million / 8),
    'short words': 'a b '.repeat(million / 4),
  };
  const scanner = createRuleScanner({ profiles: profileNames, tokens: 'spacy' });
  for (const [name, text] of Object.entries(hurtful)) {
    const ms = cpuMs(scanner, text);
    // Quadratic would be hours; the bound only has to tell the two apart.
    assert.ok(ms < 20_000, `${name}: ${ms} ms for ${text.length} units`);
  }
});
