/** What is wrong with a call is said before anything is processed: exit 2, *subject; actual; remedy*, and nothing on the disk. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { suite, test } from 'node:test';
import { emptyFolder, namesIn, riffle } from './riffle.ts';

const run = (topology: string, ...more: string[]) => [
  'run',
  topology,
  '--input',
  'in.jsonl',
  '--output',
  'out',
  ...more,
];

const cases: [what: string, args: readonly string[], message: RegExp][] = [
  ['an unknown topology', run('texts'), /^topology texts; .*; choose one of web-crawl, text, dedup$/m],
  ['an unknown key', run('text', '--set', 'dedup.bandz=3'), /^dedup\.bandz; unknown key; /m],
  ['a wrong type', run('text', '--set', 'workers=many'), /^workers; "many"; give auto/m],
  ['--set without a value', run('text', '--set', 'workers'), /^--set workers; no "="; /m],
  [
    'an impossible combination',
    run('text', '--set', 'scoring.scorers=[]'),
    /^policy\.gates\.0\.scorer; "toxicity\/base@1"; /m,
  ],
  [
    'a model that is not there',
    run('text', '--set', 'scoring.directory=models'),
    /^scoring\.directory, model file .*models; cannot be read; /m,
  ],
  [
    'a configuration file that is not there',
    run('text', '--config', 'no.yaml'),
    /^configuration file no\.yaml; it cannot be read \(ENOENT\); /m,
  ],
  [
    'a configuration file that is not YAML',
    run('text', '--config', 'bad.yaml'),
    /^configuration file bad\.yaml; not YAML: .*; /m,
  ],
  [
    'an input that is not there',
    ['run', 'dedup', '--input', 'no.jsonl', '--output', 'out'],
    /^input no\.jsonl; no such file or folder .*; /m,
  ],
  [
    'a pattern that matches nothing',
    ['run', 'dedup', '--input', '*.warc', '--output', 'out'],
    /^input \*\.warc; .*; /m,
  ],
  ['a folder without inputs', ['run', 'dedup', '--input', 'empty', '--output', 'out'], /^input empty; .*; /m],
  ['no input', ['run', 'dedup', '--output', 'out'], /^--input; not given; /m],
  ['no topology', ['run', '--input', 'in.jsonl'], /missing required argument 'topology'/],
  ['an unknown option', run('dedup', '--outptu', 'x'), /unknown option '--outptu'\n\(Did you mean --output\?\)/],
  ['an unknown command', ['runn'], /unknown command 'runn'/],
  ['a number that is none', run('dedup', '--limit', 'ten'), /--limit <n>.*'ten' is invalid\. Give a whole number/],
  ['a port that is none', run('dedup', '--port', '70000'), /Give a port, 0 to 65535/],
  ['an unknown format', ['describe', 'text', '--format', 'xml'], /Allowed choices are text, mermaid, json, schema/],
];

suite('refused before anything is processed', () => {
  for (const [what, args, message] of cases)
    test(what, (t) => {
      const folder = emptyFolder(t);
      writeFileSync(path.join(folder, 'in.jsonl'), '{"text":"a"}\n');
      writeFileSync(path.join(folder, 'bad.yaml'), 'a: [1');
      mkdirSync(path.join(folder, 'empty'));
      const before = namesIn(folder);
      const { status, stdout, stderr } = riffle(folder, args);
      assert.equal(status, 2, stderr);
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /^ {4}at /m, 'a mistake of the user is no stack trace');
      assert.equal(stdout, '');
      assert.deepEqual(namesIn(folder), before);
    });
});

test('a state folder with other files in it is left alone', (t) => {
  const folder = emptyFolder(t);
  writeFileSync(path.join(folder, 'in.jsonl'), '{"text":"a"}\n');
  mkdirSync(path.join(folder, 'mine'));
  writeFileSync(path.join(folder, 'mine/letter.txt'), 'dear');
  const { status, stderr } = riffle(folder, run('dedup', '--state', 'mine'));
  assert.equal(status, 2);
  assert.match(stderr, /^state folder .*mine; it holds other files \(letter\.txt\); choose another --state$/m);
  assert.deepEqual(namesIn(path.join(folder, 'mine')), ['letter.txt']);
});

test('nothing found to explain is exit 1', (t) => {
  const folder = emptyFolder(t);
  const { status, stderr } = riffle(folder, ['explain', 'nobody', '--output', folder]);
  assert.equal(status, 1);
  assert.match(stderr, /^record nobody; no output .*; check --output/m);
});
