/**
 * A worker thread: the CPU of sift and curate. It holds tables, caches and open input files, but no state that matters: the main thread can
 * replace it at any time.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import type { Topology } from '../../topologies/topology.ts';
import type { Config } from '../config/schema.ts';
import { configKey } from '../dedup/options.ts';
import { createFingerprinter } from '../dedup/dedup.ts';
import { RecordError, RiffleError } from '../errors.ts';
import { createChain } from '../operators/chain.ts';
import { createOperator, type OperatorTables } from '../operators/create.ts';
import { createPlainJsonReader } from '../operators/decode/plain-json.ts';
import type { Draft } from '../operators/operator.ts';
import type { Policy } from '../pruning/policy.ts';
import { createReporter, DECIDING, IDLE, READING, SIFTING } from '../runtime/activity.ts';
import type { Poison } from '../runtime/context.ts';
import { READY } from '../runtime/pool.ts';
import type { SchemaRegistry } from '../schemas/registry.ts';
import type { OutputKind } from '../schemas/avro-record.ts';
import type { ScorerSet, Stage0 } from '../scoring/stage0.ts';
import { createRecycled } from '../routing/recycled.ts';
import { finishMessages } from './curate-messages.ts';
import { type CurateResult, type CurateTask, curateRecords } from './curate-records.ts';
import { decodeValues, type RawMessages, rawBatch } from './raw-messages.ts';
import { type SiftedPair, type SiftOptions, type SiftTools, siftPartition } from './sift-blocks.ts';
import { openPartition, type SourceFile } from './sources.ts';

export interface WorkerData {
  readonly config: Config;
  readonly topology: Topology;
  /** Source partitions that are files; undefined when the source is the raw topic. */
  readonly files: readonly SourceFile[] | undefined;
  readonly rawTopic: string;
  readonly tables: OperatorTables;
  readonly scorers: ScorerSet | undefined;
  /** Outputs are topics of a broker. */
  readonly messages: WorkerMessages | undefined;
  readonly activity: SharedArrayBuffer;
}

export interface WorkerMessages {
  /** What a value may have on the tightest of the output topics. */
  readonly maxValueBytes: number;
  /** Output topics by full name, with what their schema is. */
  readonly outputs: ReadonlyMap<string, OutputKind>;
  /** Full name of an output topic. */
  readonly prefix: string;
}

/** Opens a lane: partitions to be sifted one after another. */
export interface OpenLane {
  readonly type: 'open';
  readonly lane: number;
  readonly partitions: readonly { readonly partition: number; readonly from: bigint }[];
  /** Records that killed or outlasted a worker before. */
  readonly poison: readonly Poison[];
}

export interface PullLane {
  readonly type: 'pull';
  readonly lane: number;
}

/** One batch of the raw topic, from beginning to end. */
export interface SiftMessages {
  readonly type: 'sift';
  readonly partition: number;
  readonly messages: RawMessages;
  readonly poison: readonly Poison[];
}

export type SiftedMessages = Pick<Pulled, 'pairs' | 'operators'>;

/** Lets go of a lane that is not to be read on. */
export interface CloseLane {
  readonly type: 'close';
  readonly lane: number;
}

export interface Pulled {
  readonly pairs: readonly SiftedPair[];
  /** Partitions read to their end, and that end. */
  readonly ended: readonly { readonly partition: number; readonly end: bigint }[];
  readonly done: boolean;
  readonly operators: Readonly<Record<string, { seconds: number; records: number }>>;
}

export interface CurateRequest {
  readonly type: 'curate';
  readonly task: CurateTask;
  readonly policy: Policy;
  /** Records to be given up; given when a worker died on this stretch before. */
  readonly poison?: readonly bigint[] | undefined;
  /** Buffers of earlier results, to be used again. */
  readonly recycled: readonly ArrayBuffer[];
}

export type Request = (OpenLane | PullLane | CloseLane | SiftMessages | CurateRequest) & { readonly id: number };

/** A reply closes at about this size, so that small files travel together. */
const REPLY_BYTES = 1 << 20;
const REPLY_RECORDS = 512;

const data = workerData as WorkerData;
const activity = createReporter(data.activity);
const lanes = new Map<number, AsyncGenerator<SiftedPair | Ended>>();
interface Ended {
  readonly partition: number;
  readonly end: bigint;
}

const { config } = data;
const chain = createChain(
  await Promise.all(
    data.topology.operators.map(async (name) => ({ name, apply: await createOperator(name, config, data.tables) })),
  ),
);
const fingerprinter = createFingerprinter(config.dedup);
const plainJson = createPlainJsonReader();
const stage0: Stage0 | undefined = data.scorers && (await import('../scoring/stage0.ts')).createStage0(data.scorers);

const siftOptions: SiftOptions = {
  rawTopic: data.rawTopic,
  configHash: configKey(config.dedup),
  blockRecords: config.blocks.records,
  blockBytes: config.blocks.bytes,
  blockFlushMs: config.blocks.flushMs,
  deadLetterBytes: config.deadLetter.maxBytes,
  decode: { maxRecordBytes: config.source.maxRecordBytes, maxDecodedBytes: config.source.maxDecodedBytes },
};

function siftTools(poison: readonly Poison[]): SiftTools {
  const errorOf = ({ code, message }: Poison) => new RecordError('sift', code, message);
  return {
    run: data.topology.operators.length === 0 ? undefined : (draft: Draft) => chain.run(draft),
    plainJson,
    fingerprinter,
    reading: (partition: number, offset: bigint) => activity.report(READING, partition, offset),
    begin: (partition: number, offset: bigint) => activity.report(SIFTING, partition, offset),
    poisoned(partition: number, offset: bigint) {
      const found = poison.find((p) => !p.rest && p.partition === partition && p.offset === offset);
      return found && errorOf(found);
    },
    unreadable(partition: number, offset: bigint) {
      const found = poison.find((p) => p.rest && p.partition === partition && p.offset <= offset);
      return found && errorOf(found);
    },
  };
}

/** Name of a source partition in positions: the path of the file, or the number of the topic's partition. */
const nameOf = (partition: number): string | number => (data.files ? data.files[partition]!.name : partition);

async function* runLane({ partitions, poison }: OpenLane): AsyncGenerator<SiftedPair | Ended> {
  const tools = siftTools(poison);
  const files = data.files!;
  for (const { partition, from } of partitions) {
    const file = files[partition]!;
    const source = { partition, name: file.name, from };
    let end = from;
    try {
      for await (const pair of siftPartition(
        source,
        openPartition(file, files, from, siftOptions.decode, () => tools.reading(partition, end)),
        tools,
        siftOptions,
      )) {
        end = pair.to;
        yield pair;
      }
    } catch (cause) {
      throw readingFailed(file.path, cause);
    }
    yield { partition, end };
  }
}

async function pull({ lane }: PullLane): Promise<Pulled> {
  const running = lanes.get(lane);
  if (running === undefined) throw new RiffleError('no-lane', `lane ${lane}; not open; report it`);
  const pairs: SiftedPair[] = [];
  const ended: Ended[] = [];
  let bytes = 0;
  let records = 0;
  let done = false;
  const until = performance.now() + config.blocks.flushMs;
  while (
    bytes < REPLY_BYTES &&
    records < REPLY_RECORDS &&
    pairs.length + ended.length < 256 &&
    (pairs.length === 0 || performance.now() < until)
  ) {
    const step = await running.next();
    if (step.done) {
      done = true;
      lanes.delete(lane);
      break;
    }
    if ('end' in step.value) ended.push(step.value);
    else {
      pairs.push(step.value);
      bytes += step.value.bytes;
      records += step.value.records;
    }
  }
  return { pairs, ended, done, operators: chain.take() };
}

let registry: Promise<SchemaRegistry> | undefined;

/** Opened when it is first needed. @throws TransientError when it cannot be reached: the stream waits. */
function schemas(): Promise<SchemaRegistry> | undefined {
  const { url } = config.registry;
  if (url === undefined) return undefined;
  registry ??= import('../schemas/registry.ts').then(({ openRegistry, registryFrom }) =>
    openRegistry(registryFrom({ ...config.registry, url }, data.messages?.outputs ?? new Map())),
  );
  registry.catch(() => {
    registry = undefined;
  });
  return registry;
}

async function siftMessages({ partition, messages, poison }: SiftMessages): Promise<SiftedMessages> {
  const source = { partition, name: nameOf(partition), from: messages.from };
  const codec = await schemas();
  const values = codec && (await decodeValues(messages, (value) => codec.decodeRaw(value)));
  // The batch is here already: nothing is looked for, and no rest of it can be unreadable.
  const tools = { ...siftTools(poison), reading: () => activity.report(IDLE), unreadable: () => undefined };
  const batch = rawBatch(messages, config.source.format, siftOptions.decode, values, {
    begin: (offset) => tools.begin(partition, offset),
    poisoned: (offset) => tools.poisoned(partition, offset),
  });
  const pairs: SiftedPair[] = [];
  // Blocks go on when the batch is done: to close one early would make more of them, and nothing sooner.
  const options = { ...siftOptions, blockFlushMs: Number.POSITIVE_INFINITY };
  for await (const pair of siftPartition(source, one(batch), tools, options)) pairs.push(pair);
  return { pairs, operators: chain.take() };
}

async function* one<T>(item: T): AsyncGenerator<T> {
  yield item;
}

const sources = new Map<number, number>();

/** Spans of source files, for as long as one task lasts: what is spliced is copied into the output lines at once. */
const spans: Buffer[] = [];
let spansUsed = 0;
/** Kept between tasks. */
const MAX_SPANS = 8;

function scratch(bytes: number): Buffer {
  const at = spansUsed++;
  if ((spans[at]?.length ?? 0) < bytes) spans[at] = Buffer.allocUnsafeSlow(Math.ceil(bytes * 1.25));
  return spans[at]!.subarray(0, bytes);
}

function openInput(file: string): number {
  try {
    return openSync(file, 'r');
  } catch (cause) {
    throw readingFailed(file, cause);
  }
}

/** Reads from a source file that is kept open; the least recently opened one is closed. */
function readSource(partition: number, start: number, bytes: number): Uint8Array {
  let file = sources.get(partition);
  if (file === undefined) {
    const oldest = sources.size >= 64 ? sources.entries().next().value : undefined;
    if (oldest !== undefined) {
      closeSync(oldest[1]);
      sources.delete(oldest[0]);
    }
    sources.set(partition, (file = openInput(data.files![partition]!.path)));
  }
  const buffer = scratch(bytes);
  let at = 0;
  while (at < bytes) {
    const got = readSync(file, buffer, at, bytes - at, start + at);
    if (got === 0)
      throw new RiffleError(
        'input-changed',
        `input ${data.files![partition]!.path}; it is shorter than when it was first read; restore it and run the same command again`,
      );
    at += got;
  }
  return buffer;
}

/** An operating system's error names no file, or says it in its own words. */
function readingFailed(file: string, cause: unknown): unknown {
  if (!(cause instanceof Error) || !('syscall' in cause)) return cause;
  const message = `input ${file}; it cannot be read any more (${cause.message}); restore it and run the same command again`;
  return new RiffleError('input-unreadable', message, { cause });
}

const buffers = createRecycled();

function curate({ task, policy, poison, recycled }: CurateRequest, codec: SchemaRegistry | undefined): CurateResult {
  buffers.give(recycled);
  spansUsed = 0;
  spans.length = Math.min(spans.length, MAX_SPANS);
  const result = curateRecords(task, {
    policy,
    stage0,
    plainJson,
    scoredLanguages: config.scoring.languages,
    rawTopic: data.rawTopic,
    keepText: config.output.keepText,
    allocate: buffers.allocate,
    nameOf,
    readSource,
    guard: poison && { poison, begin: (offset) => activity.report(DECIDING, task.partition, offset) },
  });
  if (data.messages === undefined) return result;
  const { maxValueBytes, prefix } = data.messages;
  const encode = codec && ((topic: string, line: Uint8Array) => codec.encode(`${prefix}${topic}`, line));
  return finishMessages(result, { maxValueBytes, deadLetterBytes: config.deadLetter.maxBytes, encode });
}

const buffersOf = (pairs: readonly SiftedPair[]): ArrayBuffer[] =>
  pairs.flatMap(({ sifted, sketch }) => [sifted.buffer, sketch.buffer]);

async function answer(request: Request): Promise<{ ok: object | undefined; transfer: ArrayBuffer[] }> {
  switch (request.type) {
    case 'open':
      lanes.set(request.lane, runLane(request));
      return { ok: undefined, transfer: [] };
    case 'close':
      void lanes.get(request.lane)?.return(undefined);
      lanes.delete(request.lane);
      return { ok: undefined, transfer: [] };
    case 'pull': {
      const ok = await pull(request);
      activity.report(IDLE);
      return { ok, transfer: buffersOf(ok.pairs) };
    }
    case 'sift': {
      const ok = await siftMessages(request);
      activity.report(IDLE);
      return { ok, transfer: buffersOf(ok.pairs) };
    }
    case 'curate': {
      const { partition, next } = request.task;
      const codec = await schemas();
      const result = activity.during(DECIDING, partition, next, () => curate(request, codec));
      return { ok: result, transfer: Object.values(result.outputs).map(({ bytes }) => bytes.buffer) };
    }
  }
}

parentPort!.on('message', (request: Request) => {
  void answer(request)
    .then(({ ok, transfer }) => parentPort!.postMessage({ id: request.id, ok }, transfer))
    .catch((error: unknown) => {
      const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
      const code = error instanceof RiffleError ? error.code : 'worker';
      parentPort!.postMessage({ id: request.id, error: { name, code, message, stack } });
    });
});
parentPort!.postMessage(READY);
