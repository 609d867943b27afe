/** Limits of one record: bytes, seconds, memory, and what becomes of a record that takes its thread along. */
import assert from 'node:assert/strict';
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { baitPages, baitTexts, goodLine, goodText, response } from './hostile.ts';
import { outcomesByFile, readWritten, type Written } from './outputs.ts';
import { type Finished, keepAll, riffle, temporaryFolder } from './riffle.ts';

interface Done extends Finished {
  readonly written: readonly Written[];
  readonly byFile: Readonly<Record<string, string[]>>;
}

async function curate(
  t: TestContext,
  topology: string,
  files: Readonly<Record<string, string | Buffer>>,
  more: { set?: readonly string[]; faults?: boolean; prepare?: (folder: string) => void } = {},
): Promise<Done> {
  const folder = temporaryFolder(t);
  const input = path.join(folder, 'in');
  const output = path.join(folder, 'out');
  mkdirSync(input);
  for (const [name, content] of Object.entries(files)) writeFileSync(path.join(input, name), content);
  more.prepare?.(input);
  const set = [...keepAll, ...(more.set ?? [])];
  const done = await riffle({ topology, input: [input], output, set, faults: more.faults ?? false });
  assert.equal(done.code, 0, done.stderr);
  const written = readWritten(output);
  assert.equal(written.length, done.summary!.inputs);
  return { ...done, written, byFile: outcomesByFile(written) };
}

// With metadata and a foreign member: the kernel that reads plain records leaves it to JSON.parse, where the fault waits.
const marked = (fault: string) => JSON.stringify({ id: fault, text: `${goodText()} ${fault}`, metadata: {}, other: 1 });
const around = (line: string) => `${goodLine()}\n${line}\n${goodLine()}\n`;

test('bait for every expression goes through in time', async (t) => {
  const lines = baitTexts(1 << 16).map((text) => JSON.stringify({ text: `x ${text}` }));
  const { summary, byFile } = await curate(t, 'text', { 'bait.jsonl': lines.map((line) => `${line}\n`).join('') });
  assert.equal(byFile['bait.jsonl']!.length, lines.length);
  // Some of them are the same once normalised; none may time out or break.
  assert.deepEqual(
    Object.keys(summary!.reasons).filter((reason) => !reason.startsWith('dedup.')),
    [],
  );
});

test('bait for the HTML parser goes through in time', async (t) => {
  const pages = Object.values(baitPages(1 << 15));
  const { summary } = await curate(t, 'web-crawl', { 'bait.warc': Buffer.concat(pages.map((page) => response(page))) });
  assert.equal(summary!.inputs, pages.length);
  const allowed = ['extract.empty', 'dedup.exact', 'dedup.near'];
  assert.deepEqual(
    Object.keys(summary!.reasons).filter((reason) => !allowed.includes(reason)),
    [],
  );
});

test('a record of 500 MB is passed over without being held', async (t) => {
  const prepare = (folder: string) => {
    const file = openSync(path.join(folder, 'large.jsonl'), 'w');
    const piece = Buffer.alloc(1 << 20, 'long ');
    writeSync(file, `${goodLine()}\n{"text":"`);
    for (let i = 0; i < 500; i++) writeSync(file, piece);
    writeSync(file, `"}\n${goodLine()}\n`);
    closeSync(file);
  };
  const small = await curate(t, 'text', { 'small.jsonl': around(goodLine()) });
  const large = await curate(t, 'text', {}, { prepare });
  assert.deepEqual(large.byFile, { 'large.jsonl': ['curated', 'decode.tooLarge', 'curated'] });
  const grown = large.summary!.peakRssBytes - small.summary!.peakRssBytes;
  // How much garbage lies about at the peak depends on the machine; held, the record would be there at least once.
  assert.ok(grown < 250 << 20, `${grown >> 20} MiB more than for a small file`);
  const letter = large.written.find(({ outcome }) => outcome === 'decode.tooLarge')!.record;
  assert.ok('error' in letter && letter.truncated && letter.value.length <= 256 * 1024);
});

test('a single word of 50 MB, let in, is decided', async (t) => {
  const { byFile } = await curate(
    t,
    'text',
    { 'word.jsonl': around(`{"id":"w","text":"${'a'.repeat(50e6)}"}`) },
    { set: ['source.maxRecordBytes=67108864', 'source.maxRecordSeconds=60'] },
  );
  assert.deepEqual(byFile, { 'word.jsonl': ['curated', 'curated', 'curated'] });
});

test('a record that takes too long is a dead letter, and so is one that takes its thread along twice', async (t) => {
  const files = Object.fromEntries(
    ['hang', 'exit', 'memory', 'range'].map((fault) => [
      `${fault}.jsonl`,
      around(marked(`fault-${fault}-while-sifting`)),
    ]),
  );
  const set = ['source.maxRecordSeconds=2', 'workers=2'];
  const done = await curate(t, 'text', files, { faults: true, set });
  const { written } = done;
  const { 'memory.jsonl': memory, ...byFile } = done.byFile;
  // Filling the memory takes a while: on a slow machine the watchdog is first.
  assert.match(memory!.join(), /^curated,sift\.(?:crash|timeout),curated$/);
  assert.deepEqual(byFile, {
    'hang.jsonl': ['curated', 'sift.timeout', 'curated'],
    'exit.jsonl': ['curated', 'sift.crash', 'curated'],
    'range.jsonl': ['curated', 'decode.badJson', 'curated'],
  });
  const timeout = written.find(({ outcome }) => outcome === 'sift.timeout')!.record;
  assert.ok('error' in timeout && timeout.error.message.includes('source.maxRecordSeconds'));
});

test('a file whose reading kills or stops its thread is one dead letter for the rest of it', async (t) => {
  const files = {
    'fault-exit-while-reading.jsonl': around(goodLine()),
    'fault-uncaught-while-reading.jsonl': around(goodLine()),
    'fault-hang-while-reading.jsonl': around(goodLine()),
    'good.jsonl': around(goodLine()),
  };
  const { byFile } = await curate(t, 'dedup', files, { faults: true, set: ['source.maxRecordSeconds=0.5'] });
  assert.deepEqual(byFile, {
    'fault-exit-while-reading.jsonl': ['sift.crash'],
    'fault-uncaught-while-reading.jsonl': ['sift.crash'],
    'fault-hang-while-reading.jsonl': ['sift.timeout'],
    'good.jsonl': ['curated', 'curated', 'curated'],
  });
});

test('a thread that dies while it decides is replaced; when it always dies, the run fails with what was committed kept', async (t) => {
  const folder = temporaryFolder(t);
  const input = path.join(folder, 'fault-exit-while-deciding.jsonl');
  const output = path.join(folder, 'out');
  writeFileSync(input, around(goodLine()));
  const set = [...keepAll, 'scoring.languages=[en, es, fr, de, it, pt, other]', 'workers=1'];
  const failed = await riffle({ topology: 'text', input: [input], output, set, faults: true });
  assert.equal(failed.code, 1);
  assert.match(
    failed.stderr,
    /^records 0 to \d+ of partition 0; a worker thread ended 11 times while deciding them; .+$/m,
  );
  const resumed = await riffle({ topology: 'text', input: [input], output, set });
  assert.equal(resumed.code, 0, resumed.stderr);
  assert.deepEqual(outcomesByFile(readWritten(output)), { [path.basename(input)]: ['curated', 'curated', 'curated'] });
});
