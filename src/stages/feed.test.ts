import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { type ConfigError, TransientError } from '../errors.ts';
import type { Log } from '../log/port.ts';
import { defaultDecodeLimits } from '../operators/decode/types.ts';
import { recordFromMessage } from '../operators/decode/message.ts';
import { createMemoryLog, type MemoryLog } from '../testing/memory-log.ts';
import { runFeed } from './feed.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'riffle-feed-'));
after(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Buffer) {
  const place = path.join(folder, name);
  writeFileSync(place, content);
  return { path: place, sizeBytes: statSync(place).size };
}

const PARTITIONS = 3;
const topic = 't.raw';
const feed = (log: Log, files: readonly { path: string; sizeBytes: number }[], signal = new AbortController().signal) =>
  runFeed({
    log,
    topic,
    partitions: PARTITIONS,
    files,
    limits: defaultDecodeLimits,
    signal,
    fed: () => undefined,
  });
const onTopic = (log: MemoryLog): string[] =>
  Array.from({ length: PARTITIONS }, (_, p) => log.messages(topic, p))
    .flat()
    .map(({ value }) => Buffer.from(value).toString());

const lines = Array.from({ length: 4321 }, (_, i) => `{"id":"${i}","text":"${'x'.repeat(i % 50)}"}`);
const documents = file('documents.jsonl', `${lines.join('\n')}\n`);

test('every record is on the topic once, spread over its partitions', async () => {
  const log = createMemoryLog();
  const report = await feed(log, [documents]);
  assert.deepEqual(onTopic(log).toSorted(), lines.toSorted());
  assert.deepEqual([report.records, report.before], [lines.length, 0]);
  for (let p = 0; p < PARTITIONS; p++) assert.ok(log.messages(topic, p).length > 1000, `partition ${p}`);
});

test('the same feed again puts nothing there', async () => {
  const log = createMemoryLog();
  await feed(log, [documents]);
  const report = await feed(log, [documents]);
  assert.equal(onTopic(log).length, lines.length);
  assert.deepEqual([report.records, report.before], [lines.length, lines.length]);
});

test('a commit of unknown outcome: looked up, and neither lost nor repeated', async () => {
  for (const when of ['before', 'after'] as const) {
    const log = createMemoryLog();
    let armed = 3;
    const lease = log.lease.bind(log);
    log.lease = async (group, partition) => {
      const taken = await lease(group, partition);
      if (armed-- > 0) log.failCommit(new TransientError('outcome-unknown', 'injected'), when);
      return taken;
    };
    await feed(log, [documents]);
    assert.deepEqual(onTopic(log).toSorted(), lines.toSorted(), when);
  }
});

test('stopped in the middle, the same feed puts the rest there', async () => {
  const log = createMemoryLog();
  const stop = new AbortController();
  const lease = log.lease.bind(log);
  let commits = 0;
  log.lease = async (group, partition) => {
    const taken = await lease(group, partition);
    const commit = taken.commit.bind(taken);
    return { ...taken, commit: (what) => (++commits === 4 && stop.abort(), commit(what)) };
  };
  await feed(log, [documents], stop.signal);
  const first = onTopic(log).length;
  assert.ok(first > 0 && first < lines.length, `${first} at the stop`);
  const report = await feed(log, [documents]);
  assert.equal(report.before, first);
  assert.deepEqual(onTopic(log).toSorted(), lines.toSorted());
});

test('a file that changed is refused, and its new records can be fed as another one', async () => {
  const log = createMemoryLog();
  await feed(log, [file('changing.jsonl', '{"text":"a"}\n')]);
  const changed = file('changing.jsonl', '{"text":"a"}\n{"text":"b"}\n');
  await assert.rejects(feed(log, [changed]), (error: ConfigError) => error.code === 'input-changed');
  const report = await feed(log, [file('new.jsonl', '{"text":"b"}\n')]);
  assert.deepEqual([report.records, report.before], [1, 0]);
  assert.deepEqual(onTopic(log).toSorted(), ['{"text":"a"}', '{"text":"b"}']);
});

test('a WARC record is one again; what carries no document is left out; damage travels with its name', async () => {
  const response = 'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>a page';
  const warc = (type: string, body: string) =>
    `WARC/1.0\r\nWARC-Type: ${type}\r\nWARC-Target-URI: http://a.example/\r\nContent-Type: application/http\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}\r\n\r\n`;
  const log = createMemoryLog();
  const cut = warc('response', response).slice(0, -20);
  const crawl = file('crawl.warc', warc('request', 'GET / HTTP/1.1\r\n\r\n') + warc('response', response) + cut);
  const report = await feed(log, [crawl]);
  assert.deepEqual([report.records, report.skipped, report.damaged], [2, 1, 1]);
  const [whole, damaged] = log.messages(topic, 0);
  const record = recordFromMessage(0n, whole!.value, 'application/warc');
  assert.equal(Buffer.from(record.bytes).toString(), response);
  assert.equal(record.headers!['warc-target-uri'], 'http://a.example/');
  assert.equal(damaged!.value.length > 0, true);
});
