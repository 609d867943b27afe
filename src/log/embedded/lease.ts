import { FatalError } from '../../errors.ts';
import type { Commit, Lease, OutMessage, Position } from '../port.ts';
import { type Catalog, declareGroup, partitionOf, readCommitted, readRange, type Topic } from './catalog.ts';
import type { Environment } from './environment.ts';
import { numberKey, readU64, TAG, u64 } from './layout.ts';
import { checkLines, joinLines } from './outputs.ts';
import type { Work, Writer } from './writer.ts';

/** Writes positions, never backwards. To be called inside a write transaction. */
export function putPositions(
  environment: Environment,
  catalog: Catalog,
  group: number,
  positions: readonly Position[],
  moved: (topic: Topic, partition: number) => void,
): void {
  for (const { topic: name, partition, offset } of positions) {
    const topic = catalog.topic(name);
    const stored = environment.meta.get(numberKey(TAG.position, group, topic.id, partition));
    if (stored !== undefined && readU64(stored) >= offset) continue;
    environment.meta.putSync(numberKey(TAG.position, group, topic.id, partition), u64(offset));
    moved(topic, partition);
  }
}

/** Epoch u64, then `next` + 1 (0: never committed). */
function encodeLease(epoch: bigint, next: bigint | undefined): Buffer {
  const value = Buffer.alloc(16);
  value.writeBigUInt64BE(epoch, 0);
  value.writeBigUInt64BE(next === undefined ? 0n : next + 1n, 8);
  return value;
}

function decodeLease(stored: Buffer | undefined): { epoch: bigint; next: bigint | undefined } {
  if (stored === undefined) return { epoch: 0n, next: undefined };
  const plusOne = readU64(stored, 8);
  return { epoch: readU64(stored, 0), next: plusOne === 0n ? undefined : plusOne - 1n };
}

/** N as last committed, without fencing anybody. */
export function readProgress(environment: Environment, group: number, partition: number): bigint | undefined {
  return decodeLease(readCommitted(environment, Buffer.from(numberKey(TAG.lease, group, partition)))).next;
}

/**
 * Protocol rule 12: the new epoch fences earlier holders, then what they committed is read, both in one write transaction.
 * `commit` compares the epoch inside its own transaction, so a holder in another process is fenced as well.
 */
export async function takeLease(
  environment: Environment,
  catalog: Catalog,
  writer: Writer,
  groupName: string,
  partition: number,
  moved: (topic: Topic, partition: number) => void,
): Promise<Lease> {
  const taken = await writer.run({
    bytes: 0,
    messages: 1,
    apply() {
      const group = declareGroup(environment, catalog, groupName);
      const { epoch, next } = decodeLease(environment.meta.get(numberKey(TAG.lease, group, partition)));
      environment.meta.putSync(numberKey(TAG.lease, group, partition), encodeLease(epoch + 1n, next));
      return { group, epoch: epoch + 1n, next };
    },
  });
  const { group, epoch } = taken;
  const positions: Position[] = [];
  for (const [id, offset] of positionsOf(environment, group, partition)) {
    const topic = [...catalog.topics.values()].find((candidate) => candidate.id === id);
    if (topic !== undefined) positions.push({ topic: topic.name, partition, offset });
  }
  let last: Promise<void> = Promise.resolve();

  function check({ from }: Commit): void {
    const held = decodeLease(environment.meta.get(numberKey(TAG.lease, group, partition)));
    const place = `lease of ${groupName} on partition ${partition}`;
    if (held.epoch !== epoch)
      throw new FatalError(
        'fenced',
        `${place}; epoch ${epoch} was replaced by ${held.epoch}: another process took over; this one stops, it committed nothing`,
      );
    if (from !== undefined && from !== (held.next ?? 0n))
      throw new FatalError(
        'fenced',
        `${place}; it is to go on from ${from}, and N is ${held.next ?? 0n}: another process decided in between; this one stops, it committed nothing`,
      );
  }

  function work(commit: Commit): Work<void> {
    const files = new Map<Topic, Uint8Array[]>();
    const blocks: [Topic, readonly OutMessage[]][] = [];
    let bytes = 0;
    let messages = 1;
    for (const [name, list] of commit.outputs) {
      if (list.length === 0) continue;
      const topic = catalog.topic(name);
      if (topic.kind === 'records') {
        checkLines(topic, list);
        files.set(topic, [joinLines(list)]);
      } else blocks.push([topic, list]);
      messages += list.length;
      for (const { value } of list) bytes += value.byteLength;
    }
    for (const [name, lines] of commit.lines ?? []) {
      const topic = catalog.topic(name);
      const chunks = files.get(topic);
      if (chunks === undefined) files.set(topic, [lines.bytes]);
      else chunks.push(lines.bytes);
      messages += lines.lengths.length;
      bytes += lines.bytes.byteLength;
    }
    return {
      bytes,
      messages,
      check: () => check(commit),
      ...(files.size > 0 ? { outputs: files } : {}),
      apply(transaction) {
        for (const [topic, list] of blocks) {
          transaction.append(topic, partitionOf(topic, partition % topic.partitions.length), list);
        }
        putPositions(environment, catalog, group, commit.positions, moved);
        environment.meta.putSync(numberKey(TAG.lease, group, partition), encodeLease(epoch, commit.next));
      },
    };
  }

  return {
    partition,
    next: taken.next,
    positions,
    commit(commit) {
      const result = last.then(() => writer.run(work(commit)));
      last = result.catch(() => undefined);
      return result;
    },
  };
}

/** Topic id → committed offset of one partition number. One small range a topic of the group. */
function positionsOf(environment: Environment, group: number, partition: number): Map<number, bigint> {
  const found = new Map<number, bigint>();
  const start = Buffer.from(numberKey(TAG.position, group));
  const end = Buffer.from(numberKey(TAG.position, group + 1));
  let from = start;
  for (;;) {
    const [first] = readRange(environment, from, end, 1);
    if (first === undefined) return found;
    const topic = Buffer.from(first.key).readUInt32BE(5);
    const key = Buffer.from(numberKey(TAG.position, group, topic, partition));
    const [exact] = readRange(environment, key, Buffer.concat([key, Buffer.of(0)]), 1);
    if (exact !== undefined) found.set(topic, readU64(exact.value));
    from = Buffer.from(numberKey(TAG.position, group, topic + 1));
  }
}
