import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { FatalError } from '../../errors.ts';
import { requireKafka } from './internals.ts';
import { installPatches, KAFKAJS_VERSION, replaceModule } from './patches.ts';

suite('corrections to the client', () => {
  test('are in place, and checked', async () => {
    await installPatches();
    await installPatches();
  });

  test('a place that is not there, or is loaded already, is refused', () => {
    for (const place of ['kafkajs/src/nowhere', 'kafkajs/src/protocol/requests/fetch/v4/decodeMessages'])
      assert.throws(
        () => replaceModule(place, undefined),
        (error) => error instanceof FatalError && error.code === 'client-differs',
      );
  });

  test('the version is pinned exactly', () => {
    const { dependencies } = JSON.parse(readFileSync(requireKafka.resolve('../../../package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    assert.equal(dependencies['kafkajs'], KAFKAJS_VERSION);
  });

  test('an idle connection sets no timer', async () => {
    await installPatches();
    const Queue = requireKafka('kafkajs/src/network/requestQueue') as new (
      options: object,
    ) => {
      throttleCheckTimeoutId: unknown;
      throttledUntil: number;
      scheduleCheckPendingRequests(): void;
      destroy(): void;
    };
    const logger = { debug() {}, warn() {} };
    const queue = new Queue({ maxInFlightRequests: null, requestTimeout: 1000, clientId: 'c', broker: 'b', logger });
    queue.scheduleCheckPendingRequests();
    assert.equal(queue.throttleCheckTimeoutId, null);
    queue.throttledUntil = Date.now() + 60_000;
    queue.scheduleCheckPendingRequests();
    assert.notEqual(queue.throttleCheckTimeoutId, null);
    queue.destroy();
  });
});
