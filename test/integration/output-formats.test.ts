/** `output.format`: the same records in JSON lines, compressed JSON lines and Parquet, also when the process is killed while it converts. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { findRecords } from '../../src/cli/find-records.ts';
import { readState } from '../../src/runtime/state.ts';
import { runChild } from '../crash/drive.ts';
import { documentText, filesOf, recordsOf, remove, runDedup, temporaryFolder, writeLines } from './cli.ts';

let folder: string;
let input: string;
before(async () => {
  folder = temporaryFolder();
  const big = '{"id":"big","text":"TEXT","metadata":{"n":12345678901234567890,"x":1.10}}';
  input = writeLines(path.join(folder, 'in.jsonl'), [
    ...Array.from({ length: 40 }, (_, i) => ({
      id: `d${i}`,
      text: `${documentText(i % 35)} é\u2028`,
      url: `https://a.example/${i}`,
      license: i % 2 === 0 ? 'cc-by' : null,
      topic: { deep: [i] },
    })),
    big.replace('TEXT', documentText(1000)),
    { text: documentText(1001), timestamp: '2026-01-01T00:00:00Z', source: 'test' },
    '{"id":"broken","text":"',
    '{"id":"no text","text":""}',
  ]);
  await runDedup({ input: [input], output: path.join(folder, 'jsonl') });
});
after(() => remove(folder));

type Row = Record<string, unknown>;
type Line = Row & { decision: Row; error?: Row };

async function readParquet(file: string): Promise<Row[]> {
  const bytes = readFileSync(file);
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
  assert.equal(parquetMetadata(buffer).created_by, 'riffle');
  return parquetReadObjects({ file: buffer, compressors: { ZSTD: (page) => zstdDecompressSync(page) } });
}

test('Parquet: one row a record, nested values as their own JSON text, decisions as columns', async () => {
  const output = path.join(folder, 'parquet');

  const summary = await runDedup({ input: [input], output, set: ['output.format=parquet'] });

  assert.equal(summary.inputs, 44);
  const names = readdirSync(output).filter((name) => name !== '.riffle');
  assert.deepEqual(names.sort(), ['curated.main.parquet', 'dead-letter.parquet', 'rejected.parquet']);
  for (const topic of ['curated.main', 'rejected']) {
    const source = path.join(folder, 'jsonl', `${topic}.jsonl`);
    const texts = readFileSync(source, 'utf8').split('\n').slice(0, -1);
    const rows = await readParquet(path.join(output, `${topic}.parquet`));
    assert.equal(rows.length, texts.length);
    for (const [i, line] of (recordsOf(source) as Line[]).entries()) {
      const row = rows[i]!;
      for (const key of ['id', 'url', 'text', 'timestamp', 'source', 'license'])
        assert.equal(row[key] ?? null, line[key] ?? null, key);
      for (const key of ['outcome', 'topic', 'reason', 'policy', 'probability', 'draw'])
        assert.equal(row[`decision.${key}`] ?? null, line.decision[key], key);
      for (const key of ['value', 'limit'])
        assert.equal(
          row[`decision.${key}`] ?? null,
          line.decision[key] === null ? null : `${line.decision[key] as string | number}`,
        );
      assert.deepEqual(row['decision.failed'], line.decision.failed);
      for (const key of ['metadata', 'signals', 'position'])
        if (line[key] === undefined) assert.equal(row[key] ?? null, null);
        else assert.ok(texts[i]!.includes(`"${key}":${String(row[key])}`), `${key} of ${texts[i]}`);
    }
  }
  assert.ok(
    (await readParquet(path.join(output, 'curated.main.parquet'))).some((row) =>
      String(row.metadata).includes('12345678901234567890,"x":1.10'),
    ),
  );
});

test('Parquet: dead letters have their own columns', async () => {
  const lines = recordsOf(path.join(folder, 'jsonl', 'dead-letter.jsonl')) as Line[];
  const rows = await readParquet(path.join(folder, 'parquet', 'dead-letter.parquet'));

  assert.equal(rows.length, 2);
  for (const [i, line] of lines.entries()) {
    const row = rows[i]!;
    for (const key of ['stage', 'operator', 'code', 'message']) assert.equal(row[`error.${key}`], line.error![key]);
    for (const key of ['id', 'value', 'encoding', 'truncated', 'sha256']) assert.equal(row[key], line[key], key);
    assert.equal(row.valueBytes, BigInt(line.valueBytes as number));
    assert.deepEqual(JSON.parse(row.position as string), line.position);
    assert.equal(row['decision.outcome'], 'dead-letter');
  }
});

test('compressed JSON lines unpack to the very lines', async () => {
  const output = path.join(folder, 'zst');

  await runDedup({ input: [input], output, set: ['output.format=jsonl.zst'] });

  const expected = filesOf(path.join(folder, 'jsonl'));
  const packed = filesOf(output);
  assert.deepEqual([...packed.keys()].sort(), [...expected.keys()].map((name) => `${name}.zst`).sort());
  for (const [name, bytes] of expected) assert.deepEqual(zstdDecompressSync(packed.get(`${name}.zst`)!), bytes, name);
});

test('explain finds the same record in every format, by id, URL and position', async () => {
  const expected = (await findRecords({ output: path.join(folder, 'jsonl') }, 'd36', 5)).map(({ record }) => record);
  assert.equal(expected[0]?.decision.reason, 'dedup.exact');

  for (const format of ['jsonl', 'parquet', 'zst']) {
    for (const wanted of [
      'd36',
      'https://a.example/36',
      `dedup.raw-${expected[0].position.partition}@${expected[0].position.offset}`,
    ]) {
      const found = await findRecords({ output: path.join(folder, format) }, wanted, 5);
      assert.deepEqual(
        found.map(({ record }) => record),
        expected,
        `${format} ${wanted}`,
      );
    }
  }
});

test('killed while it converts: the same command finishes, and only then the run counts as finished', async () => {
  const output = path.join(folder, 'killed');
  const order = { topology: 'dedup', input: [input], output, set: ['workers=1', 'output.format=parquet'], omit: [] };

  const killed = await runChild({ ...order, crash: { point: 'export.renamed', nth: 2 } });

  assert.equal(killed.signal, 'SIGKILL', killed.stderr);
  assert.equal(readState(path.join(output, '.riffle'))?.finished, undefined);
  assert.equal((await findRecords({ output }, 'd36', 5)).length, 1, 'found in the lines of the state');
  const summary = await runDedup({ input: [input], output, set: ['output.format=parquet'] });
  assert.equal(summary.inputs, 44);
  assert.deepEqual(filesOf(output), filesOf(path.join(folder, 'parquet')));
});

test('files of another run are not overwritten', async () => {
  const output = path.join(folder, 'foreign');
  writeLines(path.join(output, 'rejected.parquet'), ['not ours']);

  await assert.rejects(runDedup({ input: [input], output, set: ['output.format=parquet'] }), { code: 'output-exists' });

  assert.equal(readFileSync(path.join(output, 'rejected.parquet'), 'utf8'), 'not ours\n');
});

test('a disk that refuses: everything decided is kept, and the same command finishes', async () => {
  const output = path.join(folder, 'refused');
  // A folder where the file should go.
  mkdirSync(path.join(output, 'rejected.parquet.partial'), { recursive: true });

  const failed = runDedup({ input: [input], output, set: ['output.format=parquet'] });

  await assert.rejects(failed, { code: 'export', message: /EISDIR[^]*run the same command again/ });
  rmdirSync(path.join(output, 'rejected.parquet.partial'));
  const summary = await runDedup({ input: [input], output, set: ['output.format=parquet'] });
  assert.equal(summary.inputs, 44);
  assert.deepEqual(filesOf(output), filesOf(path.join(folder, 'parquet')));
});
