import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gather } from './gather.ts';

describe('questions about single partitions', () => {
  it('travel together when they are asked in one turn, each partition once', async () => {
    const asked: (readonly number[])[] = [];
    const square = gather(async (partitions) => {
      asked.push(partitions);
      return new Map(partitions.filter((p) => p < 9).map((p) => [p, p * p]));
    });
    assert.deepEqual(await Promise.all([3, 5, 3, 9].map(square)), [9, 25, 9, undefined]);
    assert.equal(await square(7), 49);
    assert.deepEqual(asked, [[3, 5, 9], [7]]);
  });

  it('fail together, and the next turn asks anew', async () => {
    let fails = true;
    const question = gather(async (partitions) => {
      if (fails) throw new Error('away');
      return new Map(partitions.map((p) => [p, p]));
    });
    const answers = await Promise.allSettled([1, 2].map(question));
    assert.deepEqual(
      answers.map(({ status }) => status),
      ['rejected', 'rejected'],
    );
    fails = false;
    assert.equal(await question(1), 1);
  });
});
