/** Signals, full disks, and inputs that change under a run: it ends with a clear word, and the same command continues from there. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { writeDocuments } from '../crash/documents.ts';
import { readWritten } from './outputs.ts';
import { riffle, type Running, startRiffle, temporaryFolder } from './riffle.ts';
import { skip } from '../../src/testing/shared.ts';

/** Lines of all outputs, as a set: with one partition the order in each file is fixed anyway. */
const linesOf = (output: string): string[] =>
  readWritten(output)
    .map(({ topic, line }) => `${topic} ${line}`)
    .sort();

async function undisturbed(folder: string, input: string): Promise<string[]> {
  const output = path.join(folder, 'undisturbed');
  const { code, stderr } = await riffle({ topology: 'dedup', input: [input], output });
  assert.equal(code, 0, stderr);
  return linesOf(output);
}

function bytesIn(output: string): number {
  if (!existsSync(output)) return 0;
  return readdirSync(output)
    .filter((name) => name.includes('.jsonl'))
    .reduce((sum, name) => sum + statSync(path.join(output, name)).size, 0);
}

/** Resolves when the run has written something, so that it is interrupted in the middle. */
async function underWay(output: string, { finished }: Running): Promise<void> {
  let ended = false;
  void finished.then(() => (ended = true));
  while (!ended && bytesIn(output) === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(!ended, `the run ended before it could be interrupted: ${(await (ended ? finished : undefined))?.stderr}`);
}

function documents(t: TestContext, count: number): { folder: string; input: string; output: string } {
  const folder = temporaryFolder(t);
  const input = path.join(folder, 'in.jsonl');
  writeDocuments(input, count, 5);
  return { folder, input, output: path.join(folder, 'out') };
}

test('SIGTERM drains and says 143; the same command ends with what an undisturbed run gives', async (t) => {
  const { folder, input, output } = documents(t, 12_000);
  const order = { topology: 'dedup', input: [input], output };
  const running = startRiffle(order);
  await underWay(output, running);
  running.child.kill('SIGTERM');
  const { code, summary, stderr } = await running.finished;
  assert.equal(code, 143, stderr);
  assert.equal(summary!.complete, false);
  assert.ok(summary!.inputs < 12_000);
  const { code: second, summary: whole } = await riffle(order);
  assert.equal(second, 0);
  assert.equal(whole!.resumed, true);
  assert.equal(whole!.inputs, 12_000);
  assert.deepEqual(linesOf(output), await undisturbed(folder, input));
});

test('a second SIGINT ends the process at once, and nothing is lost', async (t) => {
  const { folder, input, output } = documents(t, 6000);
  const order = { topology: 'dedup', input: [input], output };
  const running = startRiffle(order);
  await underWay(output, running);
  running.child.kill('SIGINT');
  running.child.kill('SIGINT');
  const { code } = await running.finished;
  assert.equal(code, 130);
  assert.equal((await riffle(order)).code, 0);
  assert.deepEqual(linesOf(output), await undisturbed(folder, input));
});

/** A small file system, where this user may make one. */
function smallDisk(t: TestContext, megabytes: number): string | undefined {
  const disk = mkdtempSync(path.join(tmpdir(), 'riffle-disk-'));
  t.after(() => {
    if (mounted) execFileSync('umount', ['-l', disk]);
    rmSync(disk, { recursive: true, force: true });
  });
  let mounted = false;
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', disk], { stdio: 'ignore' });
    mounted = true;
  } catch {
    skip(t, 'a small file system; cannot be mounted here; run the tests as root on Linux to have it tested');
    return undefined;
  }
  return disk;
}

for (const what of ['output', 'state'] as const) {
  test(`a full disk under the ${what} fails the run by name; with room again the same command continues`, async (t) => {
    const disk = smallDisk(t, 12);
    if (disk === undefined) return;
    const { folder, input, output } = documents(t, 12_000);
    const ballast = path.join(disk, 'ballast');
    const place = {
      output: what === 'output' ? disk : output,
      state: what === 'state' ? path.join(disk, 's') : path.join(folder, 's'),
    };
    // Almost no room is left: the run begins and cannot go on.
    writeFileSync(ballast, Buffer.alloc((what === 'output' ? 11 : 10) << 20));
    const order = { topology: 'dedup', input: [input], output: place.output, more: ['--state', place.state] };
    const full = await riffle(order);
    assert.equal(full.code, 1, full.stderr);
    assert.match(full.stderr, /no space left/);
    assert.ok(full.stderr.includes(disk), full.stderr);
    rmSync(ballast);
    execFileSync('mount', ['-o', 'remount,size=400m', disk]);
    const continued = await riffle(order);
    assert.equal(continued.code, 0, continued.stderr);
    assert.deepEqual(linesOf(place.output), await undisturbed(folder, input));
  });
}

test('an output folder that cannot be written is refused before anything is processed', async (t) => {
  const { input, folder } = documents(t, 10);
  const blocked = path.join(folder, 'file');
  writeFileSync(blocked, 'a file');
  const { code, stderr } = await riffle({ topology: 'dedup', input: [input], output: path.join(blocked, 'out') });
  assert.equal(code, 2, stderr);
  assert.match(stderr, /^.*file.*; .+; .+$/m);
});

const changes: Readonly<Record<string, (input: string) => void>> = {
  deleted: (input) => rmSync(input),
  truncated: (input) => truncateSync(input, 1000),
  grown: (input) => appendFileSync(input, '{"id":"late","text":"a line that came later than the run"}\n'),
};

for (const [name, change] of Object.entries(changes)) {
  test(`an input that is ${name} while it is read fails the run, and it is named`, async (t) => {
    const { input, output } = documents(t, 12_000);
    const order = { topology: 'text', input: [input], output };
    const running = startRiffle(order);
    await underWay(output, running);
    change(input);
    const { code, stderr } = await running.finished;
    assert.equal(code, 1, stderr);
    assert.match(stderr, /^input .*in\.jsonl; .+; .+$/m);
    const again = await riffle(order);
    assert.equal(again.code, 2, again.stderr);
    assert.match(again.stderr, /in\.jsonl/);
  });
}
