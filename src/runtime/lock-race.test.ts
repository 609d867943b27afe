import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

test('of many processes that find a stale lock, one gets it', async (t) => {
  const directory = mkdtempSync(path.join(tmpdir(), 'riffle-lock-race-'));
  t.after(() => rmSync(directory, { recursive: true }));
  // No process has a number that large.
  writeFileSync(path.join(directory, 'lock'), JSON.stringify({ pid: 2 ** 30, started: '1' }));
  const code = `
    import { lockState } from ${JSON.stringify(path.join(import.meta.dirname, 'lock.ts'))};
    try { lockState(${JSON.stringify(directory)}); process.stdout.write('got'); } catch (error) { process.stdout.write(error.code); }
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
  assert.deepEqual(readdirSync(directory), ['lock']);
});
