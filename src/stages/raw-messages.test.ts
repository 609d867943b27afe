import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecordError, TransientError } from '../errors.ts';
import type { Message } from '../log/port.ts';
import { defaultDecodeLimits } from '../operators/decode/types.ts';
import { deadLetter, problemOf } from './dead-letter.ts';
import {
  DAMAGE_BYTES,
  DAMAGE_CODE,
  DAMAGE_MESSAGE,
  decodeValues,
  packMessages,
  rawBatch,
  WARC_ID,
} from './raw-messages.ts';

const message = (offset: number, text: string, more: Partial<Message> = {}): Message => ({
  offset: BigInt(offset),
  timestampMs: 1000 + offset,
  value: Buffer.from(text),
  ...more,
});
const batchOf = (messages: readonly Message[], format = 'auto') =>
  rawBatch(packMessages(0n, messages), format, defaultDecodeLimits);
const texts = (messages: readonly Message[], format?: string) =>
  batchOf(messages, format).records.map(({ bytes }) => Buffer.from(bytes).toString());

test('values come out as they went in, and the batch covers the gaps between them', () => {
  const messages = [message(3, '{"text":"a"}'), message(7, '{"text":"bcd"}'), message(9, '{"text":"é"}')];
  const batch = rawBatch(packMessages(2n, messages), 'auto', defaultDecodeLimits);
  assert.deepEqual([batch.from, batch.to, batch.addressable], [2n, 10n, false]);
  assert.deepEqual(texts(messages), ['{"text":"a"}', '{"text":"bcd"}', '{"text":"é"}']);
  assert.deepEqual(
    batch.records.map(({ offset, next, kind }) => [offset, next, kind]),
    [
      [3n, 4n, 'json'],
      [7n, 8n, 'json'],
      [9n, 10n, 'json'],
    ],
  );
});

test('the header says what a value is, then the topic’s format, then the bytes', () => {
  const html = { headers: { 'content-type': 'text/html' } };
  const kinds = (format: string) =>
    batchOf([message(0, '{"text":"a"}'), message(1, '{"text":"a"}', html)], format).records.map(({ kind }) => kind);
  assert.deepEqual(kinds('auto'), ['json', 'html']);
  assert.deepEqual(kinds('text'), ['text', 'html']);
});

test('without a value: a dead letter to be, with what is known of the message', () => {
  const [record] = batchOf([message(5, '', { tombstone: true, key: 'k', headers: { a: 'b' } })]).records;
  assert.equal(record!.error?.code, 'decode.noText');
  assert.deepEqual(record!.message, { key: 'k', headers: { a: 'b' }, timestampMs: 1005 });
});

test('a moment that no calendar has, and none at all', () => {
  const timestamp = (timestampMs: number): unknown => {
    const [record] = batchOf([message(0, '', { tombstone: true, timestampMs })]).records;
    const letter = deadLetter(record!, problemOf(record!.error), { topic: 'raw', partition: 0, offset: 0n }, 4);
    return (JSON.parse(`${letter}}`) as { timestamp: unknown }).timestamp;
  };
  assert.equal(timestamp(0), '1970-01-01T00:00:00.000Z');
  assert.equal(timestamp(8.64e15), '+275760-09-13T00:00:00.000Z');
  assert.equal(timestamp(8.64e15 + 1), null);
  assert.equal(timestamp(-1), null);
});

test('what its sender calls damaged is dead, under a code that there is', () => {
  const damaged = (code: string) => ({ headers: { [DAMAGE_CODE]: code, [DAMAGE_MESSAGE]: 'cut' } });
  const { records } = batchOf([
    message(0, '{"text":"a"}', damaged('decode.truncated')),
    message(1, '{"text":"a"}', damaged('made.up')),
  ]);
  assert.deepEqual(
    records.map(({ error }) => error && [error.code, error.message]),
    [['decode.truncated', 'cut'], undefined],
  );
});

test('of what is too large the size of the whole is kept, and what it is known by', () => {
  const limits = { ...defaultDecodeLimits, maxRecordBytes: 5 };
  const sized = (headers: Record<string, string>) => {
    const cut = message(7, 'beginning', { headers });
    const [record] = rawBatch(packMessages(0n, [cut]), 'text', limits).records;
    const { id, valueBytes, error } = JSON.parse(
      `${deadLetter(record!, problemOf(record!.error), { topic: 'raw', partition: 0, offset: 7n }, 4)}}`,
    ) as { id: string; valueBytes: number; error: { code: string } };
    return [id, valueBytes, error.code];
  };
  assert.deepEqual(sized({}), ['raw-0@7', 9, 'decode.tooLarge']);
  const fed = { [DAMAGE_CODE]: 'decode.tooLarge', [DAMAGE_BYTES]: '123456', [WARC_ID]: '<urn:uuid:1>' };
  assert.deepEqual(sized(fed), ['urn:uuid:1', 123_456, 'decode.tooLarge']);
  assert.deepEqual(sized({ ...fed, [DAMAGE_BYTES]: '1e999' }), ['urn:uuid:1', 9, 'decode.tooLarge']);
});

test('a header bomb does not travel, and is told of; the headers that mean something do', () => {
  const bomb = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`name-${i}`, 'x'.repeat(90)]));
  const headers = { ...bomb, 'content-type': 'text/html' };
  const [record] = batchOf([message(0, '{"text":"a"}', { headers })]).records;
  assert.equal(record!.kind, 'html');
  const kept = record!.message!.headers;
  const bytes = Object.entries(kept).reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  assert.ok(bytes < 20_000, `${bytes} bytes`);
  assert.equal(Number(kept['riffle.headers-left-out']), 5001 - (Object.keys(kept).length - 1));
});

test('a retry names the original, when it is an object', () => {
  const of = (text: string) =>
    batchOf([message(0, '{"text":"a"}', { headers: { 'riffle.retry-of': text } })]).records[0];
  assert.equal(of('{"offset":"1"}')!.retryOf, '{"offset":"1"}');
  for (const text of ['', '1', '[1]', 'null', '{"a":', '"}']) assert.equal(of(text)!.retryOf, undefined, text);
});

test('a registry’s answers: the record, what is wrong with it, or nobody to ask', async () => {
  const packed = packMessages(0n, [
    message(0, 'good'),
    message(1, 'bad'),
    message(2, '', { tombstone: true }),
    message(3, 'cut', { headers: { [DAMAGE_CODE]: 'decode.truncated' } }),
  ]);
  const asked: string[] = [];
  const decoded = await decodeValues(packed, (value) => {
    const text = Buffer.from(value).toString();
    asked.push(text);
    if (text === 'bad') return Promise.reject(new RecordError('schema', 'schema.badMagic', 'no magic byte'));
    return Promise.resolve(Buffer.from(`{"text":"${text}"}`));
  });
  assert.deepEqual(asked, ['good', 'bad'], 'nothing else has a schema');
  const { records } = rawBatch(packed, 'text', defaultDecodeLimits, decoded);
  assert.deepEqual(
    records.map(({ kind, error }) => error?.code ?? kind),
    ['json', 'schema.badMagic', 'decode.noText', 'decode.truncated'],
  );
  const away = () => Promise.reject(new TransientError('registry-unavailable', 'away'));
  await assert.rejects(decodeValues(packed, away), TransientError);
});
