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
  ['replay'],
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
    assert.deepEqual(listed, ['run', 'feed', 'describe', 'check', 'explain', 'replay', 'dlq', 'help']);
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

/** Another Node.js on this machine, outside the dependencies; where there is none, this one under an older name. */
function olderNode(): readonly string[] {
  const folders = (process.env.PATH ?? '').split(path.delimiter).filter((folder) => !folder.includes('node_modules'));
  const found = folders
    .flatMap((folder) => ['node20', 'node22', 'node'].map((name) => path.join(folder, name)))
    .find((file) => {
      const version = /^v(\d+)/.exec(spawnSync(file, ['--version'], { encoding: 'utf8' }).stdout ?? '');
      return version !== null && Number(version[1]) < 24;
    });
  if (found !== undefined) return [found];
  const rename = `Object.defineProperty(process, 'version', { value: 'v22.0.0' });
    Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '22.0.0' } });`;
  return [process.execPath, '--import', `data:text/javascript,${encodeURIComponent(rename)}`];
}

test('an older Node.js is told what it is and what to do', (t) => {
  const [node, ...options] = olderNode();
  const { status, stderr } = riffle(emptyFolder(t), ['--help'], [node!, ...options]);
  assert.equal(status, 2);
  assert.match(stderr, /^Node\.js; this is v\d+\.\d+\.\d+ and Riffle needs 24 or later; run "npm run --silent riffle/);
  const env = { npm_lifecycle_event: 'riffle' };
  const inNpm = spawnSync(node!, [...options, bin, '--help'], { encoding: 'utf8', env });
  assert.match(inNpm.stderr, /install scripts were blocked: run "npm rebuild node"/);
});
