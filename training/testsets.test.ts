import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shared } from '../src/testing/shared.ts';
import { apartRows } from './apart.ts';
import { mails } from './encoder/spam.ts';
import { sources } from './sources.ts';

test('sets that nothing is trained on', (t) => {
  const data = shared(t, 'data');
  if (data === undefined) return;
  const rows = apartRows(data);
  const count = (set: string): number[] => {
    const all = rows.filter((row) => row.set === set);
    return [all.length, all.filter(({ toxic }) => toxic === 1).length];
  };
  // Normal and nothing else: 661 of 5,647 rows, as the set's description says.
  assert.equal(count('mlma')[0]! - count('mlma')[1]!, 661);
  assert.ok(Math.abs(count('stormfront')[1]! / count('stormfront')[0]! - 0.5) < 0.01, 'a balanced sample');
  const reviews = rows.filter(({ set }) => set === 'toxicr').map(({ text }) => text);
  assert.equal(new Set(reviews).size, reviews.length);
  // A fifth of 10,212 texts.
  assert.ok(Math.abs(reviews.length / 10_212 - 0.2) < 0.015, `${reviews.length}`);
  const trained = Object.values(sources).map(({ file }): string => file);
  assert.ok(!trained.some((file) => /mlma|stormfront|toxicr/.test(file)));
});

test('copies of a mail are on one side of the split', (t) => {
  const data = shared(t, 'data');
  if (data === undefined) return;
  const roles = new Map<string, Set<string>>();
  for (const { body, role } of mails(data)) roles.set(body, (roles.get(body) ?? new Set()).add(role));
  assert.ok(roles.size > 3000);
  assert.ok([...roles.values()].every((all) => all.size === 1));
});
