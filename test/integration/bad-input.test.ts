/** What a hostile crawl holds, through the whole command: a dead letter or a documented outcome each, and every good record beside it kept. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { skip } from '../../src/testing/shared.ts';
import { crawlCases, goodLine, type Hostile, jsonCases } from './hostile.ts';
import { outcomesByFile, readWritten, type Written } from './outputs.ts';
import { keepAll, riffle, temporaryFolder } from './riffle.ts';

async function curateAll(t: TestContext, topology: string, cases: readonly Hostile[]): Promise<Written[]> {
  const folder = temporaryFolder(t);
  const input = path.join(folder, 'in');
  const output = path.join(folder, 'out');
  mkdirSync(input);
  for (const { name, bytes } of cases) writeFileSync(path.join(input, name), bytes);
  const { code, stderr, summary } = await riffle({ topology, input: [input], output, set: keepAll });
  assert.equal(code, 0, stderr);
  const written = readWritten(output);
  assert.equal(
    summary!.inputs,
    Object.values(summary!.outcomes).reduce((a, b) => a + b, 0),
  );
  assert.equal(written.length, summary!.inputs);
  return written;
}

function assertOutcomes(written: readonly Written[], cases: readonly Hostile[]): void {
  const wanted = cases.filter(({ expect }) => expect.length > 0).map(({ name, expect }) => [name, [...expect]]);
  assert.deepEqual(outcomesByFile(written), Object.fromEntries(wanted));
}

const linesOf = (written: readonly Written[], name: string) =>
  written.filter(({ partition }) => path.basename(partition) === name);

test('hostile JSON through the text topology', async (t) => {
  const written = await curateAll(t, 'text', jsonCases);
  assertOutcomes(written, jsonCases);

  for (const { record, outcome } of written) {
    if (!('error' in record)) continue;
    assert.equal(record.error.operator, 'decode');
    // Subject; actual; remedy.
    assert.match(record.error.message, /^[^;]+; .+; .+$/s, outcome);
  }
  const numbers = linesOf(written, 'big-numbers.jsonl').find(({ record }) => record.id === '9007199254740993')!;
  assert.match(numbers.line, /"n":18446744073709551617/);
  assert.equal({}.constructor, Object);
  const proto = linesOf(written, 'prototype-keys.jsonl').find(({ record }) => record.id === 'proto')!;
  assert.ok('text' in proto.record && !proto.record.text.includes('polluted'));
  assert.match(proto.line, /"__proto__":\{"text":"polluted","id":"p"\}/);
  const surrogates = linesOf(written, 'escaped-surrogate.jsonl');
  assert.ok(surrogates.some(({ line }) => line.includes('\\ud800 alone \\udfff')));
});

test('hostile pages and files through the web-crawl topology', async (t) => {
  assertOutcomes(await curateAll(t, 'web-crawl', crawlCases), crawlCases);
});

test('a page where nothing extracts it is a dead letter, under the settings that everybody has', async (t) => {
  for (const topology of ['text', 'dedup']) {
    const folder = temporaryFolder(t);
    writeFileSync(path.join(folder, 'page.jsonl'), '{"html":"<p>Nobody extracts this page.</p>"}\n');
    writeFileSync(path.join(folder, 'page.html'), '<!doctype html><html><body><p>Nor this one.</p></body></html>');
    const { code, stderr, summary } = await riffle({ topology, input: [folder], output: path.join(folder, 'out') });
    assert.equal(code, 0, stderr);
    assert.deepEqual(summary!.reasons, { 'decode.noText': 2 }, topology);
  }
});

test('two thousand files of one line, and names that no file should have', async (t) => {
  const cases = Array.from({ length: 2000 }, (_, i) => ({
    name: `${String(i).padStart(4, '0')}.jsonl`,
    bytes: Buffer.from(`${goodLine()}\n`),
    expect: ['curated'],
  }));
  const names = [
    'a b.jsonl',
    '"quoted" \'name\'.jsonl',
    'line\nfeed.jsonl',
    '$(id) `id`;.jsonl',
    '[a]{b}*?.jsonl',
    '-v.jsonl',
    'é\u0301ß語\u{1f600}.jsonl',
    '%2e%2e.jsonl',
  ];
  for (const name of names) cases.push({ name, bytes: Buffer.from(`${goodLine()}\n`), expect: ['curated'] });
  assertOutcomes(await curateAll(t, 'dedup', cases), cases);
});

test('a name that is not UTF-8 is refused by name before anything is processed', async (t) => {
  if (process.platform !== 'linux') return skip(t, 'only Linux keeps such names');
  const folder = temporaryFolder(t);
  writeFileSync(
    Buffer.concat([Buffer.from(`${folder}/bad-`), Buffer.from([0xff, 0xfe]), Buffer.from('.jsonl')]),
    `${goodLine()}\n`,
  );
  const { code, stderr } = await riffle({ topology: 'dedup', input: [folder], output: path.join(folder, 'out') });
  assert.equal(code, 2, stderr);
  assert.match(stderr, /^input .*bad-.*; .+; .+$/m);
});
