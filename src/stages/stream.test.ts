import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { loadTopology } from '../cli/load-topology.ts';
import type { Log } from '../log/port.ts';
import { createMemoryLog } from '../testing/memory-log.ts';
import { topicNames } from '../runtime/topics.ts';
import { type ProcessStage, runStream } from './stream.ts';

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

/** Stages of one process over a log in memory. */
async function startOn(
  t: TestContext,
  log: Log,
  stages: readonly ProcessStage[],
  set: readonly string[] = [],
  partitions = 1,
) {
  const loaded = await loadTopology('dedup', { set });
  const stateDirectory = mkdtempSync(path.join(tmpdir(), 'riffle-stream-'));
  const stop = new AbortController();
  const said: string[] = [];
  const policies: number[] = [];
  let ready = 0;
  const ended = runStream({
    ...loaded,
    log,
    topics: topicNames('dedup'),
    partitions,
    stages: new Set(stages),
    stateDirectory,
    workers: 1,
    signal: stop.signal,
    observer: { policy: ({ version }) => policies.push(version) },
    note: (text) => said.push(text),
    warn: (text) => said.push(text),
    ready: () => ready++,
  });
  t.after(async () => {
    stop.abort();
    await ended.catch(() => undefined);
    rmSync(stateDirectory, { recursive: true, force: true });
  });
  return { ended, said, policies, stop: () => stop.abort(), ready: () => ready };
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

interface Line {
  readonly position: { readonly offset: string };
  readonly decision: { readonly policy: string };
}

/** The policies on the lines of each commit, as it was made. */
function watchCommits(log: Log): { log: Log; commits: Line[][] } {
  const commits: Line[][] = [];
  const linesOf = (bytes: Uint8Array) => Buffer.from(bytes).toString().trimEnd().split('\n');
  return {
    commits,
    log: {
      ...log,
      async lease(group, partition) {
        const lease = await log.lease(group, partition);
        return {
          ...lease,
          async commit(commit) {
            const lines = [...(commit.lines?.values() ?? [])].flatMap(({ bytes }) => linesOf(bytes));
            commits.push(lines.map((line) => JSON.parse(line) as Line));
            await lease.commit(commit);
          },
        };
      },
    },
  };
}

test('a policy that is published while curate works is used from then on, never two in one commit', async (t) => {
  const { log, commits } = watchCommits(createMemoryLog());
  const work = await startOn(t, log, ['sift', 'index', 'curate'], ['blocks.records=4']);
  let fed = 0;
  const feed = async (records: number) => {
    const values = Array.from({ length: records }, () => ({ value: Buffer.from(`{"text":"text ${fed++}"}`) }));
    await log.producer().append('dedup.raw', 0, values);
  };
  for (const version of [1, 2, 3]) {
    // Some are under way while the policy changes: those may be decided by either.
    await until(() => version === 1 || commits.flat().length > 0);
    const controller = await startOn(t, log, ['controller'], [`policy.version=${version}`]);
    await until(() => work.policies.at(-1) === version);
    await feed(40);
    if (version === 3) await until(() => commits.flat().length === fed);
    controller.stop();
    await controller.ended;
  }
  assert.deepEqual(work.policies, [1, 2, 3]);
  const stamps = commits.map((lines) => new Set(lines.map(({ decision }) => decision.policy)));
  assert.ok(stamps.every(({ size }) => size <= 1));
  const offsets = commits.flat().map(({ position }) => Number(position.offset));
  assert.deepEqual(
    offsets,
    Array.from({ length: fed }, (_, i) => i),
  );
  // Fed after the last policy was in force.
  assert.deepEqual(
    new Set(commits.flat().flatMap(({ position, decision }) => (Number(position.offset) < 80 ? [] : decision.policy))),
    new Set(['dedup@3']),
  );
  work.stop();
  await work.ended;
});

test('a policy that this process cannot follow is refused while it works, and the one before stays', async (t) => {
  const log = createMemoryLog();
  const both = await startOn(t, log, ['controller', 'curate']);
  await until(() => both.ready() === 1);
  const { policy } = await loadTopology('dedup', { set: [] });
  const rest = { ...policy, version: 2, routes: { ...policy.routes, other: 'rest' } };
  const scored = { ...policy, version: 3, quality: [{ scorer: 'q/a@1', atLeast: 0.5 }] };
  for (const [next, why] of [
    [rest, 'it writes to curated.rest'],
    [scored, 'it looks at q/a@1'],
  ] as const) {
    await log.producer().append('dedup.policy', 0, [{ key: next.name, value: Buffer.from(JSON.stringify(next)) }]);
    await until(() => both.said.some((text) => text.includes(why)));
    assert.match(
      both.said.at(-1) ?? '',
      /^policy dedup@\d on dedup\.policy; .*; until then it decides by the one before$/,
    );
  }
  await log.producer().append('dedup.policy', 0, [{ key: 'x', value: Buffer.from('{') }]);
  await until(() => both.said.some((text) => text.startsWith('message dedup.policy-0@3; it is no policy')));
  assert.deepEqual(both.policies, [1]);
  both.stop();
  await both.ended;
});

test('a partition that nobody curates is held at its share, and the others go on', async (t) => {
  const log = createMemoryLog();
  const sift = await startOn(t, log, ['sift'], ['source.maxAheadBytes=16000000'], 4);
  await until(() => sift.ready() === 1);
  const large = (i: number) => ({ value: Buffer.from(JSON.stringify({ text: `number ${i} `.repeat(25_000) })) });
  const producer = log.producer();
  await producer.append(
    'dedup.raw',
    0,
    Array.from({ length: 100 }, (_, i) => large(i)),
  );
  // More than its share is under way: it is not read on.
  await until(() => log.messages('dedup.sifted', 0).length > 14);
  for (const partition of [1, 2, 3]) await producer.append('dedup.raw', partition, [large(0)]);
  await until(() => [1, 2, 3].every((partition) => log.messages('dedup.sifted', partition).length === 1));
  assert.ok(log.messages('dedup.sifted', 0).length < 50);
  sift.stop();
  await sift.ended;
});
