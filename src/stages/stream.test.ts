import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { loadTopology } from '../cli/load-topology.ts';
import { createMemoryLog } from '../testing/memory-log.ts';
import { topicNames } from '../runtime/topics.ts';
import { type ProcessStage, runStream } from './stream.ts';

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

/** Stages of one process over a log in memory. */
async function startOn(
  t: TestContext,
  log: ReturnType<typeof createMemoryLog>,
  stages: readonly ProcessStage[],
  set: readonly string[] = [],
) {
  const loaded = await loadTopology('dedup', { set });
  const stateDirectory = mkdtempSync(path.join(tmpdir(), 'riffle-stream-'));
  const stop = new AbortController();
  const said: string[] = [];
  let ready = 0;
  const ended = runStream({
    ...loaded,
    log,
    topics: topicNames('dedup'),
    partitions: 1,
    stages: new Set(stages),
    stateDirectory,
    workers: 1,
    signal: stop.signal,
    observer: {},
    note: (text) => said.push(text),
    ready: () => ready++,
  });
  t.after(async () => {
    stop.abort();
    await ended.catch(() => undefined);
    rmSync(stateDirectory, { recursive: true, force: true });
  });
  return { ended, said, stop: () => stop.abort(), ready: () => ready };
}

test('curate that waits for a policy is not ready, and a stop then is no failure', async (t) => {
  const curate = await startOn(t, createMemoryLog(), ['curate']);
  await until(() => curate.said.length > 0);
  assert.match(curate.said[0]!, /^no policy on dedup\.policy yet; waiting for the controller$/);
  assert.equal(curate.ready(), 0);
  curate.stop();
  await curate.ended;
  assert.equal(curate.ready(), 0);
});

test('it is ready once when the controller has published', async (t) => {
  const log = createMemoryLog();
  const curate = await startOn(t, log, ['curate']);
  await until(() => curate.said.length > 0);
  const controller = await startOn(t, log, ['controller']);
  await until(() => controller.ready() === 1 && curate.ready() === 1);
  controller.stop();
  curate.stop();
  await Promise.all([controller.ended, curate.ended]);
  assert.deepEqual([controller.ready(), curate.ready()], [1, 1]);
});

test('stages that wait for nobody are ready at once', async (t) => {
  const both = await startOn(t, createMemoryLog(), ['sift', 'index']);
  await until(() => both.ready() === 1);
  both.stop();
  await both.ended;
});

test('a policy with outputs that this process has not prepared is refused at the start', async (t) => {
  const log = createMemoryLog();
  const controller = await startOn(t, log, ['controller'], ['policy.routes.other=rest', 'policy.version=2']);
  await until(() => controller.ready() === 1);
  const curate = await startOn(t, log, ['curate']);
  await assert.rejects(curate.ended, {
    code: 'policy-differs',
    message: /dedup@2 on dedup\.policy; it writes to curated\.rest, which dedup@1 of this process does not know; start/,
  });
});

test('a curate beside the controller begins with the policy that it publishes, not the one before', async (t) => {
  const log = createMemoryLog();
  const before = await startOn(t, log, ['controller'], ['policy.routes.other=rest']);
  await until(() => before.ready() === 1);
  before.stop();
  await before.ended;
  const whole = await startOn(t, log, ['controller', 'curate'], ['policy.version=2']);
  await until(() => whole.ready() === 1);
  whole.stop();
  await whole.ended;
});

test('a curate that is ahead of the controller waits for it', async (t) => {
  const log = createMemoryLog();
  const before = await startOn(t, log, ['controller'], ['policy.routes.other=rest']);
  await until(() => before.ready() === 1);
  const curate = await startOn(t, log, ['curate'], ['policy.version=2']);
  await until(() => curate.said.length > 0);
  assert.equal(curate.said[0], 'only dedup@1 on dedup.policy yet; waiting for the controller');
  const after = await startOn(t, log, ['controller'], ['policy.version=2']);
  await until(() => curate.ready() === 1);
  for (const process of [before, curate, after]) {
    process.stop();
    await process.ended;
  }
});
