import { fold, freshState } from './fold.ts';
import type { SourceRecord, Verdict, World } from './world.ts';
import { place, Violation } from './world.ts';

const sameVerdict = (a: Verdict, b: Verdict): boolean =>
  a.hash === b.hash && a.firstSeen === b.firstSeen && a.copies === b.copies && a.configuration === b.configuration;

/** Every record is decided. Markers behind the last record may never be seen: they do not count. */
export function isComplete(world: World): boolean {
  return world.raw.every((records, partition) => {
    const last = (records.at(-1)?.offset ?? -1) + 1;
    const end = world.rules.end === 'last record' ? last : world.highWatermarks[partition]!;
    return world.committed[partition]!.next >= end;
  });
}

/** Compares what a run wrote with its source and with a fold from scratch of its own sketch log. */
export function check(world: World): void {
  const truth = new Map<number, SourceRecord>();
  for (const [partition, records] of world.raw.entries())
    for (const record of records) truth.set(place(partition, record.offset), record);
  const written = new Set<number>();
  for (const { partition, offset } of world.outputs) {
    const at = place(partition, offset);
    if (written.has(at)) throw new Violation('a record is written twice');
    if (!truth.has(at)) throw new Violation('a record from nowhere');
    written.add(at);
  }
  if (!isComplete(world)) throw new Violation('deadlock');
  if (written.size < truth.size) throw new Violation('a record is lost');
  checkVerdicts(world);
  if (!world.conditions.window) checkSurvivors(world, truth);
}

function checkVerdicts(world: World): void {
  const expected = undisturbedVerdicts(world);
  for (const { partition, offset, hash, outcome, verdict } of world.outputs) {
    const at = place(partition, offset);
    const right = expected.get(at);
    if (right === undefined) throw new Violation('a verdict from nowhere');
    if (outcome === 'duplicate' && verdict.firstSeen === at) throw new Violation('a record is a duplicate of itself');
    if (world.rules.join === 'accepted hash' && hash !== right.hash) throw new Violation('joined another attempt');
    if (hash === right.hash && !sameVerdict(verdict, right))
      throw new Violation('a verdict differs from that of an undisturbed index');
  }
}

/** What an index says that never crashed, over the sketch log of this run. */
function undisturbedVerdicts(world: World): Map<number, Verdict> {
  const state = freshState(world.raw.length);
  const verdicts = new Map<number, Verdict>();
  for (const block of world.sketch.entries) {
    const answer = fold(state, block, { watermark: true, windowTicks: world.windowTicks, now: block.appendedAt });
    if (typeof answer === 'string') continue;
    for (const [offset, verdict] of answer.verdicts) verdicts.set(place(block.partition, offset), verdict);
  }
  return verdicts;
}

/** Per configuration, each content that was fingerprinted and accepted survives exactly once. */
function checkSurvivors(world: World, truth: ReadonlyMap<number, SourceRecord>): void {
  const survivors = new Map<number, number>();
  for (const { partition, offset, outcome, verdict } of world.outputs) {
    if (outcome !== 'curated' && outcome !== 'duplicate') continue;
    const content = place(verdict.configuration, truth.get(place(partition, offset))!.hash);
    survivors.set(content, (survivors.get(content) ?? 0) + (outcome === 'curated' ? 1 : 0));
  }
  for (const count of survivors.values()) {
    if (count === 0) throw new Violation('a content is lost: every copy is a duplicate of one that was not kept');
    if (count > 1) throw new Violation('two copies of a content survive');
  }
}
