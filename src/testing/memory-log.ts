/** A log in memory, for tests of stages and of users' topologies: the same semantics, and faults that a real one cannot inject. */
import { ConfigError, FatalError, TransientError } from '../errors.ts';
import type {
  Batch,
  Commit,
  Consumer,
  Lease,
  Log,
  Message,
  OutMessage,
  Polled,
  PollOptions,
  Position,
  TopicSpec,
} from '../log/port.ts';

export interface MemoryLog extends Log {
  /** Everything in one partition, oldest first. */
  messages(topic: string, partition: number): readonly Message[];
  /** The next commit of any lease fails with this error; `after`: although it took effect. */
  failCommit(error: TransientError, when: 'before' | 'after'): void;
}

interface Committed {
  epoch: number;
  next: bigint | undefined;
  readonly positions: Map<string, bigint>;
}

export function createMemoryLog(now: () => number = Date.now): MemoryLog {
  const specs = new Map<string, TopicSpec>();
  const partitions = new Map<string, Message[]>();
  const committed = new Map<string, Committed>();
  const groupPositions = new Map<string, bigint>();
  let waiting: (() => void)[] = [];
  let fault: { error: TransientError; when: 'before' | 'after' } | undefined;

  const keyOf = (topic: string, partition: number) => `${topic}-${partition}`;

  function partitionOf(topic: string, partition: number): Message[] {
    const messages = partitions.get(keyOf(topic, partition));
    if (messages === undefined)
      throw new ConfigError('topic', `topic ${keyOf(topic, partition)}; there is none; create it with ensureTopics`);
    return messages;
  }

  function append(topic: string, partition: number, messages: readonly OutMessage[]): bigint {
    const into = partitionOf(topic, partition);
    const first = BigInt(into.length);
    for (const { value, key } of messages) {
      into.push({
        offset: BigInt(into.length),
        timestampMs: now(),
        value: value.slice(),
        ...(key === undefined ? {} : { key }),
      });
    }
    for (const wake of waiting.splice(0)) wake();
    return first;
  }

  function committedOf(group: string, partition: number): Committed {
    const key = `${group}/${partition}`;
    let entry = committed.get(key);
    if (entry === undefined) committed.set(key, (entry = { epoch: 0, next: undefined, positions: new Map() }));
    return entry;
  }

  function apply(group: string, partition: number, epoch: number, commit: Commit): void {
    const entry = committedOf(group, partition);
    if (entry.epoch !== epoch)
      throw new FatalError('fenced', `lease of ${group}-${partition}; a later one was taken; stop this process`);
    if (commit.from !== undefined && commit.from !== (entry.next ?? 0n))
      throw new FatalError(
        'fenced',
        `lease of ${group}-${partition}; N is ${entry.next}, not ${commit.from}; stop this process`,
      );
    const placeOf = (topic: string) => partition % (specs.get(topic)?.partitions ?? 1);
    for (const [topic, messages] of commit.outputs) append(topic, placeOf(topic), messages);
    for (const [topic, { bytes, lengths }] of commit.lines ?? []) {
      let at = 0;
      for (const length of lengths) append(topic, placeOf(topic), [{ value: bytes.subarray(at, (at += length) - 1) }]);
    }
    for (const position of commit.positions) entry.positions.set(position.topic, position.offset);
    entry.next = commit.next;
  }

  function lease(group: string, partition: number): Lease {
    const entry = committedOf(group, partition);
    const epoch = ++entry.epoch;
    return {
      partition,
      next: entry.next,
      positions: [...entry.positions].map(([topic, offset]) => ({ topic, partition, offset })),
      async commit(commit) {
        const injected = fault;
        fault = undefined;
        if (injected?.when !== 'before') apply(group, partition, epoch, commit);
        if (injected) throw injected.error;
      },
    };
  }

  function consumer(group: string, topics: readonly string[]): Consumer {
    const positions = new Map<string, bigint>();
    const paused = new Set<string>();
    let assigned: number[] | undefined;

    const mine = () =>
      topics.flatMap((topic) =>
        Array.from({ length: specs.get(topic)?.partitions ?? 0 }, (_, partition) => ({ topic, partition })),
      );
    let turn = 0;

    /** Each read begins one partition further on, so that none starves. */
    function read(maxBytes: number): Batch[] {
      const batches: Batch[] = [];
      let bytes = 0;
      const all = mine();
      const first = all.length === 0 ? 0 : turn++ % all.length;
      for (const { topic, partition } of [...all.slice(first), ...all.slice(0, first)]) {
        const key = keyOf(topic, partition);
        if (paused.has(key) || bytes >= maxBytes) continue;
        const messages = partitionOf(topic, partition);
        const start = Number(positions.get(key) ?? groupPositions.get(`${group}/${key}`) ?? 0n);
        let end = start;
        while (end < messages.length && (bytes < maxBytes || end === start)) bytes += messages[end++]!.value.length;
        if (end === start) continue;
        batches.push({ topic, partition, messages: messages.slice(start, end) });
        positions.set(key, BigInt(end));
      }
      return batches;
    }

    async function wait({ waitMs, signal }: PollOptions): Promise<void> {
      if (signal?.aborted) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.push(resolve);
      const timer = setTimeout(resolve, waitMs);
      signal?.addEventListener('abort', () => resolve(), { once: true });
      await promise;
      clearTimeout(timer);
    }

    return {
      async poll(options): Promise<Polled> {
        const news =
          assigned === undefined ? Array.from({ length: specs.get(topics[0]!)?.partitions ?? 0 }, (_, p) => p) : [];
        assigned ??= news;
        let batches = news.length > 0 ? [] : read(options.maxBytes);
        if (news.length === 0 && batches.length === 0 && options.waitMs > 0) {
          await wait(options);
          batches = read(options.maxBytes);
        }
        return { assigned: news, revoked: [], batches };
      },
      seek: ({ topic, partition, offset }) => void positions.set(keyOf(topic, partition), offset),
      pause: (topic, partition) => void paused.add(keyOf(topic, partition)),
      resume(topic, partition) {
        paused.delete(keyOf(topic, partition));
        for (const go of waiting.splice(0)) go();
      },
      async commit(moves: readonly Position[]) {
        for (const { topic, partition, offset } of moves) {
          const key = `${group}/${keyOf(topic, partition)}`;
          if (offset > (groupPositions.get(key) ?? -1n)) groupPositions.set(key, offset);
        }
      },
      committed: async (topic, partition) => groupPositions.get(`${group}/${keyOf(topic, partition)}`),
      bounds: async (topic, partition) => ({ start: 0n, end: BigInt(partitionOf(topic, partition).length) }),
      close: async () => undefined,
    };
  }

  return {
    async ensureTopics(wanted) {
      for (const spec of wanted) {
        const known = specs.get(spec.name);
        if (known !== undefined && (known.partitions !== spec.partitions || known.kind !== spec.kind))
          throw new ConfigError(
            'topic',
            `topic ${spec.name}; it has ${known.partitions} partitions of kind ${known.kind}; create it anew`,
          );
        specs.set(spec.name, spec);
        for (let p = 0; p < spec.partitions; p++)
          if (!partitions.has(keyOf(spec.name, p))) partitions.set(keyOf(spec.name, p), []);
      }
    },
    producer: () => ({ append: async (topic, partition, messages) => append(topic, partition, messages) }),
    consumer: async (group, topics) => consumer(group, topics),
    lease: async (group, partition) => lease(group, partition),
    progress: async (group, partition) => committed.get(`${group}/${partition}`)?.next,
    positions: async (group, topic) => {
      const found = new Map<number, bigint>();
      for (let p = 0; p < (specs.get(topic)?.partitions ?? 0); p++) {
        const offset = groupPositions.get(`${group}/${keyOf(topic, p)}`);
        if (offset !== undefined) found.set(p, offset);
      }
      return found;
    },
    maxValueBytes: async () => Number.MAX_SAFE_INTEGER,
    close: async () => undefined,
    messages: partitionOf,
    failCommit: (error, when) => {
      fault = { error, when };
    },
  };
}
