import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { seededRandom } from '../../../training/random.ts';
import { type BatchLimits, createWindowQueue, type Waiting, widthFor } from './queue.ts';

const onGpu: BatchLimits = { budgetTokens: 4096, stepTokens: 8, maxTokens: 512 };
const onCpu: BatchLimits = { budgetTokens: 1, stepTokens: 1, maxTokens: 512 };
const lengths = fc.array(fc.integer({ min: 1, max: 512 }), { maxLength: 300 });

function filled(limits: BatchLimits, all: readonly number[]) {
  const queue = createWindowQueue<Waiting>(limits);
  for (const [order, length] of all.entries()) queue.push({ length, order });
  return queue;
}

function drain(limits: BatchLimits, all: readonly number[]) {
  const queue = filled(limits, all);
  return Array.from(
    (function* () {
      for (let batch = queue.take(); batch !== undefined; batch = queue.take()) yield batch;
    })(),
  );
}

test('every window leaves once, in batches inside the budget, each with the one that waited longest', () => {
  fc.assert(
    fc.property(lengths, fc.constantFrom(onGpu, { ...onGpu, budgetTokens: 600, maxTokens: 510 }), (given, limits) => {
      const all = given.map((length) => Math.min(length, limits.maxTokens));
      const left = new Set(all.keys());
      for (const { width, windows } of drain(limits, all)) {
        assert.ok(windows.length === 1 || windows.length * width <= limits.budgetTokens);
        assert.equal(width, Math.max(...windows.map(({ length }) => widthFor(length, limits))));
        assert.ok(windows.some(({ order }) => order === Math.min(...left)));
        for (const { order } of windows) assert.ok(left.delete(order));
      }
      assert.equal(left.size, 0);
    }),
  );
});

test('on the processor windows leave one by one, as they came, at their own length', () => {
  fc.assert(
    fc.property(lengths, (all) => {
      assert.deepEqual(
        drain(onCpu, all).map(({ width, windows }) => [width, windows.map(({ order }) => order)]),
        all.map((length, order) => [length, [order]]),
      );
    }),
  );
});

test('padding stays below 512 tokens or 3 % of a batch, besides that to a multiple of eight', () => {
  fc.assert(
    fc.property(lengths, (all) => {
      for (const { width, windows } of drain(onGpu, all)) {
        const padding = windows.reduce((sum, { length }) => sum + width - widthFor(length, onGpu), 0);
        assert.ok(
          padding <= Math.max(512, 0.03 * windows.length * width),
          `${padding} of ${windows.length} × ${width}`,
        );
      }
    }),
  );
});

test('what is put back is where it was', () => {
  fc.assert(
    fc.property(lengths, fc.nat(5), (all, batches) => {
      const queue = filled(onGpu, all);
      const taken = Array.from({ length: batches }, () => queue.take()?.windows ?? []);
      // In any order: sessions do not fail one after another.
      for (const windows of taken.toReversed()) queue.putBack(windows);
      assert.deepEqual(queue.take(), filled(onGpu, all).take());
    }),
  );
});

test('a full queue of documents as they come is at least 95 % useful', () => {
  // Lengths of web documents are about log-normal: here half of them above 400 tokens, a sixth above 1,000. Cut to one window, or into windows of 128.
  const random = seededRandom(9);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const documents = Array.from({ length: 4000 }, () => Math.ceil(400 * Math.exp(0.92 * normal())));
  const mixes: Record<string, number[]> = {
    '512': documents.map((length) => Math.min(512, length + 2)),
    '128': documents.flatMap((length) =>
      Array.from({ length: Math.min(4, Math.ceil(length / 126)) }, (_, i) => Math.min(128, length - 126 * i + 2)),
    ),
  };
  for (const [maxTokens, all] of Object.entries(mixes)) {
    const limits = { budgetTokens: 32_768, stepTokens: 8, maxTokens: Number(maxTokens) };
    const queue = createWindowQueue<Waiting>(limits);
    let useful = 0;
    let computed = 0;
    let order = 0;
    const push = (length: number): void => queue.push({ length, order: order++ });
    // Four budgets wait, as the credit allows, and what leaves comes anew.
    const waiting = Math.floor((4 * limits.budgetTokens) / (all.reduce((a, b) => a + b) / all.length));
    for (const length of all.slice(0, waiting)) push(length);
    for (let next = waiting; next < all.length; ) {
      const { width, windows } = queue.take()!;
      computed += width * windows.length;
      for (const { length } of windows) {
        useful += length;
        push(all[next++ % all.length]!);
      }
    }
    assert.ok(useful / computed >= 0.95, `${maxTokens}: ${useful / computed}`);
  }
});
