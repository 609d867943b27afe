/**
 * Corrections to kafkajs 2.2.4, put in place before it loads. Start-up fails when a patched place is not the expected one: an uncorrected client
 * delivers aborted records.
 *
 * - *Fetch answers keep their record sets undecoded.* `record-set.ts` decodes them: kafkajs's own filter walks the list of aborted transactions in
 *   the wrong order and delivers whole aborted transactions; its decoder takes quadratic time over headers and overflows the stack on very large
 *   batches; and it stops for ever in front of a batch that compaction has emptied.
 * - *Requests are framed, and produce requests encoded, by `produce-request.ts`*, without encoders that grow and are copied into one another.
 * - *Messages are shared out to partitions in one pass*: kafkajs copies the list of those before for every message.
 * - *The request queue is calm*: kafkajs sets a timer of 1 ms for every connection, for ever, and looks for requests that are overdue ten times a
 *   second, each connection for itself.
 */
import { readFileSync } from 'node:fs';
import { Module } from 'node:module';
import { FatalError } from '../../errors.ts';
import { requireKafka } from './internals.ts';
import { encodeProduce, frameRequest, type ProduceRequest } from './produce-request.ts';

export const KAFKAJS_VERSION = '2.2.4';
const DECODE_MESSAGES = 'kafkajs/src/protocol/requests/fetch/v4/decodeMessages';
const API_KEYS = 'kafkajs/src/protocol/requests/apiKeys';
const REQUEST = 'kafkajs/src/protocol/request';
/** What the later ones are made of. */
const FIRST_PRODUCE_REQUEST = 'kafkajs/src/protocol/requests/produce/v3/request';
const PRODUCE_REQUEST = 'kafkajs/src/protocol/requests/produce/v7/request';
const GROUP_MESSAGES = 'kafkajs/src/producer/groupMessagesPerPartition';
const FETCH_RESPONSE = 'kafkajs/src/protocol/requests/fetch/v11/response';
const REQUEST_QUEUE = 'kafkajs/src/network/requestQueue';

interface Decoder {
  readInt32(): number;
  canReadBytes(length: number): boolean;
  readBytes(length: number): Buffer;
}

interface RequestQueue {
  readonly pending: readonly unknown[];
  readonly throttledUntil: number;
  readonly inflight: ReadonlyMap<number, { sentAt: number; requestTimeout: number; timeoutRequest(): void }>;
  scheduleCheckPendingRequests(this: RequestQueue): void;
  scheduleRequestTimeoutCheck(this: RequestQueue): void;
  isConnected(): boolean;
  destroy(): void;
}

interface FetchResponse {
  decode(raw: Buffer): Promise<{ responses: readonly { partitions: readonly { messages: unknown }[] }[] }>;
}

/** How often a connection looks for requests without an answer. */
const OVERDUE_MS = 1000;
const NOTHING = Buffer.alloc(0);

/** Replaces `decodeMessages`: cuts the record set out of the answer and leaves it as it is. */
async function takeRecordSet(decoder: Decoder): Promise<Buffer> {
  const lengthBytes = decoder.readInt32();
  return lengthBytes > 0 && decoder.canReadBytes(lengthBytes) ? decoder.readBytes(lengthBytes) : NOTHING;
}

let installed: Promise<void> | undefined;

/** Must run before anything else loads kafkajs; again does nothing. @throws FatalError `client-differs` */
export function installPatches(): Promise<void> {
  installed ??= install();
  return installed;
}

async function install(): Promise<void> {
  requireVersion();
  replaceModule(DECODE_MESSAGES, takeRecordSet);
  replaceModule(REQUEST, frameRequest);
  replaceModule(FIRST_PRODUCE_REQUEST, produceRequest((requireKafka(API_KEYS) as { Produce: number }).Produce));
  replaceModule(GROUP_MESSAGES, groupMessages);
  calmQueue();
  await requireCutRecordSets();
  await requireOwnRequests();
}

/** Counted, for kafkajs has to come here. */
let encodedRequests = 0;

const produceRequest = (apiKey: number) => (request: ProduceRequest) => ({
  apiKey,
  apiVersion: 3,
  apiName: 'Produce',
  expectResponse: () => request.acks !== 0,
  async encode() {
    encodedRequests++;
    return { buffer: await encodeProduce(request) };
  },
});

interface Grouping<M> {
  readonly topic: string;
  readonly partitionMetadata: readonly unknown[];
  readonly messages: readonly M[];
  readonly partitioner: (of: Omit<Grouping<M>, 'messages' | 'partitioner'> & { readonly message: M }) => number;
}

function groupMessages<M>({ topic, partitionMetadata, messages, partitioner }: Grouping<M>): Record<number, M[]> {
  const grouped: Record<number, M[]> = {};
  if (partitionMetadata.length === 0) return grouped;
  for (const message of messages) (grouped[partitioner({ topic, partitionMetadata, message })] ??= []).push(message);
  return grouped;
}

function requireVersion(): void {
  const manifest = JSON.parse(readFileSync(requireKafka.resolve('kafkajs/package.json'), 'utf8')) as {
    version: string;
  };
  if (manifest.version !== KAFKAJS_VERSION) throw differs(`its version is ${manifest.version}`);
}

/** @throws FatalError when the module is not there, or when kafkajs holds the original already. */
export function replaceModule(name: string, replacement: unknown): void {
  let file: string;
  try {
    file = requireKafka.resolve(name);
  } catch (cause) {
    throw differs(`${name} is not there`, cause);
  }
  if (requireKafka.cache[file] !== undefined) throw differs(`${name} was loaded before it could be corrected`);
  const module = new Module(file);
  module.filename = file;
  module.loaded = true;
  module.exports = replacement;
  requireKafka.cache[file] = module;
}

function calmQueue(): void {
  const queue = requireKafka(REQUEST_QUEUE) as { prototype: Partial<RequestQueue> };
  const original = queue.prototype.scheduleCheckPendingRequests;
  if (typeof original !== 'function') throw differs(`${REQUEST_QUEUE} has no scheduleCheckPendingRequests`);
  queue.prototype.scheduleCheckPendingRequests = function (this: RequestQueue) {
    if (this.pending.length > 0 || this.throttledUntil > Date.now()) original.call(this);
  };
  if (typeof queue.prototype.scheduleRequestTimeoutCheck !== 'function')
    throw differs(`${REQUEST_QUEUE} has no scheduleRequestTimeoutCheck`);
  const stop = queue.prototype.destroy;
  if (typeof stop !== 'function') throw differs(`${REQUEST_QUEUE} has no destroy`);
  queue.prototype.scheduleRequestTimeoutCheck = function (this: RequestQueue) {
    this.destroy();
    watched.add(this);
    watching ??= setInterval(rejectOverdue, OVERDUE_MS);
  };
  queue.prototype.destroy = function (this: RequestQueue) {
    watched.delete(this);
    if (watched.size === 0) {
      clearInterval(watching);
      watching = undefined;
    }
    stop.call(this);
  };
}

/** Of connections that are open. */
const watched = new Set<RequestQueue>();
let watching: NodeJS.Timeout | undefined;

/** One timer for all connections of the process: each wakes it, and a process has dozens. */
function rejectOverdue(): void {
  const now = Date.now();
  for (const queue of watched) {
    for (const request of queue.inflight.values())
      if (now - request.sentAt > request.requestTimeout) request.timeoutRequest();
    if (!queue.isConnected()) queue.destroy();
  }
}

/** Decodes a fetch answer with kafkajs's own code and looks whether the record set came through as bytes. */
async function requireCutRecordSets(): Promise<void> {
  const response = requireKafka(FETCH_RESPONSE) as FetchResponse;
  const recordSet = Buffer.from('not a record set');
  const decoded = await response.decode(fetchAnswer(recordSet)).catch((cause: unknown) => {
    throw differs(`${FETCH_RESPONSE} does not decode a known answer`, cause);
  });
  const found = decoded.responses[0]?.partitions[0]?.messages;
  if (!(found instanceof Uint8Array && recordSet.equals(found)))
    throw differs(`${FETCH_RESPONSE} does not use the corrected ${DECODE_MESSAGES}`);
}

/** Encodes a produce request with kafkajs's own code and looks whether it came to us for it. */
async function requireOwnRequests(): Promise<void> {
  const value = Buffer.from('not a document');
  const request = requireKafka(PRODUCE_REQUEST) as (data: object) => { encode(): Promise<{ buffer: Buffer }> };
  const partitions = [{ partition: 0, firstSequence: 0, messages: [{ value, key: null }] }];
  const before = encodedRequests;
  const { buffer } = await request({
    acks: -1,
    timeout: 1,
    compression: 0,
    topicData: [{ topic: 't', partitions }],
  }).encode();
  // Behind the value is only the number of its headers.
  if (encodedRequests === before || !buffer.subarray(0, -1).subarray(-value.byteLength).equals(value))
    throw differs(`${PRODUCE_REQUEST} does not use the corrected ${FIRST_PRODUCE_REQUEST}`);
}

/** A fetch answer (version 11) with one partition. */
function fetchAnswer(recordSet: Buffer): Buffer {
  const parts: Buffer[] = [];
  const int = (value: number, bytes: 2 | 4): void => {
    const part = Buffer.alloc(bytes);
    part.writeIntBE(value, 0, bytes);
    parts.push(part);
  };
  const offset = (value: bigint): void => {
    const part = Buffer.alloc(8);
    part.writeBigInt64BE(value);
    parts.push(part);
  };
  int(0, 4); // throttle
  int(0, 2); // error
  int(0, 4); // session
  int(1, 4); // topics
  int(1, 2);
  parts.push(Buffer.from('t'));
  int(1, 4); // partitions
  int(0, 4);
  int(0, 2);
  for (const end of [9n, 9n, 0n]) offset(end);
  int(0, 4); // aborted transactions
  int(-1, 4); // preferred replica
  int(recordSet.byteLength, 4);
  parts.push(recordSet);
  return Buffer.concat(parts);
}

function differs(actual: string, cause?: unknown): FatalError {
  return new FatalError(
    'client-differs',
    `kafkajs; ${actual}, but Riffle corrects version ${KAFKAJS_VERSION} in place; install exactly that version`,
    { cause },
  );
}
