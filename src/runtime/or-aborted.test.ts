import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { orAborted } from './or-aborted.ts';

test('a result comes through, a failure too, and no listener stays behind', async () => {
  const { signal } = new AbortController();
  for (let i = 0; i < 20; i++) assert.equal(await orAborted(Promise.resolve(i), signal), i);
  await assert.rejects(orAborted(Promise.reject(new Error('no')), signal), /no/);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});

test('an abort ends the wait, before and during it', async () => {
  const controller = new AbortController();
  const waiting = orAborted(new Promise(() => undefined), controller.signal);
  controller.abort();
  assert.equal(await waiting, undefined);
  assert.equal(await orAborted(new Promise(() => undefined), controller.signal), undefined);
});
