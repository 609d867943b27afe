import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { ConfigError } from '../../errors.ts';
import { expandInputs } from './inputs.ts';

function folder(t: TestContext): string {
  const root = mkdtempSync(path.join(tmpdir(), 'riffle-inputs-'));
  t.after(() => rmSync(root, { recursive: true }));
  for (const name of ['b', 'a/nested', '.hidden', 'empty']) mkdirSync(path.join(root, name), { recursive: true });
  const files = [
    'b/2.jsonl',
    'b/10.jsonl.gz',
    'a/x.warc.gz',
    'a/nested/y.WET',
    'a/notes.MD',
    'a/LICENSE',
    'a/LICENSE-MIT',
    'a/program.ts',
    '.hidden/z.jsonl',
    'odd [name].txt',
    'B.parquet',
    'old.bz2',
    'page.html',
  ];
  for (const name of files) writeFileSync(path.join(root, name), 'text');
  symlinkSync(path.join(root, 'b'), path.join(root, 'link-to-folder'));
  symlinkSync(path.join(root, 'b/2.jsonl'), path.join(root, 'link.jsonl'));
  return root;
}

const relative = (root: string, inputs: string[]): string[] =>
  expandInputs(inputs, root).files.map((file) => path.relative(root, file.path));

test('a folder is walked in sorted order; links, hidden and other names are left out and counted', (t) => {
  const root = folder(t);
  const { files, ignored } = expandInputs([root]);
  assert.deepEqual(
    files.map((file) => path.relative(root, file.path)),
    [
      'B.parquet',
      'a/LICENSE',
      'a/LICENSE-MIT',
      'a/nested/y.WET',
      'a/notes.MD',
      'a/x.warc.gz',
      'b/10.jsonl.gz',
      'b/2.jsonl',
      'odd [name].txt',
      'page.html',
    ],
  );
  assert.ok(files.every((file) => file.sizeBytes === 4));
  assert.deepEqual(ignored, { symlinks: 2, hidden: 1, otherNames: 2 });
});

test('paths are taken whatever their name is, patterns are expanded and sorted, and no file comes twice', (t) => {
  const root = folder(t);
  assert.deepEqual(relative(root, ['a/program.ts', 'link.jsonl']), ['a/program.ts', 'link.jsonl']);
  assert.deepEqual(relative(root, ['b/*']), ['b/10.jsonl.gz', 'b/2.jsonl']);
  assert.deepEqual(relative(root, ['**/*.{md,MD,WET}']), ['a/nested/y.WET', 'a/notes.MD']);
  assert.deepEqual(relative(root, ['b/2.jsonl', 'b', 'b/*.jsonl']), ['b/2.jsonl', 'b/10.jsonl.gz']);
  // A file whose name looks like a pattern is itself.
  assert.deepEqual(relative(root, ['odd [name].txt']), ['odd [name].txt']);
  assert.deepEqual(relative(root, ['*.jsonl', 'page.html'].slice(1)), ['page.html']);
});

test('standard input is said, not read', (t) => {
  const root = folder(t);
  assert.deepEqual(expandInputs(['-', 'page.html'], root).standardInput, true);
  assert.deepEqual(expandInputs(['page.html'], root).standardInput, false);
});

test('what is missing, empty, unreadable or no file is a configuration error that names it', (t) => {
  const root = folder(t);
  const fails = (input: string, code: string): void => {
    assert.throws(
      () => expandInputs([input], root),
      (error) => error instanceof ConfigError && error.code === code && error.message.includes(path.basename(input)),
      input,
    );
  };
  fails('nothing.jsonl', 'input-missing');
  fails('empty', 'input-empty');
  fails('*.csv', 'input-empty');
  fails('/dev/null', 'input-kind');
  // Nothing is unreadable for root.
  if (process.getuid?.() !== 0) {
    chmodSync(path.join(root, 'page.html'), 0);
    fails('page.html', 'input-unreadable');
  }
});
