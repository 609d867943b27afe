import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { type EmbeddedLogOptions, openEmbeddedLog } from '../../src/log/embedded/log.ts';
import { logContract } from './log.ts';
import { assignedOf, readAll, textOf, texts } from './messages.ts';

function optionsOf(t: TestContext): EmbeddedLogOptions {
  const folder = mkdtempSync(path.join(tmpdir(), 'riffle-log-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return { directory: path.join(folder, 'log'), outputDirectory: path.join(folder, 'out') };
}

logContract('embedded', async (t) => {
  const options = optionsOf(t);
  return { app: 'app', open: () => openEmbeddedLog(options) };
});

test('embedded log: two users of one folder share its partitions out, and the last one closes it', async (t) => {
  const options = optionsOf(t);
  const left = await openEmbeddedLog({ ...options, partitions: [0, 2] });
  const right = await openEmbeddedLog({ ...options, partitions: [1] });
  await left.ensureTopics([{ name: 'app.in', partitions: 3, kind: 'blocks', groups: ['work'] }]);
  const readers = await Promise.all([left, right].map((log) => log.consumer('work', ['app.in'])));
  assert.deepEqual(await Promise.all(readers.map(assignedOf)), [[0, 2], [1]]);
  await Promise.all(
    [0, 1, 2].map((partition) => right.producer().append('app.in', partition, texts(String(partition)))),
  );
  assert.deepEqual([...(await readAll(readers[0]!, 2)).keys()].sort(), ['app.in-0', 'app.in-2']);
  await left.close();
  await right.producer().append('app.in', 1, texts('after'));
  assert.deepEqual((await readAll(readers[1]!, 2)).get('app.in-1')?.map(textOf), ['1', 'after']);
  const closing = right.close();
  const again = await openEmbeddedLog(options);
  await closing;
  await assert.rejects(right.producer().append('app.in', 1, texts('late')), { code: 'log-closed' });
  assert.equal(await again.producer().append('app.in', 1, texts('last')), 2n);
  await again.close();
});

test('embedded log: a clock that jumps back does not take the log with it, restart included', async (t) => {
  const options = optionsOf(t);
  const append = async (nowMs: number): Promise<void> => {
    t.mock.timers.enable({ apis: ['Date'], now: nowMs });
    const log = await openEmbeddedLog(options);
    await log.ensureTopics([{ name: 'app.in', partitions: 1, kind: 'blocks', groups: ['work'] }]);
    await log.producer().append('app.in', 0, texts(String(nowMs)));
    await log.close();
    t.mock.timers.reset();
  };
  for (const nowMs of [5000, 9000, 1000, 9500]) await append(nowMs);
  const log = await openEmbeddedLog(options);
  const messages = (await readAll(await log.consumer('work', ['app.in']), 4)).get('app.in-0') ?? [];
  assert.deepEqual(
    messages.map(({ timestampMs }) => timestampMs),
    [5000, 9000, 9000, 9500],
  );
  await log.close();
});
