import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCredit } from './credit.ts';

/** Whether each promise is settled, once what is due has run. */
async function settled(promises: readonly Promise<void>[]): Promise<boolean[]> {
  const done = promises.map(() => false);
  for (const [i, promise] of promises.entries()) void promise.then(() => (done[i] = true));
  await new Promise(setImmediate);
  return done;
}

test('whoever comes first gets room first, and as many as fit', async () => {
  const credit = createCredit(100);
  await credit.room(60);
  credit.add(60);
  const waiting = [credit.room(50), credit.room(10), credit.room(60)];
  assert.deepEqual(await settled(waiting), [false, false, false]);
  credit.release(20);
  assert.deepEqual(await settled(waiting), [true, true, false], '40, and 50 and 10 more');
  credit.add(60);
  credit.release(40);
  assert.deepEqual(await settled(waiting), [true, true, false]);
  credit.release(60);
  assert.deepEqual(await settled(waiting), [true, true, true]);
});

test('a request above the whole credit goes alone', async () => {
  const credit = createCredit(100);
  await credit.room(1000);
  credit.add(1000);
  const next = [credit.room(1)];
  assert.deepEqual(await settled(next), [false]);
  credit.release(1000);
  assert.deepEqual(await settled(next), [true]);
});

test('nobody gets room while it is paused, everybody when it has ended', async () => {
  const credit = createCredit(100);
  credit.pause();
  const waiting = [credit.room(1), credit.room(500)];
  assert.deepEqual(await settled(waiting), [false, false]);
  credit.resume();
  assert.deepEqual(await settled(waiting), [true, false]);
  credit.end();
  assert.deepEqual(await settled([...waiting, credit.room(10_000)]), [true, true, true]);
});
