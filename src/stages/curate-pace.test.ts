import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Join } from './curate-join.ts';
import { createPace } from './curate-pace.ts';

const topics = { sifted: 's', verdicts: 'v' };
const MiB = 1 << 20;

function trial() {
  const calls: string[] = [];
  const consumer = {
    pause: (topic: string, partition: number) => void calls.push(`pause ${topic}-${partition}`),
    resume: (topic: string, partition: number) => void calls.push(`resume ${topic}-${partition}`),
  };
  const pace = createPace(consumer, topics, 5);
  return {
    /** What is held of documents, and whether only more of them helps. */
    look: (siftedBytes: number, starved: boolean, partitions = 8, verdictBytes = 0): string[] => {
      const held = () => ({
        sifted: { bytes: siftedBytes, starved },
        verdicts: { bytes: verdictBytes, starved: false },
      });
      pace.look({ held } as Pick<Join, 'held'> as Join, partitions);
      return calls.splice(0);
    },
  };
}

test('a topic is paused over its share of the budget, and resumed below', () => {
  const { look } = trial();
  assert.deepEqual(look(11 * MiB, false), []);
  assert.deepEqual(look(13 * MiB, false), ['pause s-5'], '96 MiB are 12 for each of eight');
  assert.deepEqual(look(13 * MiB, false), [], 'once');
  assert.deepEqual(look(5 * MiB, false), ['resume s-5']);
});

test('however much is held: one that waits for just this topic reads on', () => {
  const { look } = trial();
  assert.deepEqual(look(500 * MiB, true), []);
  assert.deepEqual(look(500 * MiB, false), ['pause s-5']);
  assert.deepEqual(look(500 * MiB, true), ['resume s-5']);
});

test('verdicts have a budget of their own, and a partition its least', () => {
  const { look } = trial();
  assert.deepEqual(look(0, false, 8, 5 * MiB), ['pause v-5'], '32 MiB are 4 for each of eight');
  assert.deepEqual(look(0, false, 1, 5 * MiB), ['resume v-5']);
  assert.deepEqual(look(MiB, false, 10_000), [], 'thousands of partitions do not stop each other');
  assert.deepEqual(look(3 * MiB, false, 500), ['pause s-5'], 'nor do they hold gigabytes');
});
