import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { lockState } from './lock.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'riffle-lock-'));
const file = path.join(folder, 'lock');
after(() => rmSync(folder, { recursive: true }));

test('held by a living process: refused, and nothing is left behind', () => {
  const unlock = lockState(folder);
  assert.throws(() => lockState(folder), { code: 'locked', message: new RegExp(`process ${process.pid} is using it`) });
  assert.deepEqual(readdirSync(folder), ['lock']);
  unlock();
  assert.deepEqual(readdirSync(folder), []);
});

test('the process is gone, its number belongs to another one, or the lock is broken: taken over', () => {
  for (const stale of [
    JSON.stringify({ pid: 2 ** 30, started: '1' }),
    JSON.stringify({ pid: process.pid, started: 'long ago' }),
    '',
  ]) {
    writeFileSync(file, stale);
    const unlock = lockState(folder);
    assert.equal((JSON.parse(readFileSync(file, 'utf8')) as { pid: number }).pid, process.pid);
    unlock();
    assert.deepEqual(readdirSync(folder), []);
  }
});

test('of many processes that find a stale lock, one gets it', async () => {
  writeFileSync(file, JSON.stringify({ pid: 2 ** 30, started: '1' }));
  const code = `
    import { lockState } from ${JSON.stringify(path.join(import.meta.dirname, 'lock.ts'))};
    try { lockState(${JSON.stringify(folder)}); process.stdout.write('got'); } catch (error) { process.stdout.write(error.code); }
    process.stdin.resume();`;
  const children = Array.from({ length: 6 }, () =>
    spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['pipe', 'pipe', 'inherit'] }),
  );
  const answers = children.map(
    (child) => new Promise<string>((resolve) => child.stdout.once('data', (text: Buffer) => resolve(text.toString()))),
  );
  const results = await Promise.all(answers);
  for (const child of children) child.stdin.end();
  assert.deepEqual(results.sort(), ['got', ...Array.from({ length: 5 }, () => 'locked')]);
});
