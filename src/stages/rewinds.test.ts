import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRewinds } from './rewinds.ts';

const QUIET_MS = 10;

test('what was acknowledged and is missing is sent again, once for all who ask', () => {
  const rewinds = createRewinds(QUIET_MS);
  rewinds.begin(0, 0n);
  rewinds.acknowledged(0, 0n, 50n, 0);
  assert.equal(rewinds.ask(0, 20n, 1), true);
  assert.equal(rewinds.ask(0, 20n, 2), false, 'it is on its way');
  assert.equal(rewinds.ask(0, 30n, 3), false, 'so is what follows');
});

test('what is still to come is not asked for twice', () => {
  const rewinds = createRewinds(QUIET_MS);
  rewinds.begin(0, 40n);
  assert.equal(rewinds.ask(0, 40n, 0), false);
  assert.equal(rewinds.ask(0, 39n, 0), true, 'lost before this process began');
});

test('a request that is as old as the loss is no second loss', () => {
  const rewinds = createRewinds(QUIET_MS);
  rewinds.begin(0, 50n);
  rewinds.ask(0, 20n, 0);
  rewinds.acknowledged(0, 20n, 35n, 5);
  assert.equal(rewinds.ask(0, 20n, 14), false);
  assert.equal(rewinds.ask(0, 20n, 15), true, 'it was lost again');
});

test('an earlier loss that shows later goes first', () => {
  const rewinds = createRewinds(QUIET_MS);
  rewinds.begin(0, 50n);
  rewinds.ask(0, 20n, 0);
  rewinds.acknowledged(0, 20n, 35n, 5);
  assert.equal(rewinds.ask(0, 10n, 6), true);
});

test('what was on its way before the rewind does not count as sent again', () => {
  const rewinds = createRewinds(QUIET_MS);
  rewinds.begin(0, 50n);
  rewinds.ask(0, 20n, 0);
  rewinds.acknowledged(0, 50n, 60n, 1);
  assert.equal(rewinds.ask(0, 30n, 100), false, 'still on its way');
  rewinds.acknowledged(0, 20n, 60n, 101);
  assert.equal(rewinds.ask(0, 30n, 200), true);
});

test('partitions of other processes are theirs', () => {
  const rewinds = createRewinds(QUIET_MS);
  assert.equal(rewinds.ask(3, 0n, 0), false);
  rewinds.begin(3, 7n);
  assert.equal(rewinds.ask(3, 0n, 0), true);
  rewinds.end(3);
  assert.equal(rewinds.ask(3, 0n, 1), false);
});

test('acknowledgements come in any order', () => {
  const rewinds = createRewinds(QUIET_MS);
  rewinds.begin(0, 0n);
  rewinds.acknowledged(0, 20n, 30n, 0);
  rewinds.acknowledged(0, 10n, 20n, 0);
  assert.equal(rewinds.ask(0, 15n, 0), false, 'the beginning is still on its way');
  rewinds.acknowledged(0, 0n, 10n, 0);
  assert.equal(rewinds.ask(0, 25n, 0), true);
});
