import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createIndexer, type Indexer } from './indexer.ts';
import type { Random } from './random.ts';
import { ordinaryConditions, type Rules, soundRules } from './rules.ts';
import { stepOf } from './schedule.ts';
import { createWorld, place, trim, type World } from './world.ts';

/**
 * Three schedules on which an earlier form of the protocol stood still for ever, found at random (1 to 2 runs in 6,000)
 * and written down here step by step. See "The deadlocks that were found" in docs/protocol.md.
 */

/** No chance events; a restarted index takes the snapshot that was written last, of those it may take. */
const steady: Random = { next: () => 0, integer: (from) => from, chance: () => false, pick: (items) => items.at(-1)! };

const prunedByWriteTime: Partial<Rules> = {
  snapshotPruning: 'three by write time',
  snapshotBelowNewest: 'published',
  snapshotChoice: 'any',
};

const BLOCKS = 12;

/** One partition of twelve records, each in a sketch block of its own; curate has decided all but the last. */
function createLine(rules: Partial<Rules>): World {
  const records = Array.from({ length: BLOCKS }, (_, offset) => ({
    offset,
    hash: offset,
    rejected: false,
    watchdog: false,
  }));
  const world = createWorld(steady, { ...soundRules, ...rules }, ordinaryConditions, [records]);
  world.faults = false;
  world.rates.publish = 0;
  for (const { offset, hash } of records) {
    const attempts = [{ offset, hash, rejected: false }];
    world.sketch.entries.push({
      partition: 0,
      from: offset,
      to: offset + 1,
      attempts,
      configuration: 0,
      appendedAt: 0,
    });
  }
  world.committed[0] = { next: BLOCKS - 1, sifted: 0, verdict: 0 };
  return world;
}

/** Folds up to a log position and has the verdicts acknowledged. */
function foldTo(indexer: Indexer, position: number): void {
  while (indexer.position() < position) assert.ok(indexer.foldNext());
  while (indexer.sendVerdict());
}

const PUBLISH_STEPS = 4; // look, write, list, delete
function publish(indexer: Indexer, times: number): void {
  for (let done = 0; done < times; done++) for (let step = 0; step < PUBLISH_STEPS && indexer.publishStep(); step++);
}

/** A snapshot at each position, and the log trimmed as far as those allow that are left. */
function publishAndTrim(world: World, ahead: Indexer, positions: readonly number[]): void {
  for (const position of positions) {
    foldTo(ahead, position);
    publish(ahead, 1);
  }
  trim(world, 0);
  assert.ok(world.sketch.start >= positions[0]!, 'the log was trimmed');
}

/** Whether any of ten restarts gets to the end of the log. */
function recovers(world: World): boolean {
  for (let restart = 0; restart < 10; restart++) {
    const indexer = createIndexer(world);
    let did = stepOf(indexer);
    while (did === 'worked') did = stepOf(indexer);
    if (did === 'idle' && indexer.position() === BLOCKS) return true;
  }
  return false;
}

/** Seed 1386: a stalled index, one block behind, publishes three times after the log was trimmed to the newer snapshots. */
function stalledIndexPublishesAlone(world: World): void {
  const ahead = createIndexer(world);
  const stalled = createIndexer(world);
  foldTo(stalled, 6);
  publishAndTrim(world, ahead, [7, 8, 9]);
  publish(stalled, 3);
}

/** Seed 1280: it publishes twice and stops; a restart takes its snapshot and publishes the third, while another runs far ahead. */
function restartPublishesTheLast(world: World): void {
  const ahead = createIndexer(world);
  const stalled = createIndexer(world);
  foldTo(stalled, 1);
  publishAndTrim(world, ahead, [5, 6, 7]);
  publish(stalled, 2);
  publish(createIndexer(world), 1);
  foldTo(ahead, BLOCKS); // it is killed before it publishes
}

/** Seed 16: it publishes once and stops; the restart that inherits its position publishes the other two. */
function restartInherits(world: World): void {
  const ahead = createIndexer(world);
  const stalled = createIndexer(world);
  foldTo(stalled, 2);
  publishAndTrim(world, ahead, [4, 5, 6]);
  publish(stalled, 1);
  publish(createIndexer(world), 2);
}

const schedules = { stalledIndexPublishesAlone, restartPublishesTheLast, restartInherits };

describe('old snapshots evict those that the trimmed log needs', () => {
  for (const [name, schedule] of Object.entries(schedules)) {
    const recoversWith = (rules: Partial<Rules>): boolean => {
      const world = createLine(rules);
      schedule(world);
      return recovers(world);
    };
    it(`${name}: pruned by write time, nobody ever starts again`, () => {
      assert.equal(recoversWith(prunedByWriteTime), false);
    });
    it(`${name}: pruned by log position, it goes on`, () => {
      assert.equal(recoversWith({ ...prunedByWriteTime, snapshotPruning: 'three by position' }), true);
      assert.equal(recoversWith({ ...prunedByWriteTime, snapshotPruning: 'below the kept one' }), true);
    });
    it(`${name}: with all rules, it goes on`, () => {
      assert.equal(recoversWith({}), true);
    });
    it(`${name}: not publishing below the newest is enough here`, () => {
      assert.equal(recoversWith({ ...prunedByWriteTime, snapshotBelowNewest: 'refused' }), true);
    });
    it(`${name}: not loading below the start of the log helps only where a restart took part`, () => {
      const alone = recoversWith({ ...prunedByWriteTime, snapshotChoice: 'usable ones' });
      assert.equal(alone, schedule !== stalledIndexPublishesAlone);
    });
  }
});

describe('an index looks, stalls, and writes much later', () => {
  /** Three processes look while there is nothing newer, and write when the log is trimmed. */
  function lookThenWrite(rules: Partial<Rules>): World {
    const world = createLine(rules);
    const ahead = createIndexer(world);
    const stalled = [3, 4, 5].map((position) => {
      const indexer = createIndexer(world);
      foldTo(indexer, position);
      assert.ok(indexer.publishStep());
      return indexer;
    });
    publishAndTrim(world, ahead, [7, 8, 9]);
    for (const indexer of stalled) publish(indexer, 1);
    return world;
  }

  it('looking before publishing does not help when snapshots are pruned by write time', () => {
    const rules: Partial<Rules> = { snapshotPruning: 'three by write time' };
    assert.equal(recovers(lookThenWrite(rules)), false);
  });
  it('pruning by log position does', () => {
    assert.equal(recovers(lookThenWrite({ snapshotPruning: 'three by position' })), true);
    assert.equal(recovers(lookThenWrite({})), true);
  });
});

describe('a lost verdict', () => {
  it('can be issued again only from a snapshot that curate has not passed', () => {
    for (const pruning of ['three by position', 'below the kept one'] as const) {
      const world = createLine({ snapshotPruning: pruning });
      world.committed[0] = { next: 5, sifted: 0, verdict: 0 };
      const indexer = createIndexer(world);
      for (const position of [4, 7, 8, 9, 10]) {
        foldTo(indexer, position);
        publish(indexer, 1);
      }
      trim(world, 0);
      world.issueAgainFrom[0] = 5;
      const restarted = createIndexer(world);
      foldTo(restarted, BLOCKS);
      const since = world.verdicts[0]!.entries.slice(10); // ten were sent by the first
      const again = since.some((block) => block.verdicts.has(5) && block.verdicts.get(5)?.hash === place(0, 5));
      assert.equal(again, pruning === 'below the kept one', pruning);
    }
  });
});
