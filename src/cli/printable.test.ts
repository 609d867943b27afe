import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printable, printableAll } from './printable.ts';

test('control characters become blanks, everything else stays', () => {
  assert.equal(printable('a\u001b[2Jb\u009b\n\u0007é語😀'), 'a [2Jb   é語😀');
});

test('inside a record too: every text and key but the text, which is wrapped elsewhere', () => {
  const record = {
    id: 'a\u001b',
    text: 'one\ntwo',
    signals: { 'x\n': [1, null, '\u0000'] },
    decision: { value: true },
  };
  assert.deepEqual(printableAll(record), {
    id: 'a ',
    text: 'one\ntwo',
    signals: { 'x ': [1, null, ' '] },
    decision: { value: true },
  });
});
