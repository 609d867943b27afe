import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { assignPartitions } from './assign.ts';

const sizesOf = (shares: ReadonlyMap<string, readonly number[]>): number[] =>
  [...shares.values()].map((share) => share.length);

suite('shares of partitions', () => {
  test('every partition once, sizes that differ by at most one, whatever members say they own', () => {
    const owned = fc.array(fc.integer({ min: -2, max: 40 }), { maxLength: 30 });
    fc.assert(
      fc.property(
        fc.array(owned, { minLength: 1, maxLength: 9 }),
        fc.integer({ min: 0, max: 33 }),
        (claims, partitions) => {
          const shares = assignPartitions(
            claims.map((own, i) => ({ memberId: `m${i}`, owned: own })),
            partitions,
          );
          assert.deepEqual(
            [...shares.values()].flat().sort((a, b) => a - b),
            Array.from({ length: partitions }, (_, p) => p),
          );
          assert.ok(Math.max(...sizesOf(shares)) - Math.min(...sizesOf(shares)) <= 1);
        },
      ),
    );
  });

  test('a member that comes takes only its share, and one that goes leaves the others alone', () => {
    const before = assignPartitions(
      [
        { memberId: 'a', owned: [] },
        { memberId: 'b', owned: [] },
      ],
      8,
    );
    const three = assignPartitions(
      [...[...before].map(([memberId, owned]) => ({ memberId, owned })), { memberId: '0', owned: [] }],
      8,
    );
    let moved = 0;
    for (const [memberId, share] of before) moved += share.filter((p) => !three.get(memberId)!.includes(p)).length;
    assert.equal(moved, 2, 'two of eight: the least that makes 3, 3, 2');
    const left = [...three].filter(([memberId]) => memberId !== 'a').map(([memberId, owned]) => ({ memberId, owned }));
    const two = assignPartitions(left, 8);
    for (const { memberId, owned } of left) assert.ok(owned.every((p) => two.get(memberId)!.includes(p)));
  });

  test('the same from whoever leads, in whatever order members are listed', () => {
    const members = [3, 1, 2].map((i) => ({ memberId: `m${i}`, owned: [] }));
    assert.deepEqual(assignPartitions(members, 7), assignPartitions(members.toReversed(), 7));
  });
});
