/**
 * The right to commit for one source partition: a transactional producer with one id for each group and partition, whoever holds it. Taking a lease
 * initialises the id anew, which fences earlier holders and ends what they left open; only then the committed positions are final, and are read.
 *
 * In a transaction the positions come first, tried again only while the end of the transaction before is being written; then the data, which
 * never meets that error any more; then the end. Nothing else is tried again: after any other error the outcome is unknown, the producer is thrown
 * away, and whoever takes the lease next reads from the positions what happened.
 */
import type { Producer, Transaction } from 'kafkajs';
import { setTimeout as sleep } from 'node:timers/promises';
import { FatalError, TransientError } from '../../errors.ts';
import type { Commit, Lease, Lines, OutMessage, Position } from '../port.ts';
import type { Client } from './client.ts';
import { describe, isFencing, isPermanent, typeOf } from './failures.ts';
import { fetchCommitted } from './offsets.ts';
import { persist, refused } from './persist.ts';
import { requireAnswers, toKafka } from './produce.ts';
import { type Progress, readProgress, writeProgress } from './progress.ts';
import { splitByBytes } from './sizes.ts';
import type { Topic } from './topics.ts';

const BUSY_PAUSE_MS = 5;
const ALL_IN_SYNC = -1;

export interface LeaseParts {
  readonly client: Client;
  readonly group: string;
  /** On the broker. */
  readonly groupId: string;
  readonly partition: number;
  readonly topicOf: (name: string) => Topic;
  /** Topics that the group reads and that have this partition: where N is kept before anything was read. */
  readonly inputs: readonly string[];
  /** The group gave the partition to somebody else: whoever asks for a lease would fence the new owner. */
  readonly requireOwned: () => void;
  readonly lost: () => void;
}

export interface KafkaLease extends Lease {
  /** N as this lease knows it: a broker shows what it has committed a little later. Undefined once the lease has ended. */
  current(): bigint | undefined;
  /** It is not this process's any more, or not by this lease: what still waits to be committed here never will be. */
  end(why: string): void;
  close(): Promise<void>;
}

export async function takeLease(parts: LeaseParts): Promise<KafkaLease> {
  const { client, group, groupId, partition } = parts;
  const { options } = client;
  const id = `${options.app}-${group}-${partition}`;
  const producer = await persist(client, `lease ${id}`, async () => {
    parts.requireOwned();
    const fresh = client.newProducer(id);
    try {
      await fresh.connect();
      // `connect` fences nobody: the first transaction initialises the id.
      await (await fresh.transaction()).abort();
      return fresh;
    } catch (error) {
      discard(fresh);
      throw error;
    }
  });
  const asked = parts.inputs.map((topic) => ({ topic, partitions: [partition] }));
  // Of all topics where the group reads none.
  const found = (await fetchCommitted(client, groupId, asked)).filter((position) => position.partition === partition);
  const progress = readProgress(found);
  return holdLease(parts, producer, found, progress);
}

function holdLease(
  parts: LeaseParts,
  producer: Producer,
  found: readonly Position[],
  { next, commits }: Progress,
): KafkaLease {
  const { client, group, groupId, partition } = parts;
  const { options } = client;
  const committed = new Map(found.map(({ topic, offset }) => [topic, offset]));
  let count = commits;
  let current = next;
  let last: Promise<void> = Promise.resolve();
  let ended: Error | undefined;

  async function commitOnce(commit: Commit): Promise<void> {
    if (ended) throw ended;
    requireNext(commit);
    const rounds = await plan(parts, commit);
    const positions = merge(commit.positions);
    const started = performance.now();
    let offsetsMs = 0;
    try {
      const transaction = await producer.transaction();
      await sendPositions(transaction, positions, writeProgress({ next: commit.next, commits: count + 1n }), started);
      offsetsMs = performance.now() - started;
      for (const round of rounds) await sendRound(transaction, round);
      await transaction.commit();
    } catch (error) {
      ended = outcome(error, rounds);
      discard(producer);
      throw ended;
    }
    count++;
    current = commit.next;
    for (const [topic, offset] of positions) committed.set(topic, offset);
    options.observer.committed?.(group, partition, performance.now() - started, offsetsMs);
  }

  /** The lease can be the newest and its holder behind all the same: it was suspended, another one decided, and it took the lease back. */
  function requireNext({ from }: Commit): void {
    if (from === undefined || from === (current ?? 0n)) return;
    ended = new FatalError(
      'fenced',
      `lease of ${group} on partition ${partition}; it is to go on from ${from}, and N is ${current ?? 0n}: another process decided in between; this one stops, it committed nothing`,
    );
    discard(producer);
    options.observer.fenced?.(group, partition);
    parts.lost();
    throw ended;
  }

  /** What will be committed: never less than before, and somewhere to write N to. */
  function merge(positions: readonly Position[]): Map<string, bigint> {
    const merged = new Map<string, bigint>();
    for (const { topic, offset } of positions) {
      const before = committed.get(topic) ?? -1n;
      merged.set(topic, offset > before ? offset : before);
    }
    if (merged.size > 0) return merged;
    if (committed.size > 0) return new Map(committed);
    const carrier = parts.inputs[0];
    if (carrier === undefined)
      throw new FatalError(
        'no-input',
        `group ${group}; it reads no topic with partition ${partition}, so N has no place; name the group in a topic`,
      );
    return new Map([[carrier, 0n]]);
  }

  async function sendPositions(
    transaction: Transaction,
    positions: ReadonlyMap<string, bigint>,
    metadata: string,
    started: number,
  ): Promise<void> {
    const topics = [...positions].map(([topic, offset]) => ({
      topic,
      partitions: [{ partition, offset: String(offset), metadata }],
    }));
    for (;;) {
      try {
        return await transaction.sendOffsets({ consumerGroupId: groupId, topics });
      } catch (error) {
        if (typeOf(error) !== 'CONCURRENT_TRANSACTIONS') throw error;
        if (performance.now() - started > options.transactionTimeoutMs) throw error;
        await sleep(BUSY_PAUSE_MS);
      }
    }
  }

  async function sendRound(transaction: Transaction, round: Round): Promise<void> {
    const answers = await transaction.sendBatch({
      acks: ALL_IN_SYNC,
      timeout: options.requestTimeoutMs,
      compression: client.codec,
      topicMessages: round.map(({ topic, partition: to, messages }) => ({
        topic,
        messages: messages.map((message) => toKafka(message, to)),
      })),
    });
    requireAnswers(round, answers);
  }

  function outcome(error: unknown, rounds: readonly Round[]): Error {
    const place = `lease of ${group} on partition ${partition}`;
    if (isFencing(error)) {
      options.observer.fenced?.(group, partition);
      if (ended === undefined) parts.lost();
      return new FatalError(
        'fenced',
        `${place}; a later one was taken, or its transaction was open for too long: another process may have taken over; this one stops, it committed nothing`,
        { cause: error },
      );
    }
    if (isPermanent(error)) return refused(place, error);
    options.observer.unknownOutcome?.(group, partition);
    return new TransientError(
      'outcome-unknown',
      `${place}; ${describe(error)}${suspects(error, rounds)}; the commit took effect or not: take the lease anew, its positions tell`,
      { cause: error },
    );
  }

  return {
    partition,
    next,
    positions: found.map(({ topic, offset }) => ({ topic, partition, offset })),
    commit(commit) {
      const result = last.then(() => commitOnce(commit));
      last = result.catch(() => undefined);
      return result;
    },
    current: () => (ended === undefined ? current : undefined),
    end(why) {
      ended ??= new FatalError(
        'fenced',
        `lease of ${group} on partition ${partition}; ${why}; this one stops, it committed nothing`,
      );
      void last.then(() => producer.disconnect()).catch(() => undefined);
    },
    async close() {
      await last;
      ended ??= new FatalError(
        'log-closed',
        `lease of ${group} on partition ${partition}; the log was closed; this is a mistake in the program`,
      );
      await producer.disconnect().catch(() => undefined);
    },
  };
}

type Round = { topic: string; partition: number; messages: OutMessage[] }[];

/** The client does not say which topic is gone. */
function suspects(error: unknown, rounds: readonly Round[]): string {
  if (typeOf(error) !== 'UNKNOWN_TOPIC_OR_PARTITION') return '';
  const topics = new Set(rounds.flatMap((round) => round.map(({ topic }) => topic)));
  return ` (one of ${[...topics].join(', ')} may have been deleted)`;
}

/** Requests of a transaction, one after another: in each, one batch of each topic. */
async function plan({ client, partition, topicOf }: LeaseParts, { outputs, lines }: Commit): Promise<Round[]> {
  const byTopic = new Map<string, OutMessage[]>();
  for (const [name, messages] of outputs) if (messages.length > 0) byTopic.set(name, [...messages]);
  for (const [name, written] of lines ?? []) byTopic.set(name, [...(byTopic.get(name) ?? []), ...linesOf(written)]);
  const rounds: Round[] = [];
  for (const [name, messages] of byTopic) {
    const topic = topicOf(name);
    const to = partition % topic.partitions;
    const limits = { maxMessageBytes: topic.maxMessageBytes, codec: client.codec };
    const runs = await splitByBytes(`${name}-${to}`, messages, limits);
    runs.forEach((run, i) => (rounds[i] ??= []).push({ topic: name, partition: to, messages: run }));
  }
  return rounds;
}

/** One message a line, without its line feed. */
function linesOf({ bytes, lengths, headers }: Lines): OutMessage[] {
  const messages: OutMessage[] = [];
  let at = 0;
  for (let i = 0; i < lengths.length; i++) {
    const value = bytes.subarray(at, at + lengths[i]! - 1);
    const own = headers?.[i];
    messages.push(own === undefined ? { value } : { value, headers: own });
    at += lengths[i]!;
  }
  return messages;
}

/** A producer that met an error has sequence numbers and a state that nobody can trust. */
function discard(producer: Producer): void {
  void producer.disconnect().catch(() => undefined);
}
