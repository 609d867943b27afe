import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { suite, test } from 'node:test';
import { bin, emptyFolder, riffle } from './riffle.ts';

const commands = [
  ['run'],
  ['feed'],
  ['describe'],
  ['check'],
  ['explain'],
  ['dlq'],
  ['dlq', 'list'],
  ['dlq', 'show'],
  ['dlq', 'retry'],
];

suite('--help', () => {
  test('lists the commands that there are, with examples', (t) => {
    const { status, stdout } = riffle(emptyFolder(t), ['--help']);
    assert.equal(status, 0);
    const listed = [...stdout.matchAll(/^ {2}([a-z]+) .*$/gm)]
      .map(([, name]) => name!)
      .filter((name) => name !== 'riffle');
    assert.deepEqual(listed, ['run', 'feed', 'describe', 'check', 'explain', 'dlq', 'help']);
    assert.match(stdout, /^Examples:$/m);
  });

  test('every command has its own, and its page in the reference names every option', (t) => {
    const reference = readFileSync(path.join(import.meta.dirname, '../../docs/reference/cli.md'), 'utf8');
    for (const command of commands) {
      const { status, stdout } = riffle(emptyFolder(t), [...command, '--help']);
      assert.equal(status, 0, command.join(' '));
      for (const [, option] of stdout.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm))
        if (option !== '--help')
          assert.ok(reference.includes(option!), `${option} of ${command.join(' ')} is not in cli.md`);
    }
  });
});

test('--version is that of the package', (t) => {
  const { version } = JSON.parse(readFileSync(path.join(import.meta.dirname, '../../package.json'), 'utf8')) as {
    version: string;
  };
  assert.equal(riffle(emptyFolder(t), ['--version']).stdout, `${version}\n`);
});

test('the examples of describe and check work as they are printed', (t) => {
  const folder = emptyFolder(t);
  assert.equal(riffle(folder, ['describe', 'text', '--set', 'policy.control.rate=0', '--format', 'json']).status, 0);
  const { status, stdout } = riffle(folder, ['check', 'dedup', '--json']);
  assert.equal(status, 0);
  assert.match((JSON.parse(stdout) as { warnings: string[] }).warnings.join(), /dedup\.seed/);
});

/** Another Node.js on this machine, outside the dependencies. */
function olderNode(): string | undefined {
  const folders = (process.env.PATH ?? '').split(path.delimiter).filter((folder) => !folder.includes('node_modules'));
  return folders
    .flatMap((folder) => ['node20', 'node22', 'node'].map((name) => path.join(folder, name)))
    .find((file) => {
      const version = /^v(\d+)/.exec(spawnSync(file, ['--version'], { encoding: 'utf8' }).stdout ?? '');
      return version !== null && Number(version[1]) < 24;
    });
}

test('an older Node.js is told what it is and what to do', (t) => {
  const node = olderNode();
  if (node === undefined) return t.skip('no Node.js older than 24 on this machine');
  const { status, stderr } = riffle(emptyFolder(t), ['--help'], node);
  assert.equal(status, 2);
  assert.match(stderr, /^Node\.js; this is v\d+\.\d+\.\d+ and Riffle needs 24 or later; run "npm run --silent riffle/);
  const inNpm = spawnSync(node, [bin, '--help'], { encoding: 'utf8', env: { npm_lifecycle_event: 'riffle' } });
  assert.match(inNpm.stderr, /install scripts were blocked: run "npm rebuild node"/);
});
