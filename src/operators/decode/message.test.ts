import assert from 'node:assert/strict';
import { test } from 'node:test';
import zlib from 'node:zlib';
import { defaultDecodeLimits } from './types.ts';
import { recordFromMessage } from './message.ts';

const warc = 'WARC/1.0\r\nWARC-Type: response\r\nContent-Length: 2\r\n\r\nhi\r\n\r\n';

test('a message’s kind comes from its content type, else from its bytes', () => {
  const cases: ReadonlyArray<readonly [string, string | undefined, string]> = [
    ['{"text":"a"}', undefined, 'json'],
    ['{\n"text":"a"\n}', undefined, 'json'],
    ['<!doctype html><p>a', undefined, 'html'],
    ['plain words', undefined, 'text'],
    [warc, undefined, 'warc'],
    ['{"text":"a"}', 'text/plain; charset=utf-8', 'text'],
    ['<p>a', 'text/html', 'html'],
    ['oops', 'application/json', 'json'],
    ['{"text":"a"}', 'application/octet-stream', 'json'],
  ];
  for (const [value, type, kind] of cases) {
    const record = recordFromMessage(7n, Buffer.from(value), type);
    assert.deepEqual([record.offset, record.next, record.kind, record.error], [7n, 8n, kind, undefined], value);
  }
  assert.equal(Buffer.from(recordFromMessage(0n, Buffer.from(warc)).bytes).toString(), 'hi');
  assert.equal(recordFromMessage(0n, Buffer.from(warc.replace('response', 'request'))).skipped, 'request');
  assert.equal(recordFromMessage(0n, zlib.gzipSync('{"text":"a"}')).kind, 'json');
});

test('a bad message is a dead letter', () => {
  const limits = { maxRecordBytes: 5000, maxDecodedBytes: 10_000 };
  const cases: ReadonlyArray<readonly [Buffer, string]> = [
    [Buffer.alloc(6000, 'x'), 'decode.tooLarge'],
    [Buffer.alloc(100), 'decode.unsupported'],
    [zlib.gzipSync(Buffer.alloc(100_000)), 'decode.bomb'],
    [zlib.gzipSync('{"text":"a"}').subarray(0, -9), 'decode.badEncoding'],
    [Buffer.from(warc.slice(0, -6)), 'decode.badWarc'],
    [Buffer.from(warc + warc), 'decode.badWarc'],
  ];
  for (const [value, code] of cases) assert.equal(recordFromMessage(0n, value, undefined, limits).error?.code, code);
  assert.equal(recordFromMessage(0n, Buffer.from('x'), undefined, defaultDecodeLimits).error, undefined);
});
