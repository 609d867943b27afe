/**
 * Index: folds the one ordered sketch log into the near-duplicate index and answers with verdicts. A pure function of a prefix of the log and
 * the configuration; what it had answered before a restart, it answers again, the same.
 */
import { setImmediate } from 'node:timers/promises';
import { configKey, createWholeIndex, type Verdicts, type WholeIndex } from '../dedup/dedup.ts';
import { FatalError } from '../errors.ts';
import type { Consumer, Message } from '../log/port.ts';
import { readSketchBlock, type SketchBlock, sliceSketchBlock } from '../model/sketches.ts';
import { writeVerdictBlock } from '../model/verdicts.ts';
import { COMPLETE, type StageContext } from '../runtime/context.ts';
import { groups } from '../runtime/topics.ts';
import { createAnswers } from './index-answers.ts';
import { foldBlock } from './index-fold.ts';
import { createIndexAlarm } from './index-alarm.ts';
import {
  createSnapshotStore,
  type IndexState,
  loadSnapshot,
  type SnapshotOptions,
  type SnapshotStore,
} from './index-snapshot.ts';
import { keepLooking } from './looks.ts';
import { heedRequests, type RepairRequest, repairEveryMs, repairQuietMs } from './repair.ts';
import { createRewinds } from './rewinds.ts';

export interface IndexHooks {
  /** Cannot go on before something outside changes. */
  waiting?(why: string): void;
  /** The loop has come round. */
  turned?(): void;
  /** Called after each block with the live index. */
  folded(index: WholeIndex, verdicts: Verdicts | undefined, seconds: number): void;
  /** The index starts again, because a log has lost verdicts. */
  repairing?(request: RepairRequest): void;
}

const POLL_BYTES = 4 << 20;

export async function runIndex(context: StageContext, options: SnapshotOptions, hooks: IndexHooks): Promise<void> {
  const { log, topics, config, faults, signal } = context;
  const snapshots = await createSnapshotStore(options);
  const consumer = await log.consumer(groups.index, [topics.sketches]);
  const hash = configKey(config.dedup);
  const rewinds = createRewinds(repairQuietMs(faults));
  const answers = createAnswers(context, consumer, rewinds);
  const lookForLoss = createIndexAlarm(context, consumer);
  /** To be heeded between two polls. */
  const requests: RepairRequest[] = [];
  const load = async (missing?: { partition: number; from: bigint }) =>
    loadSnapshot(snapshots, config.dedup, (await consumer.bounds(topics.sketches, 0)).start, missing);
  /** Empty until the log is given to this process: before, another one may trim it. */
  let state: IndexState = { index: createWholeIndex(config.dedup), watermarks: new Map(), position: -1n };
  /** Partitions whose last block was of another configuration. */
  const foreign = new Set<number>();
  /** False while another process has the log; this one stands by. */
  let ours = false;
  /** Negative controls only: the state before the last snapshot. */
  let before = { watermarks: new Map(state.watermarks), position: state.position };

  /** Goes on with what is known, unless the log was trimmed past it. */
  async function begin(): Promise<void> {
    const { start } = await consumer.bounds(topics.sketches, 0);
    if (state.position < start) {
      state = await load();
      before = { watermarks: new Map(state.watermarks), position: state.position };
    }
    seek();
    ours = true;
  }

  /** To the state's own position, never the group's (protocol rule 6). */
  function seek(): void {
    for (let p = 0; p < context.partitions; p++) rewinds.begin(p, state.watermarks.get(p) ?? 0n);
    consumer.seek({ topic: topics.sketches, partition: 0, offset: state.position });
  }

  async function answer(block: SketchBlock): Promise<void> {
    const started = performance.now();
    const verdicts = foldBlock(state.index, block);
    faults.at('index.folded');
    const value = writeVerdictBlock({ ...block, bands: config.dedup.bands }, verdicts.list);
    hooks.folded(state.index, verdicts.all, (performance.now() - started) / 1000);
    await answers.send(block, value);
  }

  async function take(message: Message): Promise<void> {
    let block = readSketchBlock(message.value);
    if (block.config !== hash && log.sharesPartitions === true) return passForeign(block.partition, message.offset);
    if (block.config !== hash)
      throw new FatalError(
        'foreign-config',
        `sketch block ${topics.sketches}-0@${message.offset}; it has another dedup configuration; use the one that began the run, or --fresh`,
      );
    foreign.delete(block.partition);
    // Everything below is folded in (protocol rule 4). A block behind a gap is passed over, now and on every replay: what follows the gap comes
    // again with what was lost in it.
    const known = state.watermarks.get(block.partition) ?? 0n;
    if (!faults.omit.has('watermark')) {
      if (block.to <= known || block.from > known) return;
      if (block.from < known) block = sliceSketchBlock(block, known);
    }
    await answer(block);
    state.watermarks.set(block.partition, block.to);
  }

  /**
   * Where processes come and go, one with other settings of `dedup` may write for a while. What it wrote is passed over like a block behind a gap:
   * when one with these settings has written again, sift is asked for the range.
   */
  function passForeign(partition: number, at: bigint): void {
    foreign.add(partition);
    hooks.waiting?.(
      `sketch block ${topics.sketches}-0@${at}; sift wrote it with another dedup configuration than this index has; give all processes the same settings, or another app name`,
    );
  }

  /** Protocol rule 5: published only after every verdict for positions before it is acknowledged, with its own position in it. */
  async function snapshot(): Promise<void> {
    await answers.settled();
    const at = faults.omit.has('position-with-state') ? before : state;
    await snapshots.publish({ ...at, index: state.index });
    before = { watermarks: new Map(state.watermarks), position: state.position };
    faults.at('index.snapshot');
    await commitTrim(consumer, topics.sketches, snapshots, undefined);
    answers.release();
  }

  /** Starts again where everything from the first missing verdict on is answered once more. */
  async function heed(request: RepairRequest): Promise<void> {
    const { partition } = request;
    // Curate may have been a zombie when it asked.
    const decided = (await options.decided(partition)) ?? 0n;
    const from = request.from > decided ? request.from : decided;
    if (!rewinds.ask(partition, from, performance.now())) return;
    hooks.repairing?.(request);
    await answers.settled();
    state = await load({ partition, from });
    seek();
  }

  const looks = keepLooking(context, async () => {
    if (!ours) return false;
    await answers.announce(state.watermarks);
    return lookForLoss({ ...state, foreign });
  });

  async function fold(): Promise<void> {
    const poll = { maxBytes: POLL_BYTES, waitMs: repairEveryMs(faults), signal };
    while (!signal.aborted) {
      hooks.turned?.();
      const { assigned, revoked, batches } = await consumer.poll(poll);
      if (revoked.length > 0) ours = false;
      if (assigned.length > 0) await begin();
      if (batches.length > 0) looks.stir();
      for (const { messages } of batches) {
        for (const message of messages) {
          await take(message);
          state.position = message.offset + 1n;
          // A poll brings many blocks: signals, replies and metrics get their turn between them.
          await setImmediate();
          if (signal.aborted) break;
        }
      }
      answers.check();
      looks.check();
      if (snapshots.due(state.index, state.position)) await snapshot();
      if (faults.omit.has('trim-to-snapshot')) await commitTrim(consumer, topics.sketches, snapshots, state.position);
      if (batches.length === 0) answers.release();
      for (const request of requests.splice(0)) if (ours) await heed(request);
    }
  }

  await Promise.all([fold(), heedRequests(context, 'index', (asked) => void requests.push(...asked))]);
  await looks.stop();
  answers.release();
  await answers.settled();
  if (signal.reason !== COMPLETE && snapshots.worthwhile(state.position)) await snapshot();
  await consumer.close();
}

/** The log behind what a restart may need is not needed any more. */
async function commitTrim(
  consumer: Consumer,
  topic: string,
  snapshots: SnapshotStore,
  instead: bigint | undefined,
): Promise<void> {
  const offset = instead ?? (await snapshots.keptPosition());
  if (offset !== undefined) await consumer.commit([{ topic, partition: 0, offset }]);
}
