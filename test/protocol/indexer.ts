import { copyState, fold, type IndexState } from './fold.ts';
import { rewindSift } from './repair.ts';
import type { Actor } from './sift.ts';
import type { Snapshot, VerdictBlock, World } from './world.ts';
import { append, meet, readable, STOPPED, Violation } from './world.ts';

const MOST_SNAPSHOTS = 4;

export interface Indexer extends Actor {
  position(): number;
  foldNext(): boolean;
  sendVerdict(): boolean;
  /** One step of: look whether to publish, write, list what to delete, delete. False: nothing was published. */
  publishStep(): boolean;
}

/** The index: folds the one sketch log, answers per source partition, publishes snapshots. */
export function createIndexer(world: World): Indexer {
  const { random, rules } = world;
  const generation = world.indexGeneration;
  const state = load(world);
  const unsent: { partition: number; block: VerdictBlock }[] = [];
  let publishing: (() => void)[] = [];

  /** Tells how far verdicts are acknowledged. Nobody ever seeks to this position; curate finds losses with it. */
  function announce(): void {
    world.indexPosition = state.position;
    state.watermarks.forEach((watermark, partition) => {
      world.acknowledged[partition] = Math.max(world.acknowledged[partition]!, watermark);
    });
  }

  function sendVerdict(): boolean {
    const verdict = unsent[0];
    if (verdict === undefined) return false;
    append(world, world.verdicts[verdict.partition]!, verdict.block);
    unsent.shift();
    return true;
  }

  function foldNext(): boolean {
    if (state.position >= world.sketch.entries.length) return false;
    state.position = readable(world, world.sketch, state.position);
    const block = world.sketch.entries[state.position];
    if (block === undefined) return false;
    const now = rules.time === 'of the log' ? block.appendedAt : world.clock;
    const answer = fold(state, block, { watermark: rules.watermark, windowTicks: world.windowTicks, now });
    if (answer === 'gap' && world.lost === 0)
      throw new Violation('alarm without a lost message: a sketch block starts beyond the watermark');
    if (answer === 'known') meet(world, 'block folded before');
    if (answer === 'gap') meet(world, 'block behind a gap');
    state.position++;
    world.furthestRead = Math.max(world.furthestRead, state.position);
    if (typeof answer !== 'string') unsent.push({ partition: block.partition, block: answer });
    return true;
  }

  /** At the end of the log, everything that sift committed must have been folded in. */
  function lookForLoss(): boolean {
    const partition = state.watermarks.findIndex((watermark, p) => world.siftPositions[p]! > watermark);
    if (partition < 0) return false;
    rewindSift(world, partition, state.watermarks[partition]!, 'sift is past the end of the sketch log');
    return true;
  }

  function publishStep(): boolean {
    const next = publishing.shift();
    if (next !== undefined) {
      next();
      return true;
    }
    if (unsent.length > 0 && rules.snapshotWhen === 'acknowledged') return false;
    const newest = Math.max(...world.snapshots.map((snapshot) => snapshot.state.position));
    if (state.position <= newest && rules.snapshotBelowNewest === 'refused') return false;
    const full = rules.snapshotPruning === 'below the kept one' && world.snapshots.length >= MOST_SNAPSHOTS;
    if (full && superseded(world).length === 0) return false; // curate is behind: none is thinned out for a newer one
    const copy = copyState(state);
    let remove: Snapshot[] = [];
    publishing = full ? [] : [() => write(world, copy)];
    publishing.push(
      () => {
        remove = superseded(world);
      },
      () => {
        world.snapshots = world.snapshots.filter((snapshot) => !remove.includes(snapshot));
      },
    );
    return true;
  }

  function step(): boolean {
    if (world.indexGeneration !== generation) throw STOPPED;
    if (publishing.length > 0) return publishStep();
    const atEnd = state.position >= world.sketch.entries.length;
    if (unsent.length > 0 && (atEnd || random.chance(0.6))) return sendVerdict();
    if (random.chance(world.rates.publish) && publishStep()) return true;
    if (unsent.length === 0 && (atEnd || random.chance(0.3))) announce();
    return foldNext() || (atEnd && lookForLoss());
  }

  return { stage: 'index', partition: -1, step, position: () => state.position, foldNext, sendVerdict, publishStep };
}

/** The newest snapshot, or now and then an older one (the newest may be damaged), and its own position. */
function load(world: World): IndexState {
  const { random, rules, snapshots } = world;
  const wanted = (snapshot: Snapshot): boolean =>
    world.issueAgainFrom.every((from, p) => from === undefined || snapshot.state.watermarks[p]! <= from);
  const usable = snapshots.filter(
    (snapshot) => wanted(snapshot) && (rules.snapshotChoice === 'any' || snapshot.state.position >= world.sketch.start),
  );
  world.issueAgainFrom = world.issueAgainFrom.map(() => undefined);
  const candidates = usable.length > 0 ? usable : snapshots;
  const newest = candidates.reduce((a, b) => (b.state.position >= a.state.position ? b : a));
  const state = copyState((random.chance(0.5) ? newest : random.pick(candidates)).state);
  if (state.position < newest.state.position) meet(world, 'restart from an older snapshot');
  if (rules.indexRestart === 'group position') state.position = world.indexPosition;
  return state;
}

/** A snapshot is named by its log position: one of the same position is replaced. */
function write(world: World, state: IndexState): void {
  const sameName = (snapshot: Snapshot): boolean =>
    world.rules.snapshotPruning !== 'three by write time' && snapshot.state.position === state.position;
  const writtenAt = Math.max(...world.snapshots.map((snapshot) => snapshot.writtenAt)) + 1;
  world.snapshots = [...world.snapshots.filter((snapshot) => !sameName(snapshot)), { state, writtenAt }];
}

/** What may be deleted: all that is older than the newest usable snapshot that curate has reached in every partition. */
function superseded(world: World): Snapshot[] {
  const { snapshots, committed, rules } = world;
  const byAge = (key: (snapshot: Snapshot) => number): Snapshot[] => snapshots.toSorted((a, b) => key(b) - key(a));
  if (rules.snapshotPruning === 'three by write time') return byAge((snapshot) => snapshot.writtenAt).slice(3);
  const newestFirst = byAge((snapshot) => snapshot.state.position);
  if (rules.snapshotPruning === 'three by position') return newestFirst.slice(3);
  const kept = newestFirst.findIndex(
    ({ state }) =>
      state.position >= world.sketch.start && state.watermarks.every((watermark, p) => watermark <= committed[p]!.next),
  );
  return kept < 0 ? [] : newestFirst.slice(kept + 1);
}
