/** The state of a bounded run: what the same command does again, and what is refused. */
import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Summary } from '../../src/cli/summary.ts';
import { lockState } from '../../src/runtime/lock.ts';
import { readState } from '../../src/runtime/state.ts';
import { writeDocuments } from '../crash/documents.ts';
import { runChild } from '../crash/drive.ts';
import {
  documentText,
  type Ended,
  filesOf,
  recordsOf,
  remove,
  riffle,
  runDedup,
  temporaryFolder,
  writeLines,
} from './cli.ts';

let folder: string;
let input: string;
/** A finished run, made once by the command line. */
let finished: string;
let printed: Summary;

before(async () => {
  folder = temporaryFolder();
  input = writeLines(path.join(folder, 'in.jsonl'), [
    ...Array.from({ length: 30 }, (_, i) => ({ id: `d${i}`, text: documentText(i % 25) })),
    '{"broken":',
  ]);
  finished = path.join(folder, 'finished');
  const { code, stdout, stderr } = await command(finished);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^\{[^\n]*\}\n$/);
  printed = JSON.parse(stdout) as Summary;
});
after(() => remove(folder));

function command(output: string, stdin?: string): Promise<Ended> {
  const from = stdin === undefined ? input : '-';
  const args = ['run', 'dedup', '--input', from, '--output', output, '--json', '--no-http', '--set', 'workers=1'];
  return riffle(args, stdin === undefined ? {} : { stdin });
}

const sum = (counts: Record<string, number>) => Object.values(counts).reduce((total, n) => total + n, 0);

test('--json prints one object, whose outcomes add up to its inputs', () => {
  assert.equal(printed.inputs, 31);
  assert.equal(sum(printed.outcomes), 31);
  assert.equal(printed.resumed, false);
  assert.deepEqual(printed.reasons, { 'dedup.exact': 5, 'decode.badJson': 1 });
});

test('the same command on a finished run prints the summary again and changes nothing', async () => {
  const files = filesOf(finished);
  const times = [...files.keys()].map((name) => statSync(path.join(finished, name)).mtimeMs);

  const { code, stdout } = await command(finished);

  assert.equal(code, 0);
  assert.deepEqual(JSON.parse(stdout), { ...printed, resumed: true });
  assert.deepEqual(filesOf(finished), files);
  assert.deepEqual(
    [...files.keys()].map((name) => statSync(path.join(finished, name)).mtimeMs),
    times,
  );
});

test('another configuration, seed, limit, topology or input is refused, by name', async () => {
  const other = writeLines(path.join(folder, 'other.jsonl'), [{ id: 'x', text: 'x' }]);
  const same = { input: [input], output: finished };
  for (const [options, difference] of [
    [{ ...same, set: ['policy.dedup.similarity=0.8'] }, /policy\.dedup\.similarity; it was 0\.695 [^]* is 0\.8 now/],
    [{ ...same, set: ['output.format=parquet'] }, /output\.format; it was "jsonl" [^]* is "parquet" now/],
    [{ ...same, set: ['dedup.seed=other'] }, /dedup\.seed; it is not the one that this run began with/],
    [{ ...same, limit: 5 }, /--limit; it was none [^]* is 5 now/],
    [{ ...same, input: [other] }, /input 1; it was .*in\.jsonl/],
    [{ ...same, input: [input, other] }, /number of inputs; it was 1 [^]* is 2/],
  ] as const)
    await assert.rejects(runDedup({ ...options, input: [...options.input] }), (error: Error) => {
      assert.equal((error as Error & { code: string }).code, 'state-differs');
      assert.match(error.message, difference);
      return true;
    });
  const topology = await riffle(['run', 'text', '--input', input, '--output', finished, '--json', '--no-http']);
  assert.equal(topology.code, 2);
  assert.equal(topology.stdout, '');
  assert.match(topology.stderr, /topology; it was dedup when this run began and is text now/);
});

test('settings of machine and pace, and limits of one record, may change', async () => {
  const set = ['workers=2', 'blocks.records=7', 'source.maxRecordBytes=100000'];
  const summary = await runDedup({ input: [input], output: finished, set });
  assert.deepEqual(summary.outcomes, printed.outcomes);
});

test('an input that changed is refused, whether its size did or not', async () => {
  const changing = writeLines(path.join(folder, 'changing.jsonl'), [{ id: 'a', text: documentText(1) }]);
  const output = path.join(folder, 'changing');
  await runDedup({ input: [changing], output });
  const text = readFileSync(changing, 'utf8');

  writeFileSync(changing, text.replace('"a"', '"b"'));
  await assert.rejects(runDedup({ input: [changing], output }), /content of .*changing\.jsonl; it was sha256:/);
  appendFileSync(changing, '\n');
  await assert.rejects(runDedup({ input: [changing], output }), /size of .*changing\.jsonl; it was \d+ bytes/);
  writeFileSync(changing, text);
  utimesSync(changing, 1, 1);
  assert.equal((await runDedup({ input: [changing], output })).inputs, 1);
});

test('--fresh starts over with another configuration, and leaves foreign files alone', async () => {
  const output = path.join(folder, 'fresh');
  await runDedup({ input: [input], output });
  writeLines(path.join(output, 'notes.txt'), ['mine']);
  writeLines(path.join(output, 'curated.txt'), ['mine']);
  mkdirSync(path.join(output, 'folder'));
  writeLines(path.join(output, '.riffle', 'mine'), ['mine']);

  const summary = await runDedup({ input: [input], output, fresh: true, set: ['policy.dedup.drop=false'] });

  assert.deepEqual(summary.outcomes, { curated: 30, rejected: 0, quarantine: 0, 'dead-letter': 1 });
  assert.equal(summary.resumed, false);
  for (const name of ['notes.txt', 'curated.txt', '.riffle/mine'])
    assert.equal(readFileSync(path.join(output, name), 'utf8'), 'mine\n');
  assert.ok(existsSync(path.join(output, 'folder')));
});

test('a second process on the same state is refused; the lock of a dead one is taken over', async () => {
  const output = path.join(folder, 'locked');
  const state = path.join(output, '.riffle');
  mkdirSync(state, { recursive: true });
  const unlock = lockState(state);
  await assert.rejects(runDedup({ input: [input], output }), {
    code: 'locked',
    message: new RegExp(`process ${process.pid} is using it`),
  });
  unlock();
  // No process has a number that large.
  writeFileSync(path.join(state, 'lock'), JSON.stringify({ pid: 2 ** 30, started: '' }));
  assert.equal((await runDedup({ input: [input], output })).inputs, 31);
  assert.ok(!existsSync(path.join(state, 'lock')));
});

test('a state folder with other things in it is refused', async () => {
  const state = path.join(folder, 'documents');
  writeLines(path.join(state, 'thesis.txt'), ['mine']);
  await assert.rejects(runDedup({ input: [input], output: path.join(folder, 'o'), state }), { code: 'state' });
});

test('an input that is wrong ends with 2 before anything is touched', async () => {
  const output = path.join(folder, 'untouched');
  const missing = await riffle(['run', 'dedup', '--input', path.join(folder, 'no.jsonl'), '--output', output]);
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /no\.jsonl; no such file/);
  mkdirSync(path.join(folder, 'empty'));
  for (const wrong of [path.join(folder, 'empty'), path.join(folder, '*.parquet'), '/dev/null'])
    await assert.rejects(runDedup({ input: [wrong], output }), { name: 'ConfigError' });
  await assert.rejects(runDedup({ input: [], output }), { name: 'ConfigError' });
  await assert.rejects(runDedup({ input: [input], output, set: ['nonsense=1'] }), { name: 'ConfigError' });
  assert.ok(!existsSync(output));
});

test('standard input is spooled, and a run on it goes on without it', async () => {
  const text = readFileSync(input, 'utf8');
  const whole = path.join(folder, 'piped');
  const first = await command(whole, text);
  assert.equal(first.code, 0, first.stderr);
  assert.deepEqual((JSON.parse(first.stdout) as Summary).outcomes, printed.outcomes);

  const output = path.join(folder, 'piped-killed');
  const state = path.join(output, '.riffle');
  mkdirSync(state, { recursive: true });
  writeFileSync(path.join(state, 'standard-input'), text);
  writeFileSync(path.join(state, 'standard-input.writing'), 'a spooling that was killed');
  const order = { topology: 'dedup', input: ['-'], output, set: ['workers=1', 'blocks.records=8'], omit: [] };
  const killed = await runChild({ ...order, crash: { point: 'curate.committed', nth: 1 } });
  assert.equal(killed.signal, 'SIGKILL', killed.stderr);
  const second = await command(output, '');
  assert.equal(second.code, 0, second.stderr);
  assert.equal((JSON.parse(second.stdout) as Summary).inputs, 31);
  // Positions too: they do not say where the state lies.
  const kept = (name: string) => recordsOf(path.join(name, 'curated.main.jsonl'));
  assert.deepEqual(kept(output), kept(whole));
});

test('SIGINT drains and ends with 130; the same command goes on to the same result', async () => {
  const large = path.join(folder, 'large.jsonl');
  writeDocuments(large, 12_000, 3);
  const output = path.join(folder, 'interrupted');
  const args = ['run', 'dedup', '--input', large, '--json', '--set', 'workers=1', '--set', 'blocks.records=64'];

  // The first line on standard error says where metrics are: signals are looked after from then on.
  const stopped = await riffle([...args, '--output', output, '--port', '0'], {
    meanwhile: (child) => child.stderr!.once('data', () => child.kill('SIGINT')),
  });

  assert.equal(stopped.code, 130, stopped.stderr);
  const part = JSON.parse(stopped.stdout) as Summary;
  assert.equal(part.complete, false);
  assert.ok(part.inputs < 12_000);
  assert.equal(readState(path.join(output, '.riffle'))!.finished, undefined);
  const whole = await runDedup({ input: [large], output });
  assert.equal(whole.inputs, 12_000);
  const calm = path.join(folder, 'calm');
  await runDedup({ input: [large], output: calm });
  assert.deepEqual(filesOf(output), filesOf(calm));
});

test('--limit reads the first records in input order, and is kept over a crash', async () => {
  const inputs = path.join(folder, 'limited');
  const names = ['a.jsonl', 'b.jsonl.gz', 'c.warc', 'd.jsonl'];
  const lines = (name: string, n: number) =>
    Array.from(
      { length: n },
      (_, i) => `${JSON.stringify({ id: `${name}${i}`, text: documentText(i + name.charCodeAt(0) * 99) })}\n`,
    );
  mkdirSync(inputs);
  writeFileSync(path.join(inputs, names[0]!), lines('a', 20).join(''));
  writeFileSync(path.join(inputs, names[1]!), gzipSync(lines('b', 20).join('')));
  const warc = (type: string, id: string, body: string) =>
    `WARC/1.0\r\nWARC-Type: ${type}\r\nWARC-Record-ID: <${id}>\r\nContent-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}\r\n\r\n`;
  // Every record with its request before it: those carry no document and do not count.
  const pairs = Array.from(
    { length: 20 },
    (_, i) => warc('request', `r${i}`, 'GET /') + warc('conversion', `c${i}`, documentText(i + 7000)),
  );
  writeFileSync(path.join(inputs, names[2]!), pairs.join(''));
  writeFileSync(path.join(inputs, names[3]!), lines('d', 20).join(''));
  const expected = [
    ...Array.from({ length: 20 }, (_, i) => `a${i}`),
    ...Array.from({ length: 20 }, (_, i) => `b${i}`),
    ...Array.from({ length: 7 }, (_, i) => `c${i}`),
  ].sort();
  const ids = (output: string) =>
    recordsOf(path.join(output, 'curated.main.jsonl'))
      .map(({ id }) => id as string)
      .sort();

  const output = path.join(folder, 'limit');
  const crashed = path.join(folder, 'limit-crashed');
  const summary = await runDedup({ input: [inputs], output, limit: 47, set: ['workers=2', 'blocks.records=8'] });
  assert.equal(summary.inputs, 47);
  assert.equal(sum(summary.outcomes), 47);
  assert.deepEqual(ids(output), expected);

  const order = { topology: 'dedup', input: [inputs], omit: [], limit: 47, set: ['workers=1', 'blocks.records=4'] };
  const killed = await runChild({ ...order, output: crashed, crash: { point: 'curate.committed', nth: 3 } });
  assert.equal(killed.signal, 'SIGKILL', killed.stderr);
  await assert.rejects(runDedup({ input: [inputs], output: crashed, limit: 48 }), { code: 'state-differs' });
  assert.equal((await runDedup({ input: [inputs], output: crashed, limit: 47 })).inputs, 47);
  assert.deepEqual(ids(crashed), expected);

  const none = await runDedup({ input: [inputs], output: path.join(folder, 'limit-0'), limit: 0 });
  assert.equal(none.inputs, 0);
  const all = await runDedup({ input: [inputs], output: path.join(folder, 'limit-all'), limit: 1000 });
  assert.equal(all.inputs, 80);
});
