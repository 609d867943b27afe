import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLossAlarm } from './loss-alarm.ts';

const at = (end: bigint) => async () => end;
const noEnd = () => assert.fail('nothing is suspected: the log need not be asked');

test('what is acknowledged and not in the log is missing', async () => {
  const alarm = createLossAlarm();
  assert.equal(await alarm.look(30n, 40n, 7n, at(7n)), 7n);
  assert.equal(await alarm.look(30n, 40n, 7n, at(7n)), 7n, 'again, as long as it is');
});

test('what is not read yet is not missing', async () => {
  const alarm = createLossAlarm();
  assert.equal(await alarm.look(30n, 40n, 6n, at(7n)), undefined);
  assert.equal(await alarm.look(40n, 40n, 7n, noEnd), undefined);
});

test('nothing is asked for that nobody acknowledged', async () => {
  assert.equal(await createLossAlarm().look(40n, 40n, 7n, noEnd), undefined);
});

test('a log that always grows is looked at all the same', async () => {
  const alarm = createLossAlarm();
  assert.equal(await alarm.look(30n, 40n, 6n, at(10n)), undefined);
  assert.equal(await alarm.look(30n, 60n, 9n, noEnd), undefined);
  assert.equal(await alarm.look(30n, 80n, 12n, noEnd), 10n);
});

test('after an alarm, what was sent again meanwhile is read first', async () => {
  const alarm = createLossAlarm();
  assert.equal(await alarm.look(30n, 40n, 7n, at(7n)), 7n);
  assert.equal(await alarm.look(30n, 40n, 8n, at(20n)), undefined);
  assert.equal(await alarm.look(30n, 40n, 19n, noEnd), undefined);
});
