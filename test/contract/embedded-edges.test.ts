/** What only the embedded log has: its files, trimming, a full disk. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { open } from 'lmdb';
import { FatalError, RiffleError, TransientError } from '../../src/errors.ts';
import { type EmbeddedLog, openEmbeddedLog } from '../../src/log/embedded/log.ts';
import type { TopicSpec } from '../../src/log/port.ts';
import { readAll, texts, textOf } from './messages.ts';
import { skip } from '../../src/testing/shared.ts';

const specs: readonly TopicSpec[] = [
  { name: 'app.in', partitions: 2, kind: 'blocks', groups: ['early', 'late'] },
  { name: 'app.out', partitions: 1, kind: 'records', groups: [] },
];

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'riffle-log-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function openIn(t: TestContext, folder: string): Promise<EmbeddedLog> {
  const log = await openEmbeddedLog({ directory: path.join(folder, 'log'), outputDirectory: path.join(folder, 'out') });
  t.after(() => log.close());
  return log;
}

const hasCode = (code: string) => (error: unknown) => error instanceof RiffleError && error.code === code;
const dataOf = (folder: string): string => path.join(folder, 'log', 'data.mdb');

async function written(t: TestContext): Promise<string> {
  const folder = folderOf(t);
  const log = await openIn(t, folder);
  await log.ensureTopics(specs);
  await log.producer().append('app.in', 0, [{ value: Buffer.alloc(300_000, 1) }, ...texts('b')]);
  const lease = await log.lease('early', 0);
  await lease.commit({ outputs: new Map([['app.out', texts('{"a":1}', '{"a":2}')]]), positions: [], next: 2n });
  await log.close();
  return folder;
}

suite('embedded log: files that are not its own are refused and stay as they are', () => {
  async function refused(t: TestContext, folder: string, code: string): Promise<void> {
    const before = statSync(dataOf(folder)).size < 2 ** 24 ? readFileSync(dataOf(folder)) : undefined;
    await assert.rejects(openIn(t, folder), hasCode(code));
    if (before !== undefined) assert.ok(readFileSync(dataOf(folder)).equals(before), 'not a byte was changed');
  }

  test('a folder with something else in it', async (t) => {
    const folder = folderOf(t);
    mkdirSync(path.join(folder, 'log'));
    writeFileSync(path.join(folder, 'log', 'thesis.txt'), 'chapter 1');
    await assert.rejects(openIn(t, folder), hasCode('foreign-log'));
    assert.deepEqual(readdirSync(path.join(folder, 'log')), ['thesis.txt']);
  });

  test('a file where the folder should be', async (t) => {
    const folder = folderOf(t);
    writeFileSync(path.join(folder, 'log'), 'chapter 1');
    await assert.rejects(openIn(t, folder), hasCode('log-unusable'));
  });

  test('a text file named data.mdb', async (t) => {
    const folder = folderOf(t);
    mkdirSync(path.join(folder, 'log'));
    writeFileSync(dataOf(folder), 'chapter 1\n'.repeat(10_000));
    await refused(t, folder, 'foreign-log');
  });

  test("another program's LMDB environment", async (t) => {
    const folder = folderOf(t);
    const other = open({ path: path.join(folder, 'log'), noSubdir: false });
    await other.put('key', 'value');
    await other.close();
    await refused(t, folder, 'foreign-log');
  });

  test('a newer format', async (t) => {
    const folder = await written(t);
    const env = open({ path: path.join(folder, 'log'), noSubdir: false, maxDbs: 4 });
    const meta = env.openDB<Buffer, Buffer>('meta', { encoding: 'binary', keyEncoding: 'binary' });
    await meta.put(Buffer.of(0), Buffer.from(JSON.stringify({ magic: 'riffle-log', format: 99 })));
    await env.close();
    await refused(t, folder, 'newer-log');
  });

  test('a file that was overwritten', async (t) => {
    const folder = await written(t);
    writeFileSync(dataOf(folder), Buffer.alloc(100_000, 0x5a), { flag: 'r+' });
    await assert.rejects(openIn(t, folder), hasCode('foreign-log'));
  });

  test('a file that was cut', async (t) => {
    const folder = await written(t);
    truncateSync(dataOf(folder), 60_000);
    await refused(t, folder, 'corrupt-log');
    truncateSync(dataOf(folder), 5_000);
    await refused(t, folder, 'corrupt-log');
  });
});

suite('embedded log: output files', () => {
  test('bytes behind the committed length are cut on opening, and the next line follows the last committed one', async (t) => {
    const folder = await written(t);
    const file = path.join(folder, 'out', 'out.jsonl.partial');
    appendFileSync(file, '{"a":3}\n{"a":');
    const log = await openIn(t, folder);
    assert.equal(readFileSync(file, 'utf8'), '{"a":1}\n{"a":2}\n');
    const lease = await log.lease('early', 0);
    await lease.commit({ outputs: new Map([['app.out', texts('{"a":3}')]]), positions: [], next: 3n });
    assert.equal(readFileSync(file, 'utf8'), '{"a":1}\n{"a":2}\n{"a":3}\n');
    assert.equal(log.outputLengths().get('app.out'), 24n);
  });

  test('a file shorter than what was committed is an error that names it', async (t) => {
    const folder = await written(t);
    truncateSync(path.join(folder, 'out', 'out.jsonl.partial'), 10);
    await assert.rejects(
      openIn(t, folder),
      (error) => hasCode('output-cut')(error) && /out\.jsonl\.partial.*10 bytes, 16/.test(String(error)),
    );
  });

  test('finish gives the final name, twice is once, and a later commit goes on in it', async (t) => {
    const folder = await written(t);
    const log = await openIn(t, folder);
    await log.finish();
    await log.finish();
    assert.deepEqual(readdirSync(path.join(folder, 'out')), ['out.jsonl']);
    await log.close();
    const again = await openIn(t, folder);
    await again.finish();
    const lease = await again.lease('early', 0);
    await lease.commit({ outputs: new Map([['app.out', texts('{"a":3}')]]), positions: [], next: 3n });
    await again.finish();
    assert.equal(readFileSync(path.join(folder, 'out', 'out.jsonl'), 'utf8'), '{"a":1}\n{"a":2}\n{"a":3}\n');
  });

  test("another run's output is not overwritten", async (t) => {
    const folder = folderOf(t);
    mkdirSync(path.join(folder, 'out'));
    writeFileSync(path.join(folder, 'out', 'out.jsonl'), 'precious\n');
    const log = await openIn(t, folder);
    await assert.rejects(log.ensureTopics(specs), hasCode('output-exists'));
    assert.equal(readFileSync(path.join(folder, 'out', 'out.jsonl'), 'utf8'), 'precious\n');
  });

  test('a message with a line feed is refused, alone', async (t) => {
    const folder = folderOf(t);
    const log = await openIn(t, folder);
    await log.ensureTopics(specs);
    const [bad, good] = await Promise.all([log.lease('early', 0), log.lease('early', 1)]);
    const commitOf = (text: string) => ({ outputs: new Map([['app.out', texts(text)]]), positions: [], next: 1n });
    const results = await Promise.allSettled([bad.commit(commitOf('a\nb')), good.commit(commitOf('ab'))]);
    assert.deepEqual(
      results.map(({ status }) => status),
      ['rejected', 'fulfilled'],
    );
    assert.equal(readFileSync(path.join(folder, 'out', 'out.jsonl.partial'), 'utf8'), 'ab\n');
  });
});

suite('embedded log: trimming', () => {
  async function trimAll(log: EmbeddedLog): Promise<number> {
    let removed = 0;
    for (let more = true; more; ) {
      const done = await log.trim();
      removed += done.removed;
      more = done.more;
    }
    return removed;
  }

  test('waits for every registered group, started or not; a read below the start is an error', async (t) => {
    const folder = folderOf(t);
    const log = await openIn(t, folder);
    await log.ensureTopics(specs);
    await log.producer().append('app.in', 0, texts(...Array.from({ length: 3000 }, (_, i) => String(i))));
    const early = await log.consumer('early', ['app.in']);
    await early.poll({ maxBytes: 1, waitMs: 0 });
    await early.commit([{ topic: 'app.in', partition: 0, offset: 2500n }]);
    assert.equal(await trimAll(log), 0, 'group late has not started');
    const lease = await log.lease('late', 0);
    await lease.commit({ outputs: new Map(), positions: [{ topic: 'app.in', partition: 0, offset: 2000n }], next: 1n });
    assert.equal(await trimAll(log), 2000);
    assert.deepEqual(await early.bounds('app.in', 0), { start: 2000n, end: 3000n });
    early.seek({ topic: 'app.in', partition: 0, offset: 1999n });
    await assert.rejects(
      early.poll({ maxBytes: 100, waitMs: 1000 }),
      (error) =>
        error instanceof FatalError && error.code === 'below-log-start' && error.message.includes('app.in-0@1999'),
    );
    const late = await log.consumer('late', ['app.in']);
    const kept = (await readAll(late, 1000)).get('app.in-0') ?? [];
    assert.deepEqual([textOf(kept[0]!), textOf(kept[999]!)], ['2000', '2999']);
    await late.commit([{ topic: 'app.in', partition: 0, offset: 9999n }]);
    await early.commit([{ topic: 'app.in', partition: 0, offset: 9999n }]);
    assert.equal(await trimAll(log), 1000, 'a position beyond the end trims to the end');
    assert.equal(await log.producer().append('app.in', 0, texts('next')), 3000n);
  });

  test('space is used again: a stream much larger than the file', async (t) => {
    const folder = folderOf(t);
    const log = await openIn(t, folder);
    await log.ensureTopics([{ name: 'app.in', partitions: 1, kind: 'blocks', groups: ['early'] }]);
    const consumer = await log.consumer('early', ['app.in']);
    for (let i = 0; i < 60; i++) {
      const first = await log
        .producer()
        .append('app.in', 0, [{ value: Buffer.alloc(500_000 + 1000 * i, i) }, { value: Buffer.alloc(500_000, i) }]);
      await consumer.commit([{ topic: 'app.in', partition: 0, offset: first + 2n }]);
      await trimAll(log);
    }
    assert.deepEqual(await consumer.bounds('app.in', 0), { start: 120n, end: 120n });
    const allocated = statSync(dataOf(folder)).blocks * 512;
    assert.ok(
      allocated < 16e6,
      `62 MB went through, at most 2 MB were kept at a time, ${allocated} bytes are allocated`,
    );
  });
});

suite('embedded log: limits', () => {
  test('5,000 partitions with one small block each', async (t) => {
    const folder = folderOf(t);
    const log = await openIn(t, folder);
    await log.ensureTopics([{ name: 'app.in', partitions: 5000, kind: 'blocks', groups: ['early'] }]);
    const producer = log.producer();
    await Promise.all(
      Array.from({ length: 5000 }, (_, partition) => producer.append('app.in', partition, texts(String(partition)))),
    );
    const consumer = await log.consumer('early', ['app.in']);
    const read = await readAll(consumer, 5000);
    for (let partition = 0; partition < 5000; partition++) {
      assert.deepEqual(read.get(`app.in-${partition}`)?.map(textOf), [String(partition)]);
    }
    const positions = Array.from({ length: 5000 }, (_, partition) => ({ topic: 'app.in', partition, offset: 1n }));
    await consumer.commit(positions);
    let removed = 0;
    for (let calls = 0; calls < 20; calls++) removed += (await log.trim()).removed;
    assert.equal(removed, 5000);
  });

  test('a full disk: refused with disk-full, nothing half-written, and it goes on when there is room', async (t) => {
    const folder = folderOf(t);
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', folder]);
    if (mounted.status !== 0) return skip(t, 'small file system; cannot be mounted; run the tests as root on Linux');
    try {
      const log = await openIn(t, folder);
      await fillAndGoOn(log, () => spawnSync('mount', ['-o', 'remount,size=64m', folder]));
      await log.close();
    } finally {
      spawnSync('umount', [folder]);
    }
  });

  async function fillAndGoOn(log: EmbeddedLog, makeRoom: () => void): Promise<void> {
    await log.ensureTopics([
      { name: 'app.in', partitions: 1, kind: 'blocks', groups: ['early'] },
      { name: 'app.out', partitions: 1, kind: 'records', groups: [] },
    ]);
    const producer = log.producer();
    let appended = 0n;
    let full: unknown;
    while (full === undefined) {
      try {
        await producer.append('app.in', 0, [{ value: Buffer.alloc(400_000, Number(appended)) }]);
        appended += 1n;
      } catch (error) {
        full = error;
      }
      assert.ok(appended < 40n, 'it was filled');
    }
    assert.ok(full instanceof TransientError && full.code === 'disk-full', full instanceof Error ? full.message : '');
    const consumer = await log.consumer('early', ['app.in']);
    assert.deepEqual(await consumer.bounds('app.in', 0), { start: 0n, end: appended });
    const kept = (await readAll(consumer, Number(appended))).get('app.in-0') ?? [];
    kept.forEach(({ value }, i) => assert.ok(value.byteLength === 400_000 && value[399_999] === i));
    const lease = await log.lease('early', 0);
    const large = {
      outputs: new Map([['app.out', [{ value: Buffer.alloc(2_000_000, 'a') }]]]),
      positions: [],
      next: 1n,
    };
    await assert.rejects(lease.commit(large), hasCode('disk-full'));
    assert.equal(await log.progress('early', 0), undefined);
    makeRoom();
    await lease.commit({ outputs: new Map([['app.out', texts('{"a":1}')]]), positions: [], next: 1n });
    assert.equal(await producer.append('app.in', 0, [{ value: Buffer.alloc(400_000) }]), appended);
    assert.equal(log.outputLengths().get('app.out'), 8n);
  }
});
