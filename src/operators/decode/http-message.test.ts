import assert from 'node:assert/strict';
import { test } from 'node:test';
import zlib from 'node:zlib';
import { decodeRecord, isRejection } from './decode.ts';
import { decodeBody, dechunk, parseResponse } from './http-message.ts';
import { defaultDecodeLimits } from './types.ts';

const page = `<html><p>${'Some prose. '.repeat(200)}</html>`;
const body = (headers: string, bytes: Buffer | string, limits = defaultDecodeLimits): string =>
  decodeBody(
    parseResponse(Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\n${headers}\r\n\r\n`), Buffer.from(bytes)])),
    limits,
  ).toString();

/** Chunks of `size` bytes with an extension and a trailer (RFC 9112, 7.1). */
function chunked(bytes: Buffer | string, size: number): Buffer {
  const content = Buffer.from(bytes);
  const parts: Buffer[] = [];
  for (let at = 0; at < content.length; at += size) {
    const part = content.subarray(at, at + size);
    parts.push(Buffer.from(`${part.length.toString(16)};name=value\r\n`), part, Buffer.from('\r\n'));
  }
  return Buffer.concat([...parts, Buffer.from('0\r\nTrailer: x\r\n\r\n')]);
}

const encoders = {
  gzip: (bytes: Buffer) => zlib.gzipSync(bytes),
  'x-gzip': (bytes: Buffer) => zlib.gzipSync(bytes),
  deflate: (bytes: Buffer) => zlib.deflateSync(bytes),
  br: (bytes: Buffer) => zlib.brotliCompressSync(bytes),
  zstd: (bytes: Buffer) => zlib.zstdCompressSync(bytes),
};

test('content encodings are undone, alone, in chunks and on one another', () => {
  const bytes = Buffer.from(page);
  for (const [name, encode] of Object.entries(encoders)) {
    assert.equal(body(`Content-Encoding: ${name}`, encode(bytes)), page, name);
    assert.equal(
      body(`content-encoding: ${name.toUpperCase()}\r\nTransfer-Encoding: chunked`, chunked(encode(bytes), 100)),
      page,
      name,
    );
    assert.equal(body(`Content-Encoding: ${name}, gzip`, zlib.gzipSync(encode(bytes))), page, name);
    assert.equal(
      body(`Content-Encoding: ${name}\r\nContent-Encoding: br`, zlib.brotliCompressSync(encode(bytes))),
      page,
      name,
    );
  }
  assert.equal(body('Content-Encoding: deflate', zlib.deflateRawSync(bytes)), page);
  assert.equal(body('Transfer-Encoding: gzip, chunked', chunked(zlib.gzipSync(bytes), 64)), page);
  assert.equal(body('Content-Encoding: identity', bytes), page);
});

test('a body that is plain in spite of its header is taken as it is', () => {
  for (const name of ['gzip', 'deflate', 'br', 'zstd', 'unknown'])
    assert.equal(body(`Content-Encoding: ${name}`, page), page, name);
  assert.equal(body('Transfer-Encoding: chunked', page), page);
});

test('a cut-off body gives what there is of it', () => {
  for (const [name, encode] of Object.entries(encoders)) {
    const packed = encode(Buffer.from(Array.from({ length: 3000 }, (_, i) => `word${(i * 7919) % 3001} `).join('')));
    const got = body(`Content-Encoding: ${name}`, packed.subarray(0, packed.length - 20));
    assert.match(got, name === 'zstd' ? /^(?:word0 |$)/ : /^word0 word1917 /, name);
  }
  assert.equal(dechunk(Buffer.from('5\r\nhello\r\n5\r\nwor')).toString(), 'hellowor');
});

test('a decompression bomb and broken data are dead letters', () => {
  const limits = { ...defaultDecodeLimits, maxDecodedBytes: 1_000_000 };
  const bomb = Buffer.alloc(2_000_000);
  for (const [name, encode] of Object.entries(encoders)) {
    if (name === 'x-gzip') continue;
    assert.throws(() => body(`Content-Encoding: ${name}`, encode(bomb), limits), { code: 'decode.bomb' }, name);
  }
  const broken = zlib.gzipSync(page);
  broken.fill(0xff, 20, 60);
  assert.throws(() => body('Content-Encoding: gzip', broken), { code: 'decode.badEncoding' });
  assert.throws(() => body('Content-Encoding: gzip, gzip, gzip, gzip, gzip', page), { code: 'decode.badEncoding' });
  assert.throws(() => parseResponse(Buffer.from('<html>')), { code: 'decode.badHttp' });
});

const response = (head: string, content: string | Buffer = page) =>
  decodeRecord({
    offset: 0n,
    next: 1n,
    kind: 'warc',
    headers: {
      'warc-type': 'response',
      'content-type': 'application/http; msgtype=response',
      'warc-record-id': '<urn:uuid:1>',
      'warc-target-uri': '<http://example.com/>',
      'warc-date': '2026-01-01T00:00:00Z',
    },
    bytes: Buffer.concat([Buffer.from(head), Buffer.from(content)]),
  });

test('a response is a document with the identity of its WARC header', () => {
  const document = response('HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n');
  assert.deepEqual(document, {
    id: 'urn:uuid:1',
    url: 'http://example.com/',
    timestamp: '2026-01-01T00:00:00Z',
    html: page,
    contentType: 'text/html',
    httpStatus: 200,
    metadataJson: '{"contentType":"text/html; charset=utf-8","httpStatus":200}',
  });
});

test('other statuses and types are rejected with value and limit', () => {
  const cases: ReadonlyArray<readonly [string, string, string | number]> = [
    ['HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n\r\n', 'decode.httpStatus', 404],
    ['HTTP/1.0 301\n\n', 'decode.httpStatus', 301],
    ['HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n', 'decode.contentType', 'image/png'],
    ['HTTP/2 200\r\ncontent-type: application/json; charset=utf-8\r\n\r\n', 'decode.contentType', 'application/json'],
  ];
  for (const [head, rejected, value] of cases) {
    const decoded = response(head);
    assert.ok(isRejection(decoded), head);
    assert.equal(decoded.rejected, rejected);
    assert.equal(decoded.value, value);
    assert.equal(decoded.id, 'urn:uuid:1');
  }
});

test('LF-only headers, a missing type and a missing body are read as browsers read them', () => {
  const lf = response('HTTP/1.1 200 OK\nContent-Type: text/html\n\n');
  assert.ok(!isRejection(lf) && lf.html === page);
  const untyped = response('HTTP/1.1 200 OK\r\n\r\n');
  assert.ok(!isRejection(untyped) && untyped.html === page);
  const empty = response('HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n', '');
  assert.ok(!isRejection(empty) && empty.html === '');
});

test('chunk sizes: upper case, blanks, extensions; bait takes no time', () => {
  assert.equal(
    dechunk(Buffer.from('A \r\n0123456789\r\n00001;x="y"\r\na\r\n1\nb\n0\r\n\r\n')).toString(),
    '0123456789ab',
  );
  for (const plain of ['xyz\r\nabc', '5x\r\nhello', '', '\r\n', '123456789\r\nx']) {
    assert.equal(dechunk(Buffer.from(plain)).toString(), plain, JSON.stringify(plain));
  }
  const many = Buffer.from('1\r\na\r\n'.repeat(1_000_000));
  assert.equal(dechunk(many).length, 1_000_000);
  const folded = Buffer.from(`HTTP/1.1 200 OK\r\nX: y\r\n${' z\r\n'.repeat(60_000)}\r\nbody`);
  assert.equal(parseResponse(folded).body.toString(), 'body');
});
