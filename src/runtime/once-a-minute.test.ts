import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onceAMinute } from './once-a-minute.ts';

test('one line a subject and minute, with a count of those that were left out', () => {
  let nowMs = 0;
  const said: string[] = [];
  const warn = onceAMinute(
    (text) => said.push(text),
    () => nowMs,
  );
  for (let partition = 0; partition < 1000; partition++)
    warn(`append to raw-${partition}; connection lost; trying again`);
  warn('group app.sift; heartbeat: connection lost');
  assert.deepEqual(said.splice(0), [
    'append to raw-0; connection lost; trying again',
    'group app.sift; heartbeat: connection lost',
  ]);
  nowMs = 59_999;
  warn('append to raw-3; refused; trying again');
  assert.deepEqual(said, []);
  nowMs = 60_000;
  warn('append to raw-4; refused; trying again');
  warn('group app.sift; heartbeat: again');
  assert.deepEqual(said.splice(0), [
    'append to raw-4; refused; trying again (and 1000 more like it since)',
    'group app.sift; heartbeat: again',
  ]);
  nowMs = 120_000;
  warn('append to raw-4; refused; trying again');
  assert.deepEqual(said, ['append to raw-4; refused; trying again']);
});
