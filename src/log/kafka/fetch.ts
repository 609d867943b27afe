/**
 * Fetches partitions into bounded queues. One request is on its way to each broker; a partition takes part in it while it has a position, is not
 * paused, and its queue and all queues together have room. What is queued stays compressed until it is taken.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { FatalError } from '../../errors.ts';
import type { Client } from './client.ts';
import { describe, isOutOfRange, isPermanent, typeOf } from './failures.ts';
import { type Cluster, type FetchedPartition, READ_COMMITTED } from './internals.ts';
import { clear, type Lane, newLane } from './lane.ts';
import { listEnd } from './offsets.ts';
import { refused } from './persist.ts';
import { belowStart, beyondEnd, topicGone } from './reading-errors.ts';
import { openRecordSet } from './record-set.ts';

/** How long a broker holds a fetch that finds nothing; less while a partition stands aside, which waits for its turn as long when it may go on. */
const WAIT_MS = 500;
const SHORT_WAIT_MS = 100;
/** Longer where nothing has come for a while: a partition that is given to this process, or begins again, waits as long for its turn. */
const QUIET_WAIT_MS = 2000;
const QUIET_AFTER_MS = 5000;
const FETCH_BYTES = 8 << 20;
const PARTITION_BYTES = 1 << 20;
/** Compressed bytes waiting in all queues of a consumer. */
const QUEUED_BYTES = 16 << 20;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1000;

export interface Fetcher {
  add(topic: string, partition: number, position?: bigint): Lane;
  remove(lane: Lane): void;
  /** Forgets what is queued and goes on from there. */
  seek(lane: Lane, position: bigint): void;
  /** Looks again for what can be fetched: after a lane was resumed or emptied. */
  pump(): void;
  close(): void;
}

export function createFetcher(
  { options }: Client,
  cluster: Cluster,
  events: { arrived(): void; failed(error: Error): void; refreshed(): void },
): Fetcher {
  const lanes = new Set<Lane>();
  const busy = new Set<number>();
  let queuedBytes = 0;
  let pauseMs = FIRST_PAUSE_MS;
  let looking = false;
  /** When a lane was added or moved, or anything came. */
  let stirredMs = performance.now();
  /** Since when fetches of a topic or offset have failed in a way that may pass. */
  const trouble = new Map<string, number>();
  let closed = false;

  function pump(): void {
    if (closed) return;
    for (const [leader, list] of wanted()) void fetch(leader, list);
  }

  function wanted(): Map<number, Lane[]> {
    const byLeader = new Map<number, Lane[]>();
    if (queuedBytes >= QUEUED_BYTES) return byLeader;
    const alone = new Map<number, Lane>();
    for (const lane of lanes) {
      if (!canFetch(lane)) continue;
      const leader = leaderOf(lane);
      if (leader === undefined) void findLeader(lane);
      else if (busy.has(leader)) continue;
      else if (lane.aloneFromMs !== undefined) {
        if (lane.aloneFromMs <= performance.now()) alone.set(leader, lane);
      } else {
        const list = byLeader.get(leader);
        if (list === undefined) byLeader.set(leader, [lane]);
        else list.push(lane);
      }
    }
    for (const [leader, lane] of alone) byLeader.set(leader, [lane]);
    return byLeader;
  }

  function waitMs(): number {
    for (const lane of lanes) if (!canFetch(lane) || lane.aloneFromMs !== undefined) return SHORT_WAIT_MS;
    return performance.now() - stirredMs < QUIET_AFTER_MS ? WAIT_MS : QUIET_WAIT_MS;
  }

  /** Others go on meanwhile. */
  async function findLeader({ topic, partition }: Lane): Promise<void> {
    if (looking) return;
    looking = true;
    try {
      options.warn(`${topic}-${partition}; it has no leader; looking again`);
      await sleep(LONGEST_PAUSE_MS);
      if (!closed)
        await cluster.refreshMetadata().catch((failure: unknown) => options.warn(`metadata; ${describe(failure)}`));
    } finally {
      looking = false;
    }
    pump();
  }

  function leaderOf({ topic, partition }: Lane): number | undefined {
    try {
      const found = cluster.findTopicPartitionMetadata(topic).find(({ partitionId }) => partitionId === partition);
      return found === undefined || found.leader < 0 ? undefined : found.leader;
    } catch {
      return undefined;
    }
  }

  async function fetch(leader: number, asked: readonly Lane[]): Promise<void> {
    busy.add(leader);
    const positions = new Map(asked.map((lane) => [lane, lane.position!]));
    try {
      await cluster.refreshMetadataIfNecessary();
      events.refreshed();
      if (closed) return;
      const broker = await cluster.findBroker({ nodeId: leader });
      // Closed while it was being connected: nobody else would end this connection, and it keeps the process alive.
      if (closed) return await cluster.disconnect();
      const { responses } = await broker.fetch({
        maxWaitTime: waitMs(),
        minBytes: 1,
        maxBytes: FETCH_BYTES,
        isolationLevel: READ_COMMITTED,
        topics: topicsOf(positions),
        rackId: '',
      });
      for (const { topicName, partitions } of responses)
        for (const answer of partitions) {
          const lane = asked.find(({ topic, partition }) => topic === topicName && partition === answer.partition);
          // A lane that was moved or taken away meanwhile gets nothing of the old place.
          if (lane && lanes.has(lane) && lane.position === positions.get(lane)) receive(lane, answer);
        }
      pauseMs = FIRST_PAUSE_MS;
      for (const { topic, partition } of asked) {
        trouble.delete(topic);
        trouble.delete(`${topic}-${partition}`);
      }
      for (const lane of asked) lane.aloneFromMs = undefined;
      events.arrived();
    } catch (error) {
      await recover(error, isOutOfRange(error) ? `${error.topic}-${error.partition}` : asked[0]?.topic, asked);
    } finally {
      busy.delete(leader);
    }
    pump();
  }

  function receive(lane: Lane, answer: FetchedPartition): void {
    lane.high = BigInt(answer.highWatermark);
    const stable = BigInt(answer.lastStableOffset);
    if (stable >= lane.high || stable !== lane.stable)
      lane.openSinceMs = stable < lane.high ? performance.now() : undefined;
    lane.stable = stable;
    const from = lane.position!;
    const place = `${lane.topic}-${lane.partition}`;
    lane.taken ??= from;
    const set = openRecordSet(answer.messages, from, answer.abortedTransactions ?? [], place);
    // Nothing may also mean that a partition before it filled the answer.
    lane.caughtUp = set.end >= stable;
    if (set.end === from) return;
    stirredMs = performance.now();
    // To the end of the queue: a broker fills an answer in the order of the request.
    lanes.delete(lane);
    lanes.add(lane);
    lane.position = set.end;
    lane.sets.push(set);
    lane.queuedBytes += set.sizeBytes;
    queuedBytes += set.sizeBytes;
  }

  /** What may pass is tried again after a pause; what cannot pass, or lasts too long, ends the consumer. */
  async function recover(error: unknown, subject: string | undefined, asked: readonly Lane[]): Promise<void> {
    if (closed) return;
    const fatal = isPermanent(error) ? refused(`fetch of ${subject}`, error) : await verdict(error, subject ?? '');
    if (fatal) return fail(fatal);
    options.warn(`fetch of ${subject}; ${describe(error)}; trying again`);
    setAside(error, asked);
    // The broker is left alone meanwhile; others are not.
    await sleep(pauseMs);
    pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
    if (!closed)
      await cluster.refreshMetadata().catch((failure: unknown) => options.warn(`metadata; ${describe(failure)}`));
  }

  /** The client fails a whole answer for one partition, and does not always say which. */
  function setAside(error: unknown, asked: readonly Lane[]): void {
    const guilty = isOutOfRange(error)
      ? asked.filter(({ topic, partition }) => topic === error.topic && partition === error.partition)
      : isAnswer(error)
        ? asked
        : [];
    for (const lane of guilty)
      lane.aloneFromMs = performance.now() + (lane.aloneFromMs === undefined ? 0 : LONGEST_PAUSE_MS);
    if (guilty.length > 0) setTimeout(pump, LONGEST_PAUSE_MS + 1);
  }

  async function verdict(error: unknown, subject: string): Promise<FatalError | undefined> {
    const unknownTopic = typeOf(error) === 'UNKNOWN_TOPIC_OR_PARTITION';
    if (!isOutOfRange(error) && !unknownTopic) return undefined;
    const since = trouble.get(subject) ?? performance.now();
    trouble.set(subject, since);
    const patient = performance.now() - since < options.patienceMs;
    if (unknownTopic) return patient ? undefined : topicGone(subject);
    const { topic, partition } = error as { topic: string; partition: number };
    const lane = [...lanes].find((one) => one.topic === topic && one.partition === partition);
    if (lane?.position === undefined) return undefined;
    const start = (await listEnd(cluster, topic, [partition], 'start').catch(() => undefined))?.get(partition);
    if (start !== undefined && lane.position < start) return belowStart(lane, start);
    return patient ? undefined : beyondEnd(lane);
  }

  function fail(error: Error): void {
    close();
    events.failed(error);
  }

  function close(): void {
    closed = true;
    lanes.clear();
  }

  function forget(lane: Lane): void {
    queuedBytes -= lane.queuedBytes;
    clear(lane);
  }

  return {
    add(topic, partition, position) {
      const lane = newLane(topic, partition, position);
      lanes.add(lane);
      stirredMs = performance.now();
      return lane;
    },
    remove(lane) {
      forget(lane);
      lanes.delete(lane);
    },
    seek(lane, position) {
      forget(lane);
      lane.position = position;
      stirredMs = performance.now();
      pump();
    },
    pump() {
      queuedBytes = 0;
      for (const lane of lanes) queuedBytes += lane.queuedBytes;
      pump();
    },
    close,
  };
}

const canFetch = ({ paused, position, queuedBytes }: Lane): boolean =>
  !paused && position !== undefined && queuedBytes < PARTITION_BYTES;

/** The broker said it, not the connection. */
const isAnswer = (error: unknown): boolean => /^[A-Z][A-Z_]+$/.test(typeOf(error));

function topicsOf(positions: ReadonlyMap<Lane, bigint>) {
  const topics = new Map<string, { partition: number; fetchOffset: string; maxBytes: number }[]>();
  for (const [{ topic, partition }, offset] of positions) {
    const list = topics.get(topic) ?? [];
    list.push({ partition, fetchOffset: String(offset), maxBytes: PARTITION_BYTES });
    topics.set(topic, list);
  }
  return [...topics].map(([topic, partitions]) => ({ topic, partitions }));
}
