import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { drainOnSignal } from './drain.ts';

function listen(t: TestContext) {
  const exit = t.mock.method(process, 'exit', () => undefined as never);
  const clock = { ms: 0 };
  const drain = drainOnSignal(() => clock.ms);
  t.after(drain.stop);
  return { drain, clock, exits: () => exit.mock.calls.map(({ arguments: [status] }) => status) };
}

test('one Ctrl-C that comes twice, from the terminal and from npm, drains', (t) => {
  const { drain, clock, exits } = listen(t);
  process.emit('SIGINT', 'SIGINT');
  clock.ms += 20;
  process.emit('SIGINT', 'SIGINT');
  assert.deepEqual([drain.signal.aborted, drain.received(), exits()], [true, 'SIGINT', []]);
});

test('a second one ends the process at once, and so does another signal', (t) => {
  const { clock, exits } = listen(t);
  process.emit('SIGTERM', 'SIGTERM');
  process.emit('SIGINT', 'SIGINT');
  assert.deepEqual(exits(), [130]);
  clock.ms += 1000;
  process.emit('SIGTERM', 'SIGTERM');
  assert.deepEqual(exits(), [130, 143]);
});
