/** What is known of one partition of one topic that is read: where it stands, and what was fetched of it and not yet taken. */
import type { Message } from '../port.ts';
import type { Lag } from './options.ts';
import type { RecordSet } from './record-set.ts';

export interface Lane {
  readonly topic: string;
  readonly partition: number;
  /** Where the next fetch begins; undefined until it is known. */
  position: bigint | undefined;
  paused: boolean;
  sets: RecordSet[];
  queuedBytes: number;
  /** Decoded and not yet taken. */
  messages: Message[];
  /** Behind what was taken; the queue begins there or later. */
  taken: bigint | undefined;
  /** As the last answer said. */
  high: bigint;
  stable: bigint;
  /** Since when `stable` has stood still below `high`. */
  openSinceMs: number | undefined;
  /** The last answer had nothing more. */
  caughtUp: boolean;
  /** Asked for by itself, not before that time: one bad partition must not hold up the others of its broker. */
  aloneFromMs: number | undefined;
}

export function newLane(topic: string, partition: number, position: bigint | undefined): Lane {
  return {
    topic,
    partition,
    position,
    paused: false,
    sets: [],
    queuedBytes: 0,
    messages: [],
    taken: undefined,
    high: -1n,
    stable: -1n,
    openSinceMs: undefined,
    caughtUp: false,
    aloneFromMs: undefined,
  };
}

/** Forgets what is queued. */
export function clear(lane: Lane): void {
  lane.queuedBytes = 0;
  lane.sets = [];
  lane.messages = [];
  lane.taken = undefined;
  lane.caughtUp = false;
}

/** Messages of a lane, oldest first: at least one when it has any, else up to a number of bytes. */
export function take(lane: Lane, maxBytes: number, maxMessages: number): Message[] {
  const taken: Message[] = [];
  let bytes = 0;
  let used = 0;
  for (;;) {
    if (used === lane.messages.length) {
      lane.messages = [];
      used = 0;
      try {
        lane.messages = lane.sets[0]?.nextBatch() ?? [];
      } catch (error) {
        // What comes before a damaged batch is handed out first; the next call meets it again.
        if (taken.length === 0) throw error;
        break;
      }
      if (lane.messages.length === 0) {
        const empty = lane.sets.shift();
        if (empty === undefined) break;
        lane.queuedBytes -= empty.sizeBytes;
        continue;
      }
    }
    const message = lane.messages[used]!;
    if (taken.length > 0 && (bytes + message.value.byteLength > maxBytes || taken.length >= maxMessages)) break;
    bytes += message.value.byteLength;
    taken.push(message);
    used++;
  }
  lane.messages = lane.messages.slice(used);
  const last = taken.at(-1);
  if (last !== undefined) lane.taken = last.offset + 1n;
  return taken;
}

export function hasMessages({ messages, sets }: Lane): boolean {
  return messages.length > 0 || sets.length > 0;
}

export function lagOf(group: string, lane: Lane): Lag {
  const { topic, partition, high, stable, openSinceMs, queuedBytes } = lane;
  const place = hasMessages(lane) ? lane.taken : lane.position;
  const behind = (end: bigint): bigint => (place === undefined || end <= place ? 0n : end - place);
  const openTransactionMs = openSinceMs === undefined ? 0 : performance.now() - openSinceMs;
  return { group, topic, partition, lag: behind(high), stableLag: behind(stable), openTransactionMs, queuedBytes };
}
