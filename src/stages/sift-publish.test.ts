import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TransientError } from '../errors.ts';
import type { Consumer, Producer } from '../log/port.ts';
import { noFaults, type StageContext } from '../runtime/context.ts';
import { topicNames } from '../runtime/topics.ts';
import { createRewinds } from './rewinds.ts';
import type { SiftedPair } from './sift-blocks.ts';
import { createPublisher } from './sift-publish.ts';

const topics = topicNames('t');
const context = { topics, faults: noFaults } as StageContext;
const pair = (from: bigint): SiftedPair => ({
  partition: 0,
  from,
  to: from + 1n,
  records: 1,
  bytes: 1,
  sifted: new Uint8Array(1),
  sketch: new Uint8Array(1),
});

/** What happened, in order; `append` decides what becomes of each. */
function trial(append: (topic: string) => Promise<bigint> = () => Promise.resolve(0n)) {
  const events: string[] = [];
  const producer = {
    async append(topic: string) {
      events.push(topic);
      return append(topic);
    },
  } as Producer;
  const consumer = {
    commit: async (positions: readonly { readonly offset: bigint }[]) =>
      positions.forEach(({ offset }) => events.push(`commit ${offset}`)),
  };
  const rewinds = createRewinds(0);
  rewinds.begin(0, 0n);
  return { events, publisher: createPublisher(context, producer, consumer as unknown as Consumer, rewinds) };
}

test('sifted, then sketch, then the position (protocol rule 2)', async () => {
  const { events, publisher } = trial();
  await publisher.publish(pair(0n));
  await publisher.settled();
  assert.deepEqual(events, ['t.sifted', 't.sketches', 'commit 1']);
});

test('what could not be sent is not committed, and whoever looks is told', async () => {
  const { events, publisher } = trial((topic) =>
    topic === 't.sketches' ? Promise.reject(new TransientError('disk-full', 'no space left')) : Promise.resolve(0n),
  );
  await publisher.publish(pair(0n));
  await assert.rejects(publisher.settled(), TransientError);
  assert.throws(() => publisher.check(), TransientError);
  await assert.rejects(publisher.publish(pair(1n)), TransientError);
  assert.deepEqual(events, ['t.sifted', 't.sketches']);
});
