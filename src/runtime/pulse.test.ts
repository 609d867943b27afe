import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPulse } from './pulse.ts';

const MINUTE_MS = 60_000;

test('a stage stands when its loop has not come round for ten minutes, and there is something to read', () => {
  let nowMs = 0;
  const pulse = createPulse(() => nowMs);
  const behind = () => true;
  pulse.turned('sift');
  nowMs = 10 * MINUTE_MS;
  pulse.turned('index');
  assert.deepEqual(pulse.standing(behind), []);
  nowMs += 1;
  assert.deepEqual(pulse.standing(behind), [{ stage: 'sift', seconds: 600.001 }]);
  assert.deepEqual(
    pulse.standing((stage) => stage !== 'sift'),
    [],
  );
  nowMs = 21 * MINUTE_MS;
  assert.deepEqual(
    pulse.standing(behind).map(({ stage }) => stage),
    ['sift', 'index'],
  );
  pulse.turned('sift');
  pulse.rests('index');
  assert.deepEqual(pulse.standing(behind), []);
  // What rests is looked at again when it goes on.
  pulse.turned('index');
  nowMs += 11 * MINUTE_MS;
  assert.equal(pulse.standing(behind).length, 2);
});
