import assert from 'node:assert/strict';
import { test } from 'node:test';
import { naiveSignals } from './naive.ts';
import { createRuleScanner } from './scanner.ts';
import { profileNames } from './signals.ts';

/** Thue and Morse's word: its two halves, and those of its blocks, have equal polynomial hashes for every odd base. */
function thueMorse(length: number): string {
  let word = 'a';
  while (word.length < length) word += swap(word);
  return word;
}
const swap = (word: string): string => word.replace(/[ab]/g, (letter) => (letter === 'a' ? 'b' : 'a'));

test('n-grams made to have one hash are still told apart', () => {
  const one = thueMorse(2048);
  const other = swap(one);
  let state = 7;
  const words = Array.from({ length: 400 }, () => {
    state = (Math.imul(state, 1103515245) + 12345) | 0;
    return (state >>> 16) & 1 ? one : other;
  });
  const text = words.join(' ');
  const scanner = createRuleScanner({ profiles: profileNames, tokens: 'whitespace' });
  assert.deepEqual(scanner.scan(text), naiveSignals(text, 'whitespace'));
});

const many = 1 << 19;
const hurtful: Readonly<Record<string, string>> = {
  'line feeds': '\n'.repeat(8 * many),
  'blank lines': ' \n'.repeat(2 * many),
  'carriage returns': '\r'.repeat(2 * many),
  'one word': 'x'.repeat(32 * many),
  'one long line': 'word '.repeat(many),
  'full stops': '.'.repeat(2 * many),
  'opening brackets': '['.repeat(2 * many),
  'brackets with digits': '[1'.repeat(many / 2),
  'at signs': 'a@'.repeat(many / 4),
  'hosts and users': 'http://a.b@'.repeat(many / 16),
  'emoticons in a chunk': 'x:)'.repeat(many / 8),
  'emoticons beside each other': 'x-a. ( '.repeat(many / 16),
  apostrophes: "'".repeat(many),
  hyphens: 'a-'.repeat(many / 4),
  'one line again and again': 'again and again\n'.repeat(many / 8),
  'different lines': Array.from({ length: many / 8 }, (_, index) => `${index}`).join('\n'),
};

for (const [name, text] of Object.entries(hurtful)) {
  // A quadratic step would take hours: the limit only keeps the suite from hanging.
  test(`linear time: ${name}`, { timeout: 120_000 }, () => {
    const scanner = createRuleScanner({ profiles: profileNames, tokens: 'spacy' });
    const signals = scanner.scan(text);
    assert.equal(signals['gopher-repetition@datatrove']?.characterCount, text.length);
  });
}
