import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFlow, type Flow } from './flow.ts';

const { signal } = new AbortController();

/** True when there is room at once. */
async function hasRoom(flow: Flow): Promise<boolean> {
  const no = Symbol('no');
  return (await Promise.race([flow.room(signal), new Promise((resolve) => setImmediate(resolve, no))])) !== no;
}

test('there is room until the limit is reached, and again when enough is decided', async () => {
  const flow = createFlow(100);
  assert.ok(await hasRoom(flow));
  flow.entered(0, 10n, 60);
  assert.ok(await hasRoom(flow), 'a block that begins below the limit may go beyond it');
  flow.entered(0, 20n, 60);
  assert.equal(flow.inFlightBytes, 120);
  assert.ok(!(await hasRoom(flow)));
  flow.decided(0, 10n);
  assert.equal(flow.inFlightBytes, 60);
  assert.ok(await hasRoom(flow));
});

test('everybody who waits goes on', async () => {
  const flow = createFlow(10);
  flow.entered(0, 1n, 10);
  const waiting = [flow.room(signal), flow.room(signal)];
  flow.decided(0, 1n);
  await Promise.all(waiting);
});

test('a block counts until all of it is decided, in each partition by itself', () => {
  const flow = createFlow(1000);
  flow.entered(0, 10n, 1);
  flow.entered(0, 20n, 2);
  flow.entered(1, 10n, 4);
  flow.decided(0, 9n);
  assert.equal(flow.inFlightBytes, 7);
  flow.decided(0, 15n);
  assert.equal(flow.inFlightBytes, 6);
  flow.decided(1, 99n);
  assert.equal(flow.inFlightBytes, 2);
  flow.decided(2, 99n);
  flow.decided(0, 20n);
  flow.decided(0, 20n);
  assert.equal(flow.inFlightBytes, 0);
});

test('nobody waits for room when the run is being stopped', async () => {
  const flow = createFlow(1);
  flow.entered(0, 1n, 1);
  const stop = new AbortController();
  const waiting = flow.room(stop.signal);
  stop.abort();
  await waiting;
  await flow.room(stop.signal);
});

test('a partition that starts again leaves its place to the others', async () => {
  const flow = createFlow(10);
  flow.entered(0, 10n, 4);
  flow.entered(0, 20n, 6);
  assert.ok(!(await hasRoom(flow)));
  flow.rewound(0, 10n);
  assert.equal(flow.inFlightBytes, 4);
  assert.ok(await hasRoom(flow));
});

test('a block that comes again after it was decided takes no place', () => {
  const flow = createFlow(10);
  flow.entered(0, 10n, 4);
  flow.decided(0, 10n);
  flow.entered(0, 10n, 4);
  assert.equal(flow.inFlightBytes, 0);
});

test('one partition is waited for by itself', async () => {
  const flow = createFlow(1000);
  flow.entered(0, 10n, 60);
  flow.entered(0, 20n, 30);
  flow.entered(1, 10n, 5);
  assert.deepEqual([flow.bytesOf(0), flow.bytesOf(1), flow.bytesOf(2)], [90, 5, 0]);
  let isBelow = false;
  const waiting = flow.below(0, 40, signal).then(() => (isBelow = true));
  flow.decided(1, 10n);
  await new Promise(setImmediate);
  assert.equal(isBelow, false);
  flow.decided(0, 10n);
  await waiting;
  assert.equal(flow.bytesOf(0), 30);
  flow.rewound(0, 10n);
  assert.equal(flow.bytesOf(0), 0);
  await flow.below(0, 0, signal);
});
