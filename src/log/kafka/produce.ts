/**
 * Appends outside transactions: at least once, in order. One send is on its way for each topic-partition and names only that one: kafkajs's
 * retries of a send over several brokers lose acknowledged records. Its own retries are off; a send that failed is made again here.
 */
import type { Producer as KafkaProducer } from 'kafkajs';
import { setTimeout as sleep } from 'node:timers/promises';
import { FatalError, type RiffleError } from '../../errors.ts';
import type { OutMessage, Producer } from '../port.ts';
import type { Client } from './client.ts';
import { persist } from './persist.ts';
import { recordBytes, roomIn, splitByBytes } from './sizes.ts';
import type { Topic } from './topics.ts';

interface Append {
  readonly messages: readonly OutMessage[];
  readonly bytes: number;
  readonly done: (first: bigint) => void;
  readonly failed: (error: unknown) => void;
}

interface Queue {
  readonly topic: Topic;
  readonly partition: number;
  readonly waiting: Append[];
  sending: boolean;
}

const ALL_IN_SYNC = -1;

export interface KafkaAppender extends Producer {
  close(): Promise<void>;
}

export function createProducer(client: Client, topicOf: (name: string) => Topic): KafkaAppender {
  const { options, codec } = client;
  const queues = new Map<string, Queue>();
  const draining = new Set<Promise<void>>();
  let connected: Promise<KafkaProducer> | undefined;
  let closed = false;

  async function connect(): Promise<KafkaProducer> {
    const producer = client.newProducer();
    await producer.connect();
    return producer;
  }

  function producer(): Promise<KafkaProducer> {
    const mine = (connected ??= connect());
    mine.catch(() => {
      if (connected === mine) connected = undefined;
    });
    return mine;
  }

  async function drain(queue: Queue): Promise<void> {
    queue.sending = true;
    while (queue.waiting.length > 0) {
      const together = takeRun(queue);
      try {
        await send(queue, together);
      } catch (error) {
        // What came behind would overtake what failed.
        for (const { failed } of [...together, ...queue.waiting.splice(0)]) failed(error);
      }
    }
    queue.sending = false;
  }

  /** As many appends as fit into one batch. */
  function takeRun({ topic, waiting }: Queue): Append[] {
    const room = roomIn(topic.maxMessageBytes);
    let bytes = 0;
    let count = 0;
    while (count < waiting.length && (count === 0 || bytes + waiting[count]!.bytes <= room))
      bytes += waiting[count++]!.bytes;
    return waiting.splice(0, count);
  }

  async function send({ topic, partition }: Queue, appends: readonly Append[]): Promise<void> {
    const place = `${topic.name}-${partition}`;
    const messages = appends.flatMap((append) => append.messages);
    let first: bigint | undefined;
    for (const run of await splitByBytes(place, messages, { maxMessageBytes: topic.maxMessageBytes, codec })) {
      const offset = await persist(
        client,
        `append to ${place}`,
        () => sendOnce(topic.name, partition, run),
        () => options.observer.appendRetried?.(topic.name, partition),
      );
      first ??= offset;
    }
    let at = first ?? 0n;
    for (const { messages: own, done } of appends) {
      done(at);
      at += BigInt(own.length);
    }
  }

  async function sendOnce(topic: string, partition: number, run: readonly OutMessage[]): Promise<bigint> {
    if (closed) throw closedError(topic);
    const answer = await (await producer()).send({
      topic,
      acks: ALL_IN_SYNC,
      timeout: options.requestTimeoutMs,
      compression: codec,
      messages: run.map((message) => toKafka(message, partition)),
    });
    return requireAnswers([{ topic, partition }], answer);
  }

  return {
    append(name, partition, messages) {
      const topic = topicOf(name);
      if (closed) throw closedError(name);
      if (!(partition >= 0 && partition < topic.partitions))
        throw new FatalError(
          'no-partition',
          `${name}-${partition}; the topic has ${topic.partitions} partitions; this is a mistake in the program`,
        );
      const key = `${name}/${partition}`;
      let queue = queues.get(key);
      if (queue === undefined) queues.set(key, (queue = { topic, partition, waiting: [], sending: false }));
      const own = queue;
      return new Promise<bigint>((done, failed) => {
        const bytes = messages.reduce((sum, message) => sum + recordBytes(message), 0);
        own.waiting.push({ messages, bytes, done, failed });
        // Appends of the same turn go together.
        if (!own.sending) {
          own.sending = true;
          queueMicrotask(() => {
            const drained = drain(own).finally(() => draining.delete(drained));
            draining.add(drained);
          });
        }
      });
    },
    async close() {
      // What is under way is waited for, unless the broker is away.
      await Promise.race([Promise.all(draining), sleep(options.requestTimeoutMs, undefined, { ref: false })]);
      closed = true;
      await (await connected?.catch(() => undefined))?.disconnect().catch(() => undefined);
    },
  };
}

export function toKafka({ key, value, headers, binary, tombstone }: OutMessage, partition: number) {
  const bytes = (text: string) => Buffer.from(text, 'base64');
  return {
    key: key === undefined ? null : binary?.key ? bytes(key) : key,
    value: tombstone === true ? null : Buffer.from(value.buffer, value.byteOffset, value.byteLength),
    partition,
    ...(headers && {
      headers: {
        ...headers,
        ...Object.fromEntries(binary?.headers?.map((name) => [name, bytes(headers[name]!)]) ?? []),
      },
    }),
  };
}

interface Answer {
  readonly topicName: string;
  readonly partition: number;
  readonly errorCode: number;
  readonly baseOffset?: string;
}

/**
 * An answer that leaves a partition out, or names one twice, hides a loss.
 * @returns the offset of the first message of the first partition
 */
export function requireAnswers(
  sent: readonly { topic: string; partition: number }[],
  answers: readonly Answer[],
): bigint {
  for (const { topic, partition } of sent) {
    const named = answers.filter(
      (answer) => answer.topicName === topic && answer.partition === partition && answer.errorCode === 0,
    );
    if (named.length !== 1) throw new Error(`the answer names ${topic}-${partition} ${named.length} times`);
  }
  if (answers.length !== sent.length)
    throw new Error(`the answer names ${answers.length} partitions of ${sent.length}`);
  return BigInt(answers[0]?.baseOffset ?? -1);
}

function closedError(topic: string): RiffleError {
  return new FatalError('log-closed', `append to ${topic}; the log was closed; this is a mistake in the program`);
}
