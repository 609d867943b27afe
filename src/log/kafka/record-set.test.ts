import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { crc32c } from './crc32c.ts';
import { openRecordSet } from './record-set.ts';

/** A slow, plain writer of the format, after the protocol's description. */
interface BatchOptions {
  readonly base: bigint;
  readonly producer?: bigint;
  readonly transactional?: boolean;
  /** Control record: 0 abort, 1 commit. */
  readonly marker?: 0 | 1;
  readonly gzip?: boolean;
  /** Offset deltas; those of records that compaction took away are missing. */
  readonly deltas?: readonly number[];
  readonly lastDelta?: number;
  readonly appendTime?: boolean;
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let zigzag = BigInt(value) < 0n ? -2n * BigInt(value) - 1n : 2n * BigInt(value);
  for (; zigzag >= 128n; zigzag >>= 7n) bytes.push(Number(zigzag & 127n) | 128);
  return Buffer.from([...bytes, Number(zigzag)]);
}

function field(bytes: Uint8Array | null): Buffer {
  return bytes === null ? varint(-1) : Buffer.concat([varint(bytes.byteLength), bytes]);
}

/** With the checksum that fits. */
function sealed(whole: Buffer): Buffer {
  whole.writeUInt32BE(crc32c(whole.subarray(21)), 17);
  return whole;
}

function batch(values: readonly (string | null)[], options: BatchOptions): Buffer {
  const { base, producer = -1n, transactional = false, marker, gzip = false, appendTime = false } = options;
  const deltas = options.deltas ?? values.map((_, i) => i);
  const records = Buffer.concat(
    values.map((value, i) => {
      const key = marker === undefined ? null : Buffer.from([0, 0, 0, marker]);
      const body = Buffer.concat([
        Buffer.of(0),
        varint(i * 10),
        varint(deltas[i]!),
        field(key),
        field(value === null ? null : Buffer.from(value)),
        varint(0),
      ]);
      return Buffer.concat([varint(body.byteLength), body]);
    }),
  );
  const header = Buffer.alloc(61);
  header.writeBigInt64BE(base, 0);
  header[16] = 2;
  const flags = (gzip ? 1 : 0) | (appendTime ? 8 : 0) | (transactional ? 16 : 0) | (marker === undefined ? 0 : 32);
  header.writeInt16BE(flags, 21);
  header.writeInt32BE(options.lastDelta ?? deltas.at(-1) ?? 0, 23);
  header.writeBigInt64BE(1000n, 27);
  header.writeBigInt64BE(5000n, 35);
  header.writeBigInt64BE(producer, 43);
  header.writeInt32BE(values.length, 57);
  const whole = Buffer.concat([header, gzip ? gzipSync(records) : records]);
  whole.writeInt32BE(whole.byteLength - 12, 8);
  return sealed(whole);
}

function readAll(set: Buffer, from = 0n, aborted: readonly [producer: number, first: number][] = []) {
  const opened = openRecordSet(
    set,
    from,
    aborted.map(([producerId, firstOffset]) => ({ producerId: String(producerId), firstOffset: String(firstOffset) })),
    't-0',
  );
  const messages = [];
  for (let next = opened.nextBatch(); next !== undefined; next = opened.nextBatch())
    for (const message of next) messages.push(message);
  return { end: opened.end, values: messages.map(({ value }) => Buffer.from(value).toString()), messages };
}

suite('record sets', () => {
  test('offsets, times and values; plain and compressed; a value that is missing', () => {
    const set = Buffer.concat([
      batch(['a', null], { base: 7n }),
      batch(['b', ''], { base: 2n ** 40n, gzip: true, appendTime: true }),
    ]);
    const { end, messages } = readAll(set);
    assert.equal(end, 2n ** 40n + 2n);
    assert.deepEqual(
      messages.map(({ offset, timestampMs, value, tombstone }) => [
        offset,
        timestampMs,
        Buffer.from(value).toString(),
        tombstone === true,
      ]),
      [
        [7n, 1000, 'a', false],
        [8n, 1010, '', true],
        [2n ** 40n, 5000, 'b', false],
        [2n ** 40n + 1n, 5000, '', false],
      ],
    );
  });

  test('a fetch from inside a batch, and a last batch that is cut off at every byte', () => {
    const first = batch(['a', 'b', 'c'], { base: 0n });
    const second = batch(['d'], { base: 3n });
    assert.deepEqual(readAll(Buffer.concat([first, second]), 1n).values, ['b', 'c', 'd']);
    for (let bytes = 0; bytes < second.byteLength; bytes++) {
      const cut = readAll(Buffer.concat([first, second.subarray(0, bytes)]));
      assert.deepEqual([cut.values, cut.end], [['a', 'b', 'c'], 3n]);
    }
    assert.equal(readAll(Buffer.alloc(0), 9n).end, 9n);
  });

  test('compaction: gaps, and a batch that is empty but holds its place', () => {
    const set = Buffer.concat([
      batch(['b', 'd'], { base: 0n, deltas: [1, 3], lastDelta: 4 }),
      batch([], { base: 5n, lastDelta: 9 }),
    ]);
    const { end, values, messages } = readAll(set, 1n);
    assert.deepEqual([end, values, messages.map(({ offset }) => offset)], [15n, ['b', 'd'], [1n, 3n]]);
  });

  test('aborted transactions are listed in order of their end: nested ones stay hidden all the same', () => {
    const of = (producer: bigint, base: bigint, value: string) =>
      batch([value], { base, producer, transactional: true });
    const abort = (producer: bigint, base: bigint) => batch([''], { base, producer, transactional: true, marker: 0 });
    const set = Buffer.concat([
      of(1n, 0n, 'a0'),
      of(2n, 1n, 'b1'),
      abort(2n, 2n),
      of(1n, 3n, 'a3'),
      abort(1n, 4n),
      of(1n, 5n, 'kept'),
      batch([''], { base: 6n, producer: 1n, transactional: true, marker: 1 }),
      batch(['plain'], { base: 7n, producer: 1n }),
    ]);
    const { values, end } = readAll(set, 0n, [
      [2, 1],
      [1, 0],
    ]);
    assert.deepEqual([values, end], [['kept', 'plain'], 8n]);
  });

  test('only a control batch ends a transaction', () => {
    const looksLikeMarker = batch(['a'], { base: 0n, producer: 1n, transactional: true });
    const set = Buffer.concat([looksLikeMarker, batch(['b'], { base: 1n, producer: 1n, transactional: true })]);
    assert.deepEqual(readAll(set, 0n, [[1, 0]]).values, []);
  });

  test('more records in a batch than a stack has room for', () => {
    const set = batch(
      Array.from({ length: 150_000 }, () => ''),
      { base: 0n },
    );
    assert.equal(readAll(set).messages.length, 150_000);
  });

  test('a damaged batch is not passed over: what comes before it is handed out, and every further call meets it', () => {
    const damaged = batch(['b', 'c'], { base: 1n, gzip: true });
    damaged.fill(0, 65);
    const sets = Buffer.concat([batch(['a'], { base: 0n }), damaged, batch(['d'], { base: 3n })]);
    const opened = openRecordSet(sets, 0n, [], 't-0');
    assert.deepEqual(
      opened.nextBatch()?.map(({ offset }) => offset),
      [0n],
    );
    for (let i = 0; i < 2; i++) assert.throws(() => opened.nextBatch(), { code: 'foreign-records' });
  });

  test('a bit that fell over anywhere behind the header is found by the checksum; so is a length that points backwards', () => {
    for (const transactional of [false, true])
      for (let at = 17; at < batch(['abc'], { base: 3n }).byteLength; at++) {
        const rotten = batch(['abc'], { base: 3n, transactional });
        rotten[at]! ^= 1;
        assert.throws(
          () => readAll(rotten, 0n, [[-1, 0]]),
          { code: 'foreign-records', message: /checksum/ },
          `byte ${at}`,
        );
      }
    for (const length of [-70, 0, 48]) {
      const backwards = batch(['abc'], { base: 3n });
      backwards.writeInt32BE(length, 8);
      assert.throws(() => readAll(backwards), { code: 'foreign-records', message: /checksum/ });
    }
  });

  test('what does not fit the format is an error that names the place', () => {
    const old = batch(['a'], { base: 3n });
    old[16] = 1;
    assert.throws(() => readAll(old), { code: 'foreign-records', message: /^t-0@3; format 1; / });
    const damaged = batch(['a', 'b'], { base: 3n, gzip: true });
    damaged.fill(0, 65);
    assert.throws(() => readAll(sealed(damaged)), {
      code: 'foreign-records',
      message: /^t-0@3; .*batch up to 5 .*source\.skipTo=0@5$/,
    });
    const short = batch(['abc'], { base: 3n });
    short[61] = 120;
    assert.throws(() => readAll(sealed(short)), { code: 'foreign-records', message: /cut off/ });
    const unknown = batch(['a'], { base: 3n });
    unknown.writeInt16BE(6, 21);
    assert.throws(() => readAll(sealed(unknown)), { code: 'foreign-records', message: /codec 6/ });
  });
});
