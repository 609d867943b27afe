/** The command as a user calls it: `bin/riffle.js` in a process of its own. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';

const repository = path.resolve(import.meta.dirname, '../..');
export const bin = path.join(repository, 'bin/riffle.js');

export interface Called {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Calls it in `cwd`, by `runtime`: a Node.js and its options. A child may not take the test's own settings for its own: it gets no npm and no CI. */
export function riffle(cwd: string, args: readonly string[], runtime: readonly string[] = []): Called {
  const [node = process.execPath, ...options] = runtime;
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, NO_COLOR: '1' };
  const { status, stdout, stderr } = spawnSync(node, [...options, bin, ...args], {
    cwd,
    env,
    encoding: 'utf8',
    timeout: 180_000,
  });
  return { status, stdout, stderr };
}

/** An empty folder that is gone after the test. */
export function emptyFolder(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'riffle-cli-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export const namesIn = (folder: string): string[] => readdirSync(folder).sort();
