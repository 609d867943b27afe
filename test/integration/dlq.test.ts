/** Dead letters: looked at, put back, and decided again exactly once. */
import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { findRecords } from '../../src/cli/find-records.ts';
import { readState } from '../../src/runtime/state.ts';
import { runChild } from '../crash/drive.ts';
import { documentText, filesOf, recordsOf, remove, riffle, runDedup, temporaryFolder, writeLines } from './cli.ts';

let folder: string;
let input: string[];

interface Written {
  readonly id: string;
  readonly metadata?: { riffle?: { 'retry-of'?: object } };
  readonly signals?: { dedup: { exact: boolean } };
  readonly decision: { outcome: string };
  readonly position: { topic: string; partition: string; offset: string };
}

/** Too large for the first run's limit of 2,000 bytes; both copies of one text. */
const large = (id: string) => ({ id, text: `${documentText(500)} `.repeat(8), metadata: { keep: '1.50' } });
const small = ['source.maxRecordBytes=2000'];

before(() => {
  folder = temporaryFolder();
  const plain = writeLines(path.join(folder, 'plain.jsonl'), [
    ...Array.from({ length: 20 }, (_, i) => ({ id: `p${i}`, text: documentText(i) })),
    large('first'),
    '{"id":"broken","text":"',
    { id: 'last', text: documentText(900) },
  ]);
  const packed = path.join(folder, 'packed.jsonl.gz');
  const lines = [{ id: 'g0', text: documentText(600) }, large('second'), { id: 'g1', text: '' }];
  writeFileSync(packed, gzipSync(lines.map((line) => `${JSON.stringify(line)}\n`).join('')));
  input = [plain, packed];
});
after(() => remove(folder));

const outcomesOf = (output: string): Written[] =>
  [...filesOf(output).keys()].flatMap((name) => recordsOf(path.join(output, name)) as unknown as Written[]);
const identity = ({ position }: Written) => `${position.topic}-${position.partition}@${position.offset}`;

interface List {
  deadLetters: number;
  putBack: number;
  codes: { code: string; count: number; putBack: number; examples: string[] }[];
}

async function list(output: string): Promise<List> {
  const { code, stdout } = await riffle(['dlq', 'list', '--json', '--output', output]);
  assert.equal(code, 0);
  return JSON.parse(stdout) as List;
}

test('list, show, retry: a record too large is decided under a larger limit, and is no duplicate of itself', async () => {
  const output = path.join(folder, 'out');
  const first = await runDedup({ input, output, set: small });
  assert.equal(first.inputs, 26);
  assert.equal(first.outcomes['dead-letter'], 4);

  const before = await list(output);
  assert.deepEqual(
    before.codes.map(({ code, count, putBack }) => [code, count, putBack]),
    [
      ['decode.tooLarge', 2, 0],
      ['decode.badJson', 1, 0],
      ['decode.noText', 1, 0],
    ],
  );
  const table = await riffle(['dlq', 'list', '--code', 'decode.badJson', '--output', output]);
  assert.match(table.stdout, /1 dead letters[^]*decode\.badJson[^]*riffle(?: --)? dlq show/);
  const broken = before.codes[1]!.examples[0]!;
  const shown = await riffle(['dlq', 'show', broken, '--output', output]);
  assert.match(shown.stdout, /decode\.badJson[^]*\{"id":"broken","text":"/);

  const retried = await riffle(['dlq', 'retry', '--all', '--json', '--output', output]);
  assert.equal((JSON.parse(retried.stdout) as { putBack: string[] }).putBack.length, 4);
  const again = await riffle(['dlq', 'retry', broken, '--json', '--output', output]);
  assert.deepEqual(JSON.parse(again.stdout), { putBack: [], already: [broken] });
  assert.equal(readState(path.join(output, '.riffle'))!.finished, undefined);

  const second = await runDedup({ input, output });
  assert.equal(second.inputs, 30);
  assert.deepEqual(second.outcomes, { curated: 24, rejected: 0, quarantine: 0, 'dead-letter': 6 });
  const written = outcomesOf(output);
  assert.equal(written.length, 30);
  assert.equal(new Set(written.map(identity)).size, 30);
  const back = written.filter(({ id }) => id === 'first' || id === 'second');
  assert.deepEqual(
    back.map(({ metadata, signals }) => [metadata?.riffle?.['retry-of'], signals?.dedup.exact]),
    [
      [{ topic: 'dedup.raw', partition: partitionOf(input[1]!), offset: offsetOf('second') }, false],
      [{ topic: 'dedup.raw', partition: partitionOf(input[0]!), offset: offsetOf('first') }, true],
    ],
  );
  assert.match(readFileSync(path.join(output, 'curated.main.jsonl'), 'utf8'), /"keep":"1\.50","riffle":\{"retry-of"/);

  for (const [wanted, reasons] of [
    [identityIn(0, 'first'), ['curated', 'dead-letter']],
    [broken, ['dead-letter', 'dead-letter']],
  ] as const) {
    const explained = await riffle(['explain', wanted, '--output', output]);
    assert.ok(explained.stdout.includes(`retry of      ${wanted}`), explained.stdout);
    const found = await findRecords({ output }, wanted, 5);
    assert.deepEqual(
      found.map(({ record }) => record.decision.outcome),
      reasons,
    );
  }

  const after = await list(output);
  assert.deepEqual([after.deadLetters, after.putBack], [6, 4]);
  // The outcome of a retry can be put back too: it is read from the source, not from the list.
  const third = await riffle(['dlq', 'retry', '--code', 'decode.badJson', '--output', output]);
  assert.match(third.stdout, /1 dead letters are put back\n1 were put back before/);
  const last = await runDedup({ input, output });
  assert.equal(last.inputs, 31);
  const letters = recordsOf(path.join(output, 'dead-letter.jsonl')) as {
    error: { code: string };
    headers: Record<string, string>;
  }[];
  const origins = letters
    .filter(({ error }) => error.code === 'decode.badJson')
    .map(({ headers }) => headers['riffle.retry-of']);
  assert.equal(origins.length, 3);
  assert.equal(origins[1], origins[2]);
});

const identityIn = (i: number, id: string) => `dedup.raw-${partitionOf(input[i]!)}@${offsetOf(id)}`;
const partitionOf = (file: string): string => {
  const relative = path.relative(process.cwd(), file);
  return relative.startsWith('..') ? file : relative;
};

/** From the input itself: where the line of that id begins. */
function offsetOf(id: string): string {
  const text =
    id === 'first'
      ? readFileSync(input[0]!, 'utf8')
      : `${JSON.stringify({ id: 'g0', text: documentText(600) })}\n${JSON.stringify(large('second'))}`;
  return String(Buffer.byteLength(text.slice(0, text.indexOf(`{"id":"${id}"`))));
}

test('a dead letter keeps the beginning of a long record, as text, and says how long it is', async () => {
  const long = writeLines(path.join(folder, 'long.jsonl'), [
    { id: 'large', text: 'ä'.repeat(3000) },
    `{"id":"broken","text":"${'ä'.repeat(500)}`,
  ]);
  const output = path.join(folder, 'long');

  await runDedup({ input: [long], output, set: ['source.maxRecordBytes=2000', 'deadLetter.maxBytes=100'] });

  const letters = recordsOf(path.join(output, 'dead-letter.jsonl'));
  assert.deepEqual(
    letters.map(({ encoding, truncated, valueBytes, value }) => [encoding, truncated, valueBytes, value]),
    [
      ['utf-8', true, `{"id":"large","text":""}\n`.length + 6000, `{"id":"large","text":"${'ä'.repeat(39)}`],
      ['utf-8', true, `{"id":"broken","text":"`.length + 1000, `{"id":"broken","text":"${'ä'.repeat(38)}`],
    ],
  );
});

test('killed while the retried records are decided: each has one new outcome', async () => {
  const order = { topology: 'dedup', input, omit: [], set: ['workers=1'] };
  const base = path.join(folder, 'base');
  await runDedup({ input, output: base, set: small });
  const retried = await riffle(['dlq', 'retry', '--code', 'decode.tooLarge', '--output', base]);
  assert.equal(retried.code, 0, retried.stderr);
  for (const point of ['sift.sketch', 'curate.commit', 'curate.committed'] as const) {
    const output = path.join(folder, `killed-${point}`);
    cpSync(base, output, { recursive: true });

    const killed = await runChild({ ...order, output, crash: { point, nth: 1 } });

    assert.equal(killed.signal, 'SIGKILL', killed.stderr);
    const summary = await runDedup({ input, output });
    assert.equal(summary.inputs, 28);
    const written = outcomesOf(output);
    assert.equal(new Set(written.map(identity)).size, 28);
    assert.equal(written.length, 28);
  }
});

test('nothing to do is said, and by the exit status', async () => {
  const output = path.join(folder, 'none');
  const unknown = await riffle(['dlq', 'list', '--output', output]);
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /no run has its state/);
  await runDedup({ input: [input[0]!], output });
  assert.equal((await riffle(['dlq', 'show', 'p1', '--output', output])).code, 1);
  const partly = await riffle(['dlq', 'retry', 'no such', `dedup.raw-${partitionOf(input[0]!)}@0`, '--output', output]);
  assert.equal(partly.code, 1);
  assert.match(partly.stderr, /dead letter no such, dedup\.raw-/);
  const nothing = await riffle(['dlq', 'retry', '--output', output]);
  assert.equal(nothing.code, 2);
  assert.match(nothing.stderr, /give ids, --code CODE or --all/);
});

test('dead letters of a Parquet run are put back as well', async () => {
  const output = path.join(folder, 'parquet');
  const set = ['output.format=parquet'];
  await runDedup({ input, output, set: [...set, ...small] });
  assert.deepEqual(
    (await list(output)).codes.map(({ count }) => count),
    [2, 1, 1],
  );
  assert.equal((await riffle(['dlq', 'retry', '--code', 'decode.tooLarge', '--output', output])).code, 0);

  const summary = await runDedup({ input, output, set });

  assert.equal(summary.inputs, 28);
  assert.deepEqual([...filesOf(output).keys()].sort(), [
    'curated.main.parquet',
    'dead-letter.parquet',
    'rejected.parquet',
  ]);
  assert.equal((await list(output)).putBack, 2);
  assert.equal((await findRecords({ output }, identityIn(0, 'first'), 5)).length, 2);
});

test('called from another folder, the retry still finds the record', async () => {
  const output = path.join(folder, 'elsewhere');
  const args = (file: string) => ['run', 'dedup', '--input', file, '--output', output, '--no-http', '--json'];
  const first = await riffle([...args('plain.jsonl'), '--set', small[0]!], { cwd: folder });
  assert.equal(first.code, 0, first.stderr);
  const retried = await riffle(['dlq', 'retry', 'dedup.raw-plain.jsonl@' + offsetOf('first'), '--output', output]);
  assert.equal(retried.code, 0, retried.stderr);

  const second = await riffle(args(input[0]!));

  assert.equal(second.code, 0, second.stderr);
  const back = outcomesOf(output).find(({ position }) => position.partition === 'riffle-retries');
  assert.equal(back?.id, 'first');
});
