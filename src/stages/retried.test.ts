import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { openSource } from '../operators/decode/source.ts';
import { defaultDecodeLimits, type RawBatch, type RawRecord } from '../operators/decode/types.ts';
import { appendRetries, readRetryList, retryListFile } from '../runtime/retry-list.ts';
import { until } from './limit.ts';
import { readRetried, withRetryOf } from './retried.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'riffle-retried-'));
after(() => rmSync(folder, { recursive: true }));

const origin = '{"topic":"t","partition":"f","offset":"1"}';

test('the mark goes into metadata.riffle, and nothing else changes', () => {
  for (const [head, marked] of [
    ['{"id":"a"', `{"id":"a","metadata":{"riffle":{"retry-of":${origin}}}`],
    ['{', `{"metadata":{"riffle":{"retry-of":${origin}}}`],
    ['{"id":"a","metadata":{}', `{"id":"a","metadata":{"riffle":{"retry-of":${origin}}}`],
    ['{"metadata": {"n": 1.50} ,"id":"}"', `{"metadata": {"n": 1.50,"riffle":{"retry-of":${origin}}} ,"id":"}"`],
    ['{"metadata":{"riffle":{"signals":{}}}', `{"metadata":{"riffle":{"signals":{},"retry-of":${origin}}}`],
    ['{"metadata":{"riffle":{"retry-of":{"old":1},"x":1}}', `{"metadata":{"riffle":{"retry-of":${origin},"x":1}}`],
    ['{"metadata":{"riffle":"text"}', `{"metadata":{"riffle":{"retry-of":${origin}}}`],
  ] as const) {
    assert.equal(withRetryOf(head, origin), marked);
    assert.doesNotThrow(() => JSON.parse(`${marked}}`));
  }
});

const lines = Array.from({ length: 3000 }, (_, i) => `{"id":"${i}","text":"${'x'.repeat(i % 700)}"}\n`);
/** Offset of line `i`, by adding up. */
const offsetOf = (i: number): string => String(lines.slice(0, i).reduce((sum, line) => sum + line.length, 0));
const file = (name: string, bytes: string | Buffer) => {
  writeFileSync(path.join(folder, name), bytes);
  return { path: path.join(folder, name), sizeBytes: statSync(path.join(folder, name)).size };
};

async function readAll(list: { path: string; sizeBytes: number }, from: bigint): Promise<RawRecord[]> {
  const records: RawRecord[] = [];
  for await (const batch of readRetried(list, files, from, defaultDecodeLimits, () => undefined)) {
    assert.equal(batch.addressable, false);
    records.push(...batch.records);
  }
  return records;
}

const files = new Map([
  ['plain', file('plain', lines.join(''))],
  ['packed', file('packed', gzipSync(lines.join('')))],
]);

test('each line of the list is the record that lies at its place, in any order, plain or packed', async () => {
  const wanted = [0, 1, 2, 2999, 1500, 1501, 7] as const;
  const all = ['plain', 'packed'].flatMap((partition) => wanted.map((i) => ({ partition, i })));
  appendRetries(
    folder,
    all.slice(0, 3).map(({ partition, i }) => ({ of: { topic: 't', partition, offset: offsetOf(i) }, letter: 'x' })),
  );
  appendRetries(
    folder,
    all.slice(3).map(({ partition, i }) => ({ of: { topic: 't', partition, offset: offsetOf(i) }, letter: 'x' })),
  );
  const list = { path: retryListFile(folder), sizeBytes: statSync(retryListFile(folder)).size };

  const records = await readAll(list, 0n);

  assert.deepEqual(
    records.map(({ bytes }) => Buffer.from(bytes).toString()),
    all.map(({ i }) => lines[i]!.trimEnd()),
  );
  assert.deepEqual(
    records.map(({ offset, next }) => [offset, next]),
    readRetryList(list.path).map(({ at, next }) => [BigInt(at), BigInt(next)]),
  );
  assert.equal(records.at(-1).next, BigInt(list.sizeBytes));
  assert.deepEqual(JSON.parse(records[1]!.retryOf!), {
    topic: 't',
    partition: 'plain',
    offset: offsetOf(1),
  });
  const rest = await readAll(list, records[4]!.next);
  assert.deepEqual(
    rest.map(({ offset }) => offset),
    records.slice(5).map(({ offset }) => offset),
  );
});

test('a place where no record begins is a dead letter', async () => {
  const state = path.join(folder, 'none');
  const list = file('none.jsonl', `{"of":{"topic":"t","partition":"packed","offset":"99999999"},"letter":"x"}\n`);
  assert.equal(readRetryList(retryListFile(state)).length, 0);
  const [record] = await readAll(list, 0n);
  assert.equal(record!.error?.code, 'retry.notFound');
});

test('an end cuts batches between records', async () => {
  const end = BigInt(offsetOf(1234));
  const batches: RawBatch[] = [];
  for await (const batch of until(openSource(files.get('plain')!), end)) batches.push(batch);
  assert.equal(
    batches.reduce((sum, { records }) => sum + records.length, 0),
    1234,
  );
  assert.equal(batches.at(-1).to, end);
});
