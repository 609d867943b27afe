/**
 * Index: folds the one ordered sketch log into the near-duplicate index and answers with verdicts. A pure function of a prefix of the log and
 * the configuration; what it had answered before a restart, it answers again, the same.
 */
import { setImmediate } from 'node:timers/promises';
import {
  configHash,
  createIndex,
  INSERTED,
  type NearDuplicateIndex,
  NO_PARTITION,
  type Verdicts,
} from '../dedup/dedup.ts';
import { FatalError } from '../errors.ts';
import type { Consumer, Message } from '../log/port.ts';
import { STUB } from '../model/sifted.ts';
import { readSketchBlock, type SketchBlock, sliceSketchBlock } from '../model/sketches.ts';
import { type Verdict, writeVerdictBlock } from '../model/verdicts.ts';
import { COMPLETE, type StageContext } from '../runtime/context.ts';
import { groups } from '../runtime/topics.ts';
import { createSnapshotStore, loadSnapshot, type SnapshotOptions, type SnapshotStore } from './index-snapshot.ts';

export interface IndexHooks {
  /** Called after each block with the live index. */
  folded(index: NearDuplicateIndex, verdicts: Verdicts | undefined, seconds: number): void;
}

const POLL = { maxBytes: 4 << 20, waitMs: 200 };
/** Verdict blocks on their way at once. */
const IN_FLIGHT = 64;

export async function runIndex(context: StageContext, options: SnapshotOptions, hooks: IndexHooks): Promise<void> {
  const snapshots = await createSnapshotStore(options);
  const { log, topics, config, faults, signal } = context;
  const producer = log.producer();
  const consumer = await log.consumer(groups.index, [topics.sketches]);
  const hash = BigInt(`0x${configHash(config.dedup).slice(0, 16)}`);
  const { start } = await consumer.bounds(topics.sketches, 0);
  const restored = await loadSnapshot(snapshots, config.dedup, start);
  const index = restored?.index ?? createIndex(config.dedup);
  /** By source partition: the highest offset folded in, plus one (protocol rule 4). */
  const watermarks = restored?.watermarks ?? new Map<number, bigint>();
  let position = restored?.position ?? 0n;
  const open = new Set<Promise<void>>();
  let failed: Error | undefined;
  /** Negative controls only: answers held back over a snapshot, and the position before it. */
  const held: (() => void)[] = [];
  let before = { watermarks: new Map(watermarks), position };

  async function answer(block: SketchBlock): Promise<void> {
    const started = performance.now();
    const verdicts = foldBlock(index, block);
    faults.at('index.folded');
    const value = writeVerdictBlock({ ...block, bands: config.dedup.bands }, verdicts.list);
    hooks.folded(index, verdicts.all, (performance.now() - started) / 1000);
    const send = () => {
      const done = producer
        .append(topics.verdicts, block.partition, [{ value }])
        .then(() => faults.at('index.answered'))
        .catch((error: Error) => {
          failed ??= error;
        })
        .finally(() => open.delete(done));
      open.add(done);
    };
    if (faults.omit.has('snapshot-after-ack')) held.push(send);
    else send();
    if (open.size >= IN_FLIGHT) await Promise.race(open);
  }

  async function take(message: Message): Promise<void> {
    let block = readSketchBlock(message.value);
    if (block.config !== hash)
      throw new FatalError(
        'foreign-config',
        `sketch block ${topics.sketches}-0@${message.offset}; it has another dedup configuration; use the one that began the run, or --fresh`,
      );
    const known = watermarks.get(block.partition);
    if (!faults.omit.has('watermark') && known !== undefined) {
      if (block.to <= known) return;
      if (block.from > known) return gap(block, known, message.offset);
      if (block.from < known) block = sliceSketchBlock(block, known);
    }
    await answer(block);
    watermarks.set(block.partition, block.to);
  }

  /** Protocol rule 5: published only after every verdict for positions before it is acknowledged, with its own position in it. */
  async function snapshot(): Promise<void> {
    while (open.size > 0) await Promise.all(open);
    if (failed) throw failed;
    const at = faults.omit.has('position-with-state') ? before : { watermarks, position };
    await snapshots.publish({ index, ...at });
    before = { watermarks: new Map(watermarks), position };
    faults.at('index.snapshot');
    await commitTrim(consumer, topics.sketches, snapshots, undefined);
    for (const send of held.splice(0)) send();
  }

  while (!signal.aborted) {
    const { assigned, batches } = await consumer.poll({ ...POLL, signal });
    // The snapshot's own position, never the group's (protocol rule 6).
    if (assigned.length > 0) consumer.seek({ topic: topics.sketches, partition: 0, offset: position });
    for (const { messages } of batches) {
      for (const message of messages) {
        await take(message);
        position = message.offset + 1n;
        // A poll brings many blocks: signals, replies and metrics get their turn between them.
        await setImmediate();
        if (failed) throw failed;
        if (signal.aborted) break;
      }
    }
    if (snapshots.due(index, position)) await snapshot();
    if (faults.omit.has('trim-to-snapshot')) await commitTrim(consumer, topics.sketches, snapshots, position);
    if (batches.length === 0) for (const send of held.splice(0)) send();
  }
  for (const send of held.splice(0)) send();
  while (open.size > 0) await Promise.all(open);
  if (failed) throw failed;
  if (signal.reason !== COMPLETE && snapshots.worthwhile(position)) await snapshot();

  await consumer.close();
}

/** A block that starts beyond the watermark: something was lost on the way. */
function gap(block: SketchBlock, known: bigint, at: bigint): never {
  throw new FatalError(
    'sketches-lost',
    `sketch log at ${at}; partition ${block.partition} goes on at ${block.from}, but only records below ${known} were folded in; the log lost a block: keep it, report it, and start over with --fresh`,
  );
}

/** The log behind the oldest retained snapshot is not needed any more. */
async function commitTrim(
  consumer: Consumer,
  topic: string,
  snapshots: SnapshotStore,
  instead: bigint | undefined,
): Promise<void> {
  const oldest = instead ?? (await snapshots.oldest());
  if (oldest !== undefined) await consumer.commit([{ topic, partition: 0, offset: oldest }]);
}

function foldBlock(index: NearDuplicateIndex, block: SketchBlock): { list: Verdict[]; all: Verdicts | undefined } {
  let count = 0;
  for (let i = 0; i < block.count; i++) if (block.kinds[i] !== STUB) count++;
  const kinds = new Uint8Array(count);
  const offsets = new BigInt64Array(count);
  for (let i = 0, k = 0; i < block.count; i++) {
    if (block.kinds[i] === STUB) continue;
    kinds[k] = block.kinds[i] ?? INSERTED;
    offsets[k++] = BigInt.asIntN(64, block.offsets[i]!);
  }
  const partitions = new Uint32Array(count).fill(block.partition);
  const all = count === 0 ? undefined : index.decide({ count, kinds, partitions, offsets, sketches: block.sketches });
  const list: Verdict[] = [];
  for (let i = 0, k = 0; i < block.count; i++) {
    const stub = block.kinds[i] === STUB || all === undefined;
    list.push(stub ? stubVerdict(block, i) : verdictOf(block, i, all, k++));
  }
  return { list, all };
}

function stubVerdict(block: SketchBlock, i: number): Verdict {
  return {
    offset: block.offsets[i]!,
    exact: block.exact[i]!,
    kind: STUB,
    votes: 0,
    generation: 0,
    exactMatch: false,
    similarity: 0,
    containment: 0,
    copies: 0,
    duplicateOf: undefined,
  };
}

function verdictOf(block: SketchBlock, i: number, all: Verdicts, k: number): Verdict {
  const partition = all.duplicatePartition[k]!;
  return {
    offset: block.offsets[i]!,
    exact: block.exact[i]!,
    kind: block.kinds[i]!,
    votes: all.votes[k]!,
    generation: Math.max(0, all.generation[k]!),
    exactMatch: all.exact[k] === 1,
    similarity: all.similarity[k]!,
    containment: all.containment[k]!,
    copies: all.copies[k]!,
    duplicateOf:
      partition === NO_PARTITION ? undefined : { partition, offset: BigInt.asUintN(64, all.duplicateOffset[k]!) },
  };
}
