import { type Catalog, groupsOf, loadPartition, type Partition, storePartition, type Topic } from './catalog.ts';
import type { Environment } from './environment.ts';
import { messageKey, numberKey, readU64, TAG } from './layout.ts';
import type { Writer } from './writer.ts';

/** Work of one call: partitions looked at, and messages removed. A few milliseconds of the event loop. */
const PARTITIONS_A_CALL = 250;
const MESSAGES_A_CALL = 500;

export interface Trimmer {
  /** A position moved: the partition is worth a look. */
  readonly moved: (topic: Topic, partition: number) => void;
  /** Removes what every registered group has passed. @returns messages removed and whether more may be left. */
  trim(): Promise<{ removed: number; more: boolean }>;
}

/**
 * Protocol rule 15: trimming waits for every group that a topic was declared with, started or not. A topic without groups is kept.
 * Partitions whose positions moved come first; beside them a slow round over all, for what other processes or earlier runs left.
 */
export function createTrimmer(environment: Environment, catalog: Catalog, writer: Writer): Trimmer {
  const candidates = new Map<Topic, Set<number>>();
  let round = 0;

  function takeCandidates(): [Topic, Partition][] {
    const taken: [Topic, Partition][] = [];
    for (const [topic, numbers] of candidates) {
      for (const number of numbers) {
        if (taken.length >= PARTITIONS_A_CALL) return taken;
        numbers.delete(number);
        taken.push([topic, topic.partitions[number]!]);
      }
      candidates.delete(topic);
    }
    const all = [...catalog.topics.values()].filter(isTrimmed);
    const total = all.reduce((sum, topic) => sum + topic.partitions.length, 0);
    for (let i = 0; i < Math.min(total, PARTITIONS_A_CALL - taken.length); i++) {
      round = (round + 1) % total;
      taken.push(nth(all, round));
    }
    return taken;
  }

  /** The lowest committed position over all groups; undefined when one has none yet. */
  function lowestPosition(topic: Topic, partition: Partition, groups: readonly number[]): bigint | undefined {
    let lowest: bigint | undefined;
    for (const group of groups) {
      const stored = environment.meta.get(numberKey(TAG.position, group, topic.id, partition.number));
      if (stored === undefined) return undefined;
      const position = readU64(stored);
      if (lowest === undefined || position < lowest) lowest = position;
    }
    return lowest;
  }

  function moved(topic: Topic, partition: number): void {
    if (!isTrimmed(topic)) return;
    const numbers = candidates.get(topic);
    if (numbers === undefined) candidates.set(topic, new Set([partition]));
    else numbers.add(partition);
  }

  return {
    moved,
    trim() {
      const taken = takeCandidates();
      return writer.run({
        bytes: 0,
        messages: MESSAGES_A_CALL,
        apply() {
          let removed = 0;
          const groups = new Map<Topic, readonly number[]>();
          let more = candidates.size > 0;
          for (const [topic, partition] of taken) {
            if (!groups.has(topic)) groups.set(topic, groupsOf(environment, topic) ?? []);
            const lowest = lowestPosition(topic, partition, groups.get(topic) ?? []);
            if (lowest === undefined) continue;
            loadPartition(environment, topic, partition);
            const until = lowest < partition.end ? lowest : partition.end;
            const before = partition.start;
            while (partition.start < until && removed < MESSAGES_A_CALL) {
              environment.messages.removeSync(messageKey(topic.id, partition.number, partition.start));
              partition.start += 1n;
              removed++;
            }
            if (partition.start > before) storePartition(environment, topic, partition);
            if (partition.start < until) {
              more = true;
              moved(topic, partition.number);
            }
          }
          return { removed, more };
        },
      });
    },
  };
}

function isTrimmed(topic: Topic): boolean {
  return topic.kind === 'blocks' && topic.groups.length > 0;
}

function nth(topics: readonly Topic[], index: number): [Topic, Partition] {
  let left = index;
  for (const topic of topics) {
    if (left < topic.partitions.length) return [topic, topic.partitions[left]!];
    left -= topic.partitions.length;
  }
  throw new RangeError(`partition ${index} of ${topics.length} topics`);
}
