import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTurns } from './turns.ts';

test('no more than the limit at once, in the order of the calls, also behind one that fails', async () => {
  const turns = createTurns(2);
  const begun: number[] = [];
  const gates = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
  const taken = gates.map(({ promise }, i) =>
    turns.take(async () => {
      begun.push(i);
      await promise;
      return i;
    }),
  );
  assert.deepEqual(begun, [0, 1]);
  gates[1]!.reject(new Error('failed'));
  await assert.rejects(taken[1]!);
  assert.deepEqual(begun, [0, 1, 2]);
  for (const { resolve } of gates) resolve();
  assert.deepEqual(await Promise.all(taken.filter((_, i) => i !== 1)), [0, 2, 3, 4]);
  assert.deepEqual(begun, [0, 1, 2, 3, 4]);
});
