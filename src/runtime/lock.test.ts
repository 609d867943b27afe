import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { ConfigError } from '../errors.ts';
import { lockState } from './lock.ts';

function folder(t: TestContext): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'riffle-lock-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

const lockOf = (directory: string) => path.join(directory, 'lock');
const isLocked = (error: unknown) => error instanceof ConfigError && error.code === 'locked';

test('one at a time: the second is refused and told who holds it, until it is given back', (t) => {
  const directory = folder(t);
  const unlock = lockState(directory);
  assert.throws(
    () => lockState(directory),
    (error) => isLocked(error) && (error as Error).message.includes(`process ${process.pid} is using it`),
  );
  unlock();
  assert.ok(!existsSync(lockOf(directory)));
  lockState(directory)();
});

test('the lock of a process that is gone is taken over', (t) => {
  const directory = folder(t);
  const gone = spawnSync(process.execPath, ['--version']);
  writeFileSync(lockOf(directory), JSON.stringify({ pid: gone.pid, started: '1' }));
  const unlock = lockState(directory);
  assert.equal((JSON.parse(readFileSync(lockOf(directory), 'utf8')) as { pid: number }).pid, process.pid);
  unlock();
});

test('the number of a process that is gone may be another one today', { skip: process.platform !== 'linux' }, (t) => {
  const directory = folder(t);
  writeFileSync(lockOf(directory), JSON.stringify({ pid: process.pid, started: 'long ago' }));
  lockState(directory)();
});

test('a lock that says nothing was left half-written, and is taken over', (t) => {
  const directory = folder(t);
  writeFileSync(lockOf(directory), '{"pid":');
  lockState(directory)();
});
