import type { OutMessage } from '../port.ts';
import { type Catalog, loadPartition, type Partition, storePartition, type Topic } from './catalog.ts';
import type { Environment } from './environment.ts';
import { compactionKey, messageKey, numberKey, readU64, TAG, u64 } from './layout.ts';

/** Room for copied tree pages, per message, when the file's length is ensured. */
const PAGES_PER_MESSAGE_BYTES = 4 * 16384;

/** The write transaction under way; a process has one at a time. `begin` and what follows are called inside it. */
export interface Transaction {
  /** Finds out whether another process wrote since the last one, and takes the time. */
  begin(bytes: number, messages: number): void;
  /** Appends to a partition kept in LMDB. @returns the first offset. */
  append(topic: Topic, partition: Partition, messages: readonly OutMessage[]): bigint;
  /** Puts what changed: partitions, lengths of output files, the log's state. */
  end(lengths: ReadonlyMap<Topic, bigint>): void;
  /** After the commit: what was put is what readers see now. @returns the partitions to tell them of. */
  committed(): [Topic, Partition][];
  /** After a failed commit: nothing of it happened. */
  failed(): void;
  /**
   * Whether a committed log state shows writes of other processes that a look with the same `seen` has not covered.
   * @returns the new `seen`, or undefined when there is nothing new.
   */
  foreignSince(state: Buffer, seen: string): string | undefined;
}

/** Log state, one value rewritten by each transaction: time u64, writer u64, sequence u64. */
function encodeState(timestampMs: number, writer: bigint, sequence: bigint): Buffer {
  const state = Buffer.alloc(24);
  state.writeBigUInt64BE(BigInt(timestampMs), 0);
  state.writeBigUInt64BE(writer, 8);
  state.writeBigUInt64BE(sequence, 16);
  return state;
}

export function createTransaction(environment: Environment, catalog: Catalog): Transaction {
  const { meta, messages } = environment;
  const identity = BigInt(Math.floor(Math.random() * 2 ** 52)) + 1n;
  const changed = new Map<Topic, Set<Partition>>();
  let lengths: ReadonlyMap<Topic, bigint> = new Map();
  let state = encodeState(0, 0n, 0n);
  let next = state;
  /** How often another process was found to have written in between. */
  let foreign = 0;
  let sequence = 0n;
  let timestampMs = 0;

  function dropEarlier(topic: Topic, partition: Partition, message: OutMessage): void {
    const key = compactionKey(topic.id, partition.number, message.key ?? '');
    const earlier = meta.get(key);
    if (earlier !== undefined) messages.removeSync(messageKey(topic.id, partition.number, readU64(earlier)));
    meta.putSync(key, u64(partition.end));
  }

  return {
    begin(bytes, count) {
      changed.clear();
      environment.ensureLength(2 * bytes + (count + 64) * PAGES_PER_MESSAGE_BYTES);
      const stored = meta.get(numberKey(TAG.state)) ?? state;
      if (!stored.equals(state)) {
        catalog.forget();
        foreign++;
      }
      timestampMs = Math.max(Number(readU64(stored, 0)), Date.now());
      sequence = readU64(stored, 16) + 1n;
    },
    append(topic, partition, list) {
      loadPartition(environment, topic, partition);
      const first = partition.end;
      for (const message of list) {
        if (topic.kind === 'compacted') dropEarlier(topic, partition, message);
        const key = messageKey(topic.id, partition.number, partition.end);
        messages.putSync(key, asStored(topic, message), timestampMs);
        partition.end += 1n;
      }
      const partitions = changed.get(topic);
      if (partitions === undefined) changed.set(topic, new Set([partition]));
      else partitions.add(partition);
      return first;
    },
    end(newLengths) {
      lengths = newLengths;
      for (const [topic, partitions] of changed) {
        for (const partition of partitions) storePartition(environment, topic, partition);
      }
      for (const [topic, length] of lengths) meta.putSync(numberKey(TAG.output, topic.id), u64(length));
      next = encodeState(timestampMs, identity, sequence);
      meta.putSync(numberKey(TAG.state), next);
    },
    committed() {
      state = next;
      const visible: [Topic, Partition][] = [];
      for (const [topic, length] of lengths) {
        topic.lengthBytes = length;
        const partition = topic.partitions[0]!;
        partition.visibleEnd = length;
        visible.push([topic, partition]);
      }
      for (const [topic, partitions] of changed) {
        for (const partition of partitions) {
          partition.visibleEnd = partition.end;
          visible.push([topic, partition]);
        }
      }
      return visible;
    },
    failed() {
      catalog.forget();
    },
    foreignSince(committed, seen) {
      const own = committed.readBigUInt64BE(8) === identity;
      const mark = own ? String(foreign) : committed.toString('hex');
      return mark === seen ? undefined : mark;
    },
  };
}

/** A compacted topic's messages carry their key: length u32, key, value. */
function asStored(topic: Topic, message: OutMessage): Buffer {
  const { value } = message;
  if (topic.kind !== 'compacted') return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const key = Buffer.from(message.key ?? '', 'utf8');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(key.length);
  return Buffer.concat([length, key, value]);
}
