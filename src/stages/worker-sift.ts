/** What sift does in a worker thread: lanes of input files, read as long as somebody pulls, and batches of the raw topic. */
import { configKey } from '../dedup/options.ts';
import { createFingerprinter } from '../dedup/dedup.ts';
import { RecordError, RiffleError } from '../errors.ts';
import { createChain } from '../operators/chain.ts';
import { createOperator } from '../operators/create.ts';
import { createPlainJsonReader } from '../operators/decode/plain-json.ts';
import type { Draft } from '../operators/operator.ts';
import { type createReporter, IDLE, READING, SIFTING } from '../runtime/activity.ts';
import type { Poison } from '../runtime/context.ts';
import type { SchemaRegistry } from '../schemas/registry.ts';
import { decodeValues, rawBatch } from './raw-messages.ts';
import { type SiftedPair, type SiftOptions, type SiftTools, siftPartition } from './sift-blocks.ts';
import { openPartition, readingFailed } from './sources.ts';
import type { OpenLane, Pulled, SiftedMessages, SiftMessages, WorkerData } from './worker-requests.ts';

/** A reply closes at about this size, so that small files travel together. */
const REPLY_BYTES = 1 << 20;
const REPLY_RECORDS = 512;
const REPLY_PAIRS = 256;

interface Ended {
  readonly partition: number;
  readonly end: bigint;
}

export interface SiftWork {
  open(request: OpenLane): void;
  close(lane: number): void;
  /** The next blocks of a lane. */
  pull(lane: number): Promise<Pulled>;
  /** `codec`: values are messages of a schema registry. */
  siftMessages(request: SiftMessages, codec: SchemaRegistry | undefined): Promise<SiftedMessages>;
}

export async function createSiftWork(
  { config, topology, tables, rawTopic, files }: WorkerData,
  activity: ReturnType<typeof createReporter>,
): Promise<SiftWork> {
  const lanes = new Map<number, AsyncGenerator<SiftedPair | Ended>>();
  const chain = createChain(
    await Promise.all(
      topology.operators.map(async (name) => ({ name, apply: await createOperator(name, config, tables) })),
    ),
  );
  const fingerprinter = createFingerprinter(config.dedup);
  const plainJson = createPlainJsonReader();
  const options: SiftOptions = {
    rawTopic,
    configHash: configKey(config.dedup),
    blockRecords: config.blocks.records,
    blockBytes: config.blocks.bytes,
    blockFlushMs: config.blocks.flushMs,
    deadLetterBytes: config.deadLetter.maxBytes,
    decode: { maxRecordBytes: config.source.maxRecordBytes, maxDecodedBytes: config.source.maxDecodedBytes },
  };

  function toolsFor(poison: readonly Poison[]): SiftTools {
    const errorOf = ({ code, message }: Poison) => new RecordError('sift', code, message);
    return {
      run: topology.operators.length === 0 ? undefined : (draft: Draft) => chain.run(draft),
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

  async function* runLane({ partitions, poison }: OpenLane): AsyncGenerator<SiftedPair | Ended> {
    const tools = toolsFor(poison);
    for (const { partition, from } of partitions) {
      const file = files![partition]!;
      const source = { partition, name: file.name, from };
      let end = from;
      const batches = openPartition(file, files!, from, options.decode, () => tools.reading(partition, end));
      try {
        for await (const pair of siftPartition(source, batches, tools, options)) {
          end = pair.to;
          yield pair;
        }
      } catch (cause) {
        throw readingFailed(file.path, cause);
      }
      yield { partition, end };
    }
  }

  return {
    open(request) {
      lanes.set(request.lane, runLane(request));
    },
    close(lane) {
      void lanes.get(lane)?.return(undefined);
      lanes.delete(lane);
    },
    async pull(lane) {
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
        pairs.length + ended.length < REPLY_PAIRS &&
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
    },
    async siftMessages({ partition, messages, poison }, codec) {
      const source = { partition, name: files?.[partition]?.name ?? partition, from: messages.from };
      const values = codec && (await decodeValues(messages, (value) => codec.decodeRaw(value)));
      // The batch is here already: nothing is looked for, and no rest of it can be unreadable.
      const tools = { ...toolsFor(poison), reading: () => activity.report(IDLE), unreadable: () => undefined };
      const batch = rawBatch(messages, config.source.format, options.decode, values, {
        begin: (offset) => tools.begin(partition, offset),
        poisoned: (offset) => tools.poisoned(partition, offset),
      });
      const pairs: SiftedPair[] = [];
      // Blocks go on when the batch is done: to close one early would make more of them, and nothing sooner.
      const whole = { ...options, blockFlushMs: Number.POSITIVE_INFINITY };
      for await (const pair of siftPartition(source, one(batch), tools, whole)) pairs.push(pair);
      return { pairs, operators: chain.take() };
    },
  };
}

async function* one<T>(item: T): AsyncGenerator<T> {
  yield item;
}
