/**
 * Feeder: puts the records of files on the raw topic, each once, whatever is killed (protocol rule 16). Records travel in chunks; the same files
 * give the same chunks, chunk c goes to partition c modulo their number, and its number is committed with it, as N of a lease.
 */
import { createHash } from 'node:crypto';
import { ConfigError, TransientError } from '../errors.ts';
import type { Commit, Lease, Log, OutMessage } from '../log/port.ts';
import { openSource } from '../operators/decode/source.ts';
import type { DecodeLimits, InputFile, RawRecord } from '../operators/decode/types.ts';
import { inputDigest } from '../runtime/state.ts';
import { groups } from '../runtime/topics.ts';
import { DAMAGE_BYTES, DAMAGE_CODE, DAMAGE_MESSAGE, WARC_ID } from './raw-messages.ts';

export interface Feed {
  readonly log: Log;
  readonly topic: string;
  readonly partitions: number;
  readonly files: readonly InputFile[];
  readonly limits: DecodeLimits;
  readonly signal: AbortSignal;
  readonly fed: (report: FeedReport) => void;
}

export interface FeedReport {
  /** Put on the topic by this process or an earlier one. */
  records: number;
  bytes: number;
  /** Of them, put there by an earlier process. */
  before: number;
  /** WARC records without a document; left out. */
  skipped: number;
  /** Sent as what they are: dead letters to be. */
  damaged: number;
}

const CHUNK_RECORDS = 500;
const CHUNK_BYTES = 512 << 10;
const COMMIT_ATTEMPTS = 5;

interface Chunk {
  readonly number: number;
  readonly messages: readonly OutMessage[];
  readonly bytes: number;
}

/** Resolves when every record is on the topic, or the signal is aborted. @throws FatalError `fenced` when a second feeder takes over. */
export async function runFeed(feed: Feed): Promise<FeedReport> {
  const { log, topic, partitions } = feed;
  const name = nameOf(feed);
  const [group, content] = [`feed-${name}`, `feed-content-${name}`];
  await log.ensureTopics([{ name: topic, partitions, kind: 'records', groups: [groups.sift, group, content] }]);
  await requireUnchanged(feed, content);
  const room = (await log.maxValueBytes(topic)) ?? Number.POSITIVE_INFINITY;
  const lanes = await Promise.all(
    Array.from({ length: partitions }, async (_, p) => ({ lease: await log.lease(group, p), done: Promise.resolve() })),
  );
  const report: FeedReport = { records: 0, bytes: 0, before: 0, skipped: 0, damaged: 0 };
  let failed: Error | undefined;
  for await (const chunk of chunksOf(feed, Math.min(room, feed.limits.maxRecordBytes), report)) {
    if (failed || feed.signal.aborted) break;
    const lane = lanes[chunk.number % partitions]!;
    // One chunk of each partition on its way: what waits is bounded.
    await lane.done;
    lane.done = send(chunk, lane).catch((error: Error) => {
      failed ??= error;
    });
  }
  await Promise.all(lanes.map(({ done }) => done));
  if (failed) throw failed;
  return report;

  async function send({ number, messages, bytes }: Chunk, lane: { lease: Lease }): Promise<void> {
    const sent = (lane.lease.next ?? 0n) > BigInt(number);
    const commit = { outputs: new Map([[topic, messages]]), positions: [], next: BigInt(number) + 1n };
    if (sent) report.before += messages.length;
    else lane.lease = await commitOnce(log, group, lane.lease, commit);
    report.records += messages.length;
    report.bytes += bytes;
    feed.fed(report);
  }
}

/** When the outcome of a commit is unknown, the lease is taken anew, and its N tells. Returns the lease to go on with. */
async function commitOnce(log: Log, group: string, lease: Lease, commit: Commit): Promise<Lease> {
  for (let attempt = 1, held = lease; ; attempt++) {
    try {
      await held.commit(commit);
      return held;
    } catch (error) {
      if (!(error instanceof TransientError) || attempt === COMMIT_ATTEMPTS) throw error;
      held = await log.lease(group, lease.partition);
      if ((held.next ?? 0n) >= commit.next) return held;
    }
  }
}

/** The same files on a topic with as many partitions are the same feed. */
function nameOf({ files, partitions }: Feed): string {
  const names = createHash('sha256').update(String(partitions));
  for (const { path } of files) names.update(`\n${path}`);
  return names.digest('hex').slice(0, 16);
}

/**
 * Other content gives other chunks: what is on the topic already could not be told from what is new. So the content is remembered, as N of a
 * lease of its own. @throws ConfigError `input-changed`
 */
async function requireUnchanged({ log, files }: Feed, group: string): Promise<void> {
  const digest = createHash('sha256');
  for (const { path } of files) digest.update(inputDigest(path));
  const content = digest.digest().readBigUInt64BE() >> 1n;
  const lease = await log.lease(group, 0);
  if (lease.next === undefined) {
    await commitOnce(log, group, lease, { outputs: new Map(), positions: [], next: content });
  } else if (lease.next !== content)
    throw new ConfigError(
      'input-changed',
      `input ${files.map(({ path }) => path).join(', ')}; it changed since it was fed; give what is new as a file of its own`,
    );
}

async function* chunksOf({ files, limits }: Feed, room: number, report: FeedReport): AsyncGenerator<Chunk> {
  let number = 0;
  let messages: OutMessage[] = [];
  let bytes = 0;
  for (const file of files) {
    for await (const { records } of openSource(file, { limits })) {
      for (const record of records) {
        if (record.skipped !== undefined) {
          report.skipped++;
          continue;
        }
        if (record.error !== undefined) report.damaged++;
        const message = messageOf(record, room);
        messages.push(message);
        bytes += message.value.byteLength;
        if (messages.length < CHUNK_RECORDS && bytes < CHUNK_BYTES) continue;
        yield { number: number++, messages, bytes };
        messages = [];
        bytes = 0;
      }
    }
  }
  if (messages.length > 0) yield { number, messages, bytes };
}

const CONTENT_TYPES: Readonly<Record<RawRecord['kind'], string>> = {
  json: 'application/json',
  'parquet-row': 'application/json',
  warc: 'application/warc',
  html: 'text/html',
  text: 'text/plain',
};

/** A record as a producer would send it. What a file says is damaged, or does not fit, is sent with that word: sift makes a dead letter of it. */
function messageOf(record: RawRecord, room: number): OutMessage {
  const value = record.error === undefined && record.kind === 'warc' ? wholeWarc(record) : record.bytes;
  const headers = { 'content-type': CONTENT_TYPES[record.kind] };
  if (record.error !== undefined) return damaged(record, value, headers, record.error, room);
  if (value.byteLength <= room) return { value: value.slice(), headers };
  const message = `record; ${value.byteLength} bytes, the raw topic takes ${room}; raise its max.message.bytes`;
  return damaged(record, value, headers, { code: 'decode.tooLarge', message }, Math.min(room, 256 << 10));
}

function damaged(
  record: RawRecord,
  value: Uint8Array,
  headers: Readonly<Record<string, string>>,
  { code, message }: { readonly code: string; readonly message: string },
  room: number,
): OutMessage {
  const id = record.headers?.[WARC_ID];
  // Of what is too large in its file, reading kept the beginning.
  const inFile = record.error?.code === 'decode.tooLarge' && record.kind !== 'parquet-row';
  const wholeBytes = inFile ? Number(record.next - record.offset) : value.byteLength;
  const kept = value.slice(0, room);
  return {
    value: kept,
    headers: {
      ...headers,
      [DAMAGE_CODE]: code,
      [DAMAGE_MESSAGE]: message,
      ...(wholeBytes > kept.byteLength && { [DAMAGE_BYTES]: String(wholeBytes) }),
      ...(id !== undefined && { [WARC_ID]: id }),
    },
  };
}

/** The header of a WARC record was parsed away: written again, names in lower case, which mean the same (WARC 1.1, section 4). */
function wholeWarc({ bytes, headers }: RawRecord): Uint8Array {
  const fields = Object.entries({ ...headers, 'content-length': String(bytes.byteLength) });
  const head = `WARC/1.0\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
  return Buffer.concat([Buffer.from(head), bytes, Buffer.from('\r\n\r\n')]);
}
