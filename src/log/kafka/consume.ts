import { setTimeout as sleep } from 'node:timers/promises';
import type { Batch, Consumer, Polled, PollOptions } from '../port.ts';
import type { Client } from './client.ts';
import { createCommitter } from './commits.ts';
import { createFetcher } from './fetch.ts';
import { gather } from './gather.ts';
import type { Cluster } from './internals.ts';
import { hasMessages, lagOf, type Lane, take } from './lane.ts';
import { joinGroup, type Membership } from './membership.ts';
import { fetchCommitted, listEnd } from './offsets.ts';
import type { Lag } from './options.ts';
import { persist } from './persist.ts';
import { notMember, topicGrown, unanswered } from './reading-errors.ts';

/**
 * A partition gets at least this much of a poll before the next one's turn: when there is much to read, a little less than a block, so that few
 * large blocks, requests and transactions come of it and not many small ones.
 */
const FAIR_BYTES = 448 << 10;
/** Small messages cost by their number: more than these would hold the event loop for too long. */
const MESSAGES_A_POLL = 2000;

/** Looks, within the time that nobody may poll, whether anybody did; and the most time between two. */
const WATCHES = 4;
const LONGEST_WATCH_MS = 10_000;

interface Bounds {
  readonly start: bigint;
  readonly end: bigint;
}

export interface KafkaConsumer extends Consumer {
  /** Whether the group gives this partition to this consumer now, as far as it knows. */
  owns(partition: number): boolean;
  /** A later lease took the partition: have it revoked, and shared out anew. */
  lost(partition: number): void;
  lag(): Lag[];
}

export interface ConsumerParts {
  readonly client: Client;
  /** Its own: a member that waits for a rebalance holds up whatever follows on the same connection. */
  readonly cluster: Cluster;
  /** Partitions of each topic. */
  readonly counts: ReadonlyMap<string, number>;
  readonly group: string;
  /** On the broker; undefined for a reader, which belongs to no group. */
  readonly groupId: string | undefined;
  /** The partition is not this consumer's any more. */
  readonly dropped: (partition: number) => void;
  readonly closed: () => void;
}

export async function openConsumer(parts: ConsumerParts): Promise<KafkaConsumer> {
  const { client, cluster, counts, group, groupId } = parts;
  const { options } = client;
  const topics = [...counts.keys()];
  await persist({ options, cluster }, `topics ${topics.join()}`, async () => {
    await cluster.connect();
    await cluster.addMultipleTargetTopics(topics);
  });
  const lanes = new Map<number, Lane[]>();
  const boundsOf = new Map<string, (partition: number) => Promise<Bounds | undefined>>();
  /** Not yet told to the caller. */
  let assigned: number[] = [];
  let revoked: number[] = [];
  let failure: Error | undefined;
  let closed = false;
  let wake: (() => void) | undefined;
  let polledMs = performance.now();
  /** Left the group because nobody polls. */
  let asleep = false;
  let turn = 0;

  const awaken = (): void => wake?.();
  const failed = (error: Error): void => {
    failure ??= error;
    awaken();
  };
  const fetcher = createFetcher(client, cluster, { arrived: awaken, failed, refreshed: requireSameSize });
  let membership = groupId === undefined ? undefined : join(groupId);
  const committer =
    groupId === undefined
      ? undefined
      : createCommitter({
          client,
          groupId,
          membership: () => membership!,
          // A topic that is not read here is nobody's: what is said of it counts as long as this is a member.
          owns: ({ topic, partition }) => !topics.includes(topic) || lanes.has(partition),
        });
  if (groupId === undefined)
    share(
      Array.from({ length: Math.max(...counts.values()) }, (_, p) => p),
      false,
    );
  const watchdog = setInterval(watch, Math.min(LONGEST_WATCH_MS, options.maxPollMs / WATCHES));
  watchdog.unref();

  function join(id: string): Membership {
    return joinGroup(client, cluster, id, counts, {
      assigned(partitions, continuous) {
        options.observer.rebalanced?.(group, partitions.length);
        share(partitions, continuous);
      },
      failed,
    });
  }

  /** Partitions that were added are in nobody's share: nothing would ever read them. */
  function requireSameSize(): void {
    for (const [topic, count] of counts) {
      const found = cluster.findTopicPartitionMetadata(topic).length;
      if (found > count) failed(topicGrown(topic, found, count));
    }
  }

  /** The group gave these partitions to this consumer, and no others. */
  function share(partitions: readonly number[], continuous: boolean): void {
    const kept = new Set(continuous ? partitions : []);
    for (const partition of [...lanes.keys()]) if (!kept.has(partition)) drop(partition);
    const fresh = partitions.filter((partition) => !lanes.has(partition));
    for (const partition of fresh) {
      lanes.set(
        partition,
        topics.filter((topic) => partition < counts.get(topic)!).map((topic) => fetcher.add(topic, partition)),
      );
    }
    assigned.push(...fresh);
    void locate(fresh);
    awaken();
  }

  function drop(partition: number): void {
    for (const lane of lanes.get(partition) ?? []) fetcher.remove(lane);
    lanes.delete(partition);
    committer?.forget(partition);
    parts.dropped(partition);
    if (assigned.includes(partition)) assigned = assigned.filter((other) => other !== partition);
    else revoked.push(partition);
  }

  /** Positions as committed, else the start of the log; a seek may come first. */
  async function locate(partitions: readonly number[]): Promise<void> {
    const waiting = partitions.flatMap((partition) => lanes.get(partition) ?? []);
    try {
      const places = topics.map((topic) => ({
        topic,
        partitions: waiting.filter((l) => l.topic === topic).map((l) => l.partition),
      }));
      const asked = places.filter((place) => place.partitions.length > 0);
      if (asked.length === 0) return;
      const committed = groupId === undefined ? [] : await fetchCommitted(client, groupId, asked);
      for (const { topic, partitions: numbers } of asked) {
        const starts = await persist(client, `start of ${topic}`, () =>
          listEnd(client.cluster, topic, numbers, 'start'),
        );
        for (const lane of waiting) {
          if (lane.topic !== topic || lane.position !== undefined) continue;
          const found = committed.find((c) => c.topic === topic && c.partition === lane.partition);
          lane.position = found?.offset ?? starts.get(lane.partition);
        }
      }
      fetcher.pump();
    } catch (error) {
      if (!closed) failed(error as Error);
    }
  }

  /** Heartbeats prove that the process lives; this, that its reader does. */
  function watch(): void {
    if (membership === undefined || asleep || performance.now() - polledMs < options.maxPollMs) return;
    asleep = true;
    options.warn(`group ${groupId}; nobody polled for ${options.maxPollMs / 1000} s; leaving until somebody does`);
    for (const partition of [...lanes.keys()]) drop(partition);
    void membership.leave();
  }

  function isReady(): boolean {
    if (failure !== undefined || closed || assigned.length > 0 || revoked.length > 0) return true;
    return [...lanes.values()].some((list) => list.some((lane) => !lane.paused && hasMessages(lane)));
  }

  /** A reader asks for what there is, whatever `waitMs` says: it knows only when every partition has answered. */
  function isReading(): boolean {
    if (groupId !== undefined) return false;
    return ![...lanes.values()].every((list) => list.every(({ paused, caughtUp }) => paused || caughtUp));
  }

  /** @returns false when the time was over, or the signal aborted, before anything came */
  async function wait(startedMs: number, { waitMs, signal }: PollOptions): Promise<boolean> {
    for (;;) {
      if (isReady()) return true;
      const limitMs = isReading() ? Math.max(waitMs, options.retryMs) : waitMs;
      const leftMs = startedMs + limitMs - performance.now();
      if (leftMs <= 0 || signal?.aborted === true) return false;
      await new Promise<void>((resolve) => {
        const end = (): void => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', end);
          wake = undefined;
          resolve();
        };
        const timer = setTimeout(end, leftMs);
        signal?.addEventListener('abort', end, { once: true });
        wake = end;
      });
    }
  }

  function readBatches(maxBytes: number): Batch[] {
    const ready = [...lanes.values()].flat().filter((lane) => !lane.paused && hasMessages(lane));
    const share = Math.max(FAIR_BYTES, Math.floor(maxBytes / Math.max(1, ready.length)));
    const batches: Batch[] = [];
    let left = maxBytes;
    let room = MESSAGES_A_POLL;
    const first = turn;
    for (let i = 0; i < ready.length && ((left > 0 && room > 0) || batches.length === 0); i++) {
      const lane = ready[(first + i) % ready.length]!;
      const messages = take(lane, Math.min(left, share), room);
      if (messages.length === 0) continue;
      for (const { value } of messages) left -= value.byteLength;
      room -= messages.length;
      batches.push({ topic: lane.topic, partition: lane.partition, messages });
    }
    turn += Math.max(1, batches.length);
    fetcher.pump();
    return batches;
  }

  function askBounds(topic: string, partitions: readonly number[]): Promise<Map<number, Bounds>> {
    return persist(client, `ends of ${topic}-${partitions.join()}`, async () => {
      const start = await listEnd(client.cluster, topic, partitions, 'start');
      const end = await listEnd(client.cluster, topic, partitions, 'high');
      return new Map(partitions.map((p) => [p, { start: start.get(p)!, end: end.get(p)! }]));
    });
  }

  const laneOf = (topic: string, partition: number): Lane | undefined =>
    lanes.get(partition)?.find((lane) => lane.topic === topic);

  return {
    async poll(poll): Promise<Polled> {
      const startedMs = performance.now();
      polledMs = startedMs;
      if (asleep && groupId !== undefined && !closed) {
        asleep = false;
        membership = join(groupId);
      }
      for (;;) {
        const ready = await wait(startedMs, poll);
        polledMs = performance.now();
        if (failure !== undefined) throw failure;
        // One after the other: a number may be in both, for a partition that was away in between.
        if (revoked.length > 0) return { assigned: [], revoked: revoked.splice(0), batches: [] };
        if (assigned.length > 0) return { assigned: assigned.splice(0), revoked: [], batches: [] };
        const batches = closed ? [] : readBatches(poll.maxBytes);
        // What was fetched may hold nothing but markers and aborted records: then there is more to wait for.
        if (ready && batches.length === 0 && !closed) continue;
        if (!ready && isReading() && poll.signal?.aborted !== true) throw unanswered(topics, options.retryMs);
        return { assigned: [], revoked: [], batches };
      }
    },
    seek({ topic, partition, offset }) {
      const lane = laneOf(topic, partition);
      if (lane) fetcher.seek(lane, offset);
    },
    pause(topic, partition) {
      const lane = laneOf(topic, partition);
      if (lane) lane.paused = true;
    },
    resume(topic, partition) {
      const lane = laneOf(topic, partition);
      if (lane === undefined) return;
      lane.paused = false;
      fetcher.pump();
      awaken();
    },
    commit(positions) {
      if (committer !== undefined) return committer.commit(positions);
      throw notMember(topics);
    },
    async committed(topic, partition) {
      if (groupId === undefined) return undefined;
      return (await fetchCommitted(client, groupId, [{ topic, partitions: [partition] }]))[0]?.offset;
    },
    async bounds(topic, partition) {
      const ends = boundsOf.get(topic) ?? gather((partitions) => askBounds(topic, partitions));
      boundsOf.set(topic, ends);
      return (await ends(partition))!;
    },
    owns: (partition) => lanes.has(partition),
    lost(partition) {
      if (!lanes.has(partition)) return;
      drop(partition);
      awaken();
      membership?.rejoin();
    },
    lag: () => [...lanes.values()].flat().map((lane) => lagOf(group, lane)),
    async close() {
      if (closed) return;
      closed = true;
      clearInterval(watchdog);
      fetcher.close();
      awaken();
      // What is under way is waited for, unless the broker is away.
      await Promise.race([committer?.settled(), sleep(options.requestTimeoutMs, undefined, { ref: false })]);
      await membership?.leave();
      await cluster.disconnect().catch(() => undefined);
      parts.closed();
    },
  };
}
