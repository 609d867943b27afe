import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { ConfigError } from '../errors.ts';
import { checkSameRun, inputDigest, outputNames, readState, removeRun, type RunState, writeState } from './state.ts';

function folder(t: TestContext): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'riffle-state-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

const state: RunState = {
  format: 1,
  version: '0.1.0',
  topology: 'text',
  config: 'sha256:1',
  settings: { language: { minConfidence: 0.65 }, rules: { decide: ['a', 'b'] }, app: 'text' },
  seed: 'secret',
  inputs: [
    { path: '/data/a.jsonl', name: 'a.jsonl', sizeBytes: 10, digest: 'sha256:a' },
    { path: '/data/b.jsonl', name: 'b.jsonl', sizeBytes: 20, digest: 'sha256:b' },
  ],
};

suite('the state file', () => {
  test('is read as it was written, and nothing is left beside it', (t) => {
    const directory = path.join(folder(t), 'new');
    assert.equal(readState(directory), undefined);
    writeState(directory, state);
    writeState(directory, { ...state, finished: { inputs: 3 } });
    assert.deepEqual(readState(directory), { ...state, finished: { inputs: 3 } });
    assert.deepEqual(readdirSync(directory), ['run.json']);
  });

  test('is refused when it is damaged or of another version, with what to do', (t) => {
    const directory = folder(t);
    for (const text of ['{"format":', '{"format":2}', 'null', '[]']) {
      writeFileSync(path.join(directory, 'run.json'), text);
      assert.throws(
        () => readState(directory),
        (error) =>
          error instanceof ConfigError && error.message.split('; ').length === 3 && /--fresh/.test(error.message),
        text,
      );
    }
  });
});

suite('the same command continues, another one is refused with the difference named', () => {
  const [a, b] = state.inputs;

  test('the same', () => checkSameRun(state, structuredClone(state)));

  const differences: [what: string, now: Partial<RunState>, message: RegExp][] = [
    ['topology', { topology: 'dedup' }, /^topology; it was text .* and is dedup now; /],
    ['configuration', { config: 'sha256:2' }, /^configuration; it was sha256:1 /],
    [
      'a setting',
      { config: 'sha256:2', settings: { ...state.settings, language: { minConfidence: 0.5 } } },
      /^language\.minConfidence; it was 0\.65 when .* is 0\.5 now; .*--fresh/,
    ],
    [
      'a setting that is new',
      { config: 'sha256:2', settings: { ...state.settings, output: { keepText: 'curated' } } },
      /^output; it was not given .* is {"keepText":"curated"} now/,
    ],
    [
      'a longer list',
      { config: 'sha256:2', settings: { ...state.settings, rules: { decide: ['a', 'b', 'c'] } } },
      /^rules\.decide; it was \["a","b"\] /,
    ],
    ['seed, which may be a secret', { seed: 'other' }, /^dedup\.seed; (?!.*\b(secret|other)\b).*--fresh/],
    ['number of inputs', { inputs: [a!] }, /^number of inputs; it was 2 .* is 1 now/],
    ['order of inputs', { inputs: [b!, a!] }, /^input 1; it was .*a\.jsonl .* is .*b\.jsonl now/],
    ['size of an input', { inputs: [a!, { ...b!, sizeBytes: 21 }] }, /^size of .*b\.jsonl; it was 20 bytes /],
    ['content of an input', { inputs: [a!, { ...b!, digest: 'sha256:c' }] }, /^content of .*b\.jsonl; /],
  ];
  for (const [what, now, message] of differences)
    test(what, () => {
      assert.throws(
        () => checkSameRun(state, { ...state, ...now }),
        (error) => {
          assert.ok(error instanceof ConfigError);
          assert.match(error.message, message);
          return true;
        },
      );
    });
});

suite('the digest of an input', () => {
  const KIB = 1024;
  const digest = (t: TestContext, bytes: Uint8Array): string => {
    const file = path.join(folder(t), 'input');
    writeFileSync(file, bytes);
    return inputDigest(file);
  };
  const bytes = (size: number, changedAt?: number) => {
    const all = new Uint8Array(size);
    if (changedAt !== undefined) all[changedAt] = 1;
    return all;
  };

  test('is the same for the same bytes, another for another size', (t) => {
    for (const size of [0, 1, 100 * KIB, 192 * KIB, 500 * KIB]) {
      assert.equal(digest(t, bytes(size)), digest(t, bytes(size)));
      assert.notEqual(digest(t, bytes(size)), digest(t, bytes(size + 1)));
    }
  });

  test('sees every byte of a file of up to 192 KiB', (t) => {
    for (const at of [0, 64 * KIB - 1, 64 * KIB, 128 * KIB, 192 * KIB - 1])
      assert.notEqual(digest(t, bytes(192 * KIB, at)), digest(t, bytes(192 * KIB)), `byte ${at}`);
  });

  test('sees beginning, middle and end of a larger one', (t) => {
    const size = 1024 * KIB;
    for (const at of [0, size / 2, size - 1])
      assert.notEqual(digest(t, bytes(size, at)), digest(t, bytes(size)), `byte ${at}`);
  });
});

suite('starting over', () => {
  test('removes what the run wrote, and nothing else', (t) => {
    const output = folder(t);
    const directory = path.join(output, '.riffle');
    writeState(directory, state);
    for (const name of ['log', 'snapshots', 'outputs'])
      mkdirSync(path.join(directory, name, 'inner'), { recursive: true });
    const own = [
      'curated.en.jsonl',
      'rejected.jsonl.partial',
      'dead-letter.parquet',
      'control.jsonl.zst',
      'quarantine.jsonl',
    ];
    const foreign = ['curated.txt', 'my-rejected.jsonl', 'rejected.jsonl.bak', 'notes.md', 'curated.jsonl'];
    for (const name of [...own, ...foreign]) writeFileSync(path.join(output, name), 'x');
    writeFileSync(path.join(directory, 'lock'), 'x');
    writeFileSync(path.join(directory, 'mine.txt'), 'x');
    assert.deepEqual(outputNames(output), [...own].sort());
    removeRun(directory, output);
    assert.deepEqual(readdirSync(output).sort(), ['.riffle', ...foreign].sort());
    assert.deepEqual(readdirSync(directory).sort(), ['lock', 'mine.txt']);
  });

  test('of nothing is nothing', (t) => {
    const directory = path.join(folder(t), 'none');
    removeRun(directory, directory);
    assert.ok(!existsSync(directory));
    assert.deepEqual(outputNames(directory), []);
  });
});
