/** The embedded log under several processes, SIGKILL included. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { suite, test, type TestContext } from 'node:test';
import { type EmbeddedLog, openEmbeddedLog } from '../../src/log/embedded/log.ts';
import { payload, specs } from './embedded-child.ts';
import { readAll, textOf } from './messages.ts';

interface Child {
  readonly process: ChildProcess;
  /** Resolves with the last line once so many lines came. */
  lines(count: number): Promise<string>;
  kill(): Promise<void>;
}

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'riffle-log-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function start(t: TestContext, mode: 'append' | 'commit', folder: string, name: string, partition = 0): Child {
  const script = path.join(import.meta.dirname, 'embedded-child.ts');
  const child = spawn(process.execPath, [script, mode, folder, name, String(partition)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const seen: string[] = [];
  let look = (): void => undefined;
  createInterface({ input: child.stdout }).on('line', (line) => {
    seen.push(line);
    look();
  });
  const exited = once(child, 'exit');
  return {
    process: child,
    lines: (count) =>
      new Promise((resolve, reject) => {
        look = () => {
          if (seen.length >= count) resolve(seen.at(-1) ?? '');
        };
        look();
        void exited.then(() => reject(new Error(`${name} ended after ${seen.length} lines`)));
      }),
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

async function open(t: TestContext, folder: string): Promise<EmbeddedLog> {
  const log = await openEmbeddedLog({ directory: path.join(folder, 'log'), outputDirectory: path.join(folder, 'out') });
  t.after(() => log.close());
  await log.ensureTopics(specs);
  return log;
}

suite('embedded log, several processes', () => {
  test('two processes append to the same partitions and a third reads: nothing missing, nothing twice', async (t) => {
    const folder = folderOf(t);
    const log = await open(t, folder);
    const consumer = await log.consumer('work', ['app.in']);
    const children = [start(t, 'append', folder, 'left'), start(t, 'append', folder, 'right')];
    const acknowledged = await Promise.all(children.map((child) => child.lines(20)));
    await Promise.all(children.map((child) => child.kill()));
    const ends = await Promise.all([0, 1, 2, 3].map((partition) => consumer.bounds('app.in', partition)));
    const total = ends.reduce((sum, { end }) => sum + Number(end), 0);
    const read = await readAll(consumer, total);
    for (const [index, name] of ['left', 'right'].entries()) {
      for (let partition = 0; partition < 4; partition++) {
        const messages = read.get(`app.in-${partition}`) ?? [];
        const numbers = messages
          .map(textOf)
          .filter((text) => text.startsWith(name))
          .map(numberOf(name));
        for (let i = 0; i < numbers.length; i++) assert.equal(numbers[i], partition + 4 * i, 'in order, without a gap');
        const acked = Math.floor((Number(acknowledged[index]) - partition + 3) / 4);
        assert.ok(numbers.length >= acked, `${numbers.length} of ${acked} acknowledged in ${name}-${partition}`);
        messages.forEach((message, i) => assert.equal(message.offset, BigInt(i)));
      }
    }
  });

  test('a process killed during commits: outputs, position and N agree, and nothing acknowledged is missing', async (t) => {
    const folder = folderOf(t);
    let before = 0;
    for (const acks of [2, 9, 5, 14]) {
      const child = start(t, 'commit', folder, 'worker');
      const acknowledged = Number(await child.lines(acks));
      await child.kill();
      const log = await openEmbeddedLog({
        directory: path.join(folder, 'log'),
        outputDirectory: path.join(folder, 'out'),
      });
      const next = Number((await log.progress('work', 0)) ?? 0n);
      assert.ok(next >= acknowledged && next >= before, `N ${next}, acknowledged ${acknowledged}`);
      before = next;
      const expected = Array.from({ length: next }, (_, i) => `${JSON.stringify(payload('worker', i))}\n`).join('');
      assert.equal(readFileSync(path.join(folder, 'out', 'out.jsonl.partial'), 'utf8'), expected);
      const consumer = await log.consumer('work', ['app.in']);
      assert.equal(await consumer.committed('app.in', 0), BigInt(next));
      await log.close();
    }
  });

  test('two processes commit into one output file and are killed: each line whole, each writer complete up to its N', async (t) => {
    const folder = folderOf(t);
    const names = ['left', 'right'];
    for (const acks of [8, 3]) {
      const children = names.map((name, partition) => start(t, 'commit', folder, name, partition));
      await Promise.all(children.map((child) => child.lines(acks)));
      await Promise.all(children.map((child) => child.kill()));
      const log = await openEmbeddedLog({
        directory: path.join(folder, 'log'),
        outputDirectory: path.join(folder, 'out'),
      });
      const lines = readFileSync(path.join(folder, 'out', 'out.jsonl.partial'), 'utf8')
        .split('\n')
        .slice(0, -1);
      for (const [partition, name] of names.entries()) {
        const next = Number((await log.progress('work', partition)) ?? 0n);
        assert.deepEqual(
          lines.filter((line) => line.startsWith(`"${name}:`)),
          Array.from({ length: next }, (_, i) => JSON.stringify(payload(name, i))),
        );
      }
      await log.close();
    }
  });

  test('a zombie in another process is fenced and writes no line any more', async (t) => {
    const folder = folderOf(t);
    const zombie = start(t, 'commit', folder, 'zombie');
    await zombie.lines(3);
    const log = await open(t, folder);
    const lease = await log.lease('work', 0);
    const taken = lease.next ?? 0n;
    await once(zombie.process, 'exit');
    assert.equal(readFileSync(path.join(folder, 'zombie.end'), 'utf8'), 'fenced');
    const lines = Array.from({ length: Number(taken) }, (_, i) => `${JSON.stringify(payload('zombie', i))}\n`).join('');
    await lease.commit({
      outputs: new Map([['app.out', [{ value: Buffer.from('"new"') }]]]),
      positions: [],
      next: taken + 1n,
    });
    assert.equal(readFileSync(path.join(folder, 'out', 'out.jsonl.partial'), 'utf8'), `${lines}"new"\n`);
  });
});

function numberOf(name: string): (text: string) => number {
  return (text) => {
    const number = Number(text.split(':')[1]);
    assert.equal(text, payload(name, number));
    return number;
  };
}
