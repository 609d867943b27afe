import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { WARCParser } from 'warcio';
import { shared } from '../../testing/shared.ts';
import { decodeRecord, isRejection } from './decode.ts';
import { decodeBody, parseResponse } from './http-message.ts';
import { inputFile, readAll } from './testing.ts';
import { defaultDecodeLimits } from './types.ts';

/**
 * [file, records, block bytes, SHA-1 of all blocks joined], from fastwarc (Python, 2026), an independent reader:
 * `for r in ArchiveIterator(open(f, 'rb'), parse_http=False): sha1.update(r.reader.read())`.
 */
const oracle: ReadonlyArray<readonly [string, number, number, string]> = [
  ['dolma/sample-0000.warc.gz', 48, 762509, '097437dea8f620248ba8155ccccfa4ec8e4acd96'],
  ['dolma/sample-0001.warc.gz', 34, 1001092, '5731018519a2eedc6eafe6f0b0085ceb47d4eb5a'],
  ['resiliparse/block-sized-records.warc', 3, 48687, '538c8baa2c3c1ba661fc6b5092d6de12ff74e27e'],
  ['resiliparse/block-sized-records.warc.gz', 3, 48687, '538c8baa2c3c1ba661fc6b5092d6de12ff74e27e'],
  ['resiliparse/clueweb-quirk.warc.gz', 30, 921046, '77875d2be0580d0dce755441070576217c76e189'],
  ['resiliparse/warcfile.warc', 50, 527846, '6a80a8b2bd669a2afd8fc41737e2333f753deed3'],
  ['resiliparse/warcfile.warc.gz', 50, 527846, '6a80a8b2bd669a2afd8fc41737e2333f753deed3'],
  ['warcio.js/example-iana.org-chunked.warc', 3, 7779, '4a85b400e0d0598bb6df3ca4c41807a7131a7ced'],
  ['warcio.js/example-resource.warc.gz', 1, 15, '810bc83f9ae3fa873d948b002e2bca6d267bc2da'],
  ['warcio.js/example-url-agnostic-revisit.warc.gz', 2, 520, '4ad52f9d6d9e6ad583c9da6383f53ea39f333269'],
  ['warcio.js/example-wget-bad-target-uri.warc.gz', 6, 2539, '45b2efa15f0bb31809582b1f8933c407b2cd1559'],
  ['warcio.js/example.warc', 7, 3064, '6f29c5d16070c57923195428d4e6c2a6379cde04'],
  ['warcio.js/example.warc.gz', 6, 3049, 'ddccb54aa394badd9a21e1eb4ae9f2ad70f14e08'],
  ['warcio.js/post-test-more.warc', 6, 3137, 'ec69f7d6ea038a3b767f200703ff7a505d7a789f'],
  ['warcio.js/post-test.warc.gz', 6, 2886, 'a99e8e34a25b5fd528f820f5e2c0f616cb39fac7'],
  ['warcio.js/redirect.warc', 2, 952, '70a76a22706742623b1317bfd695ab9c286e92dc'],
  ['whirlwind/whirlwind.warc.wet', 2, 4824, '3e1265e845aad6d02960646335ad30f71d227eef'],
];

test('every sound sample gives the records and bytes that fastwarc gives', async (t) => {
  const folder = shared(t, 'data/web/warc_samples');
  if (folder === undefined) return;
  for (const [name, count, bytes, digest] of oracle) {
    const records = await readAll(inputFile(path.join(folder, name)));
    const hash = createHash('sha1');
    for (const record of records) hash.update(record.bytes);
    assert.deepEqual(
      [name, records.length, records.reduce((sum, record) => sum + record.bytes.length, 0), hash.digest('hex')],
      [name, count, bytes, digest],
    );
    assert.ok(
      records.every((record) => record.error === undefined),
      name,
    );
  }
});

test('HTTP bodies are the ones that warcio decodes', async (t) => {
  const folder = shared(t, 'data/web/warc_samples');
  if (folder === undefined) return;
  for (const name of [
    'dolma/sample-0000.warc.gz',
    'resiliparse/warcfile.warc.gz',
    'warcio.js/example-iana.org-chunked.warc',
  ]) {
    const file = path.join(folder, name);
    const expected = new Map<string, string>();
    for await (const record of new WARCParser(createReadStream(file))) {
      const body = await record.readFully(true);
      const isPage = record.httpHeaders?.headers.get('content-type')?.startsWith('text/html') ?? false;
      const ok = record.httpHeaders?.statusCode === 200;
      if (record.warcType === 'response' && isPage && ok) {
        expected.set(record.warcHeader('WARC-Record-ID')!, sha1(body));
      }
    }
    let compared = 0;
    for (const record of await readAll(inputFile(file))) {
      const body = expected.get(record.headers?.['warc-record-id'] ?? '');
      if (body === undefined) continue;
      const decoded = decodeBody(parseResponse(Buffer.from(record.bytes)), defaultDecodeLimits);
      assert.equal(sha1(decoded), body);
      compared++;
    }
    assert.equal(compared, expected.size);
    assert.ok(compared > 0, name);
  }
});

test('a clipped file is one dead letter behind its good records', async (t) => {
  const folder = shared(t, 'data/web/warc_samples');
  if (folder === undefined) return;
  const records = await readAll(inputFile(path.join(folder, 'resiliparse/clipped.warc.gz')));
  assert.deepEqual(
    records.map((record) => record.error?.code),
    ['decode.truncated'],
  );
});

test('a wrong Content-Length costs its own record only', async (t) => {
  const folder = shared(t, 'data/web/warc_samples');
  if (folder === undefined) return;
  // warcio finds the same six records in this file; fastwarc stops at the third.
  const records = await readAll(inputFile(path.join(folder, 'warcio.js/example-bad-length.warc')));
  assert.deepEqual(
    records.map((record) => record.error?.code ?? record.skipped),
    ['warcinfo', 'warcinfo', 'decode.badLength', 'request', 'revisit', 'request'],
  );
});

test('lz4 is refused as one dead letter', async (t) => {
  const folder = shared(t, 'data/web/warc_samples');
  if (folder === undefined) return;
  const file = inputFile(path.join(folder, 'resiliparse/warcfile.warc.lz4'));
  const records = await readAll(file);
  assert.equal(records.length, 1);
  assert.equal(records[0]!.error?.code, 'decode.unsupported');
  assert.match(String(records[0]!.error), /lz4/);
  assert.equal(records[0]!.next, BigInt(file.sizeBytes));
});

test('real pages decode: WARC/0.18 with LF-only HTTP headers in EUC-JP, and a WET file', async (t) => {
  const folder = shared(t, 'data/web/warc_samples');
  if (folder === undefined) return;
  const pages = await readAll(inputFile(path.join(folder, 'resiliparse/clueweb-quirk.warc.gz')));
  const documents = pages.filter((record) => !record.skipped).map((record) => decodeRecord(record));
  assert.equal(documents.length, 29);
  let japanese = 0;
  for (const document of documents) {
    assert.ok(!isRejection(document) && document.html !== undefined && document.httpStatus === 200);
    if (/[\u3040-\u30ff]/.test(document.html)) japanese++;
  }
  assert.ok(japanese >= 27, `${japanese} of 29 pages have kana`);

  const wet = await readAll(inputFile(path.join(folder, 'whirlwind/whirlwind.warc.wet')));
  assert.deepEqual(
    wet.map((record) => record.skipped),
    ['warcinfo', undefined],
  );
  const text = decodeRecord(wet[1]!);
  assert.ok(!isRejection(text) && text.text !== undefined && text.url === wet[1]!.headers!['warc-target-uri']);
  assert.match(text.id ?? '', /^urn:uuid:/);
});

test('reading on from behind any record gives the rest of the full read', async (t) => {
  const folder = shared(t, 'data/web/warc_samples');
  if (folder === undefined) return;
  for (const name of [
    'warcio.js/example.warc',
    'warcio.js/example.warc.gz',
    'warcio.js/example-bad-length.warc',
    'resiliparse/warcfile.warc',
  ]) {
    const file = inputFile(path.join(folder, name));
    const all = await readAll(file);
    for (const [i, record] of all.entries()) {
      const rest = await readAll(file, { from: record.next });
      assert.deepEqual(rest.map(outline), all.slice(i + 1).map(outline), `${name} from ${record.next}`);
    }
  }
});

function outline(record: Awaited<ReturnType<typeof readAll>>[number]) {
  return [record.offset, record.next, record.kind, record.skipped, record.error?.code, sha1(record.bytes)];
}

function sha1(bytes: Uint8Array): string {
  return createHash('sha1').update(bytes).digest('hex');
}
