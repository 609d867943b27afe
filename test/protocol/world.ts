import type { IndexState } from './fold.ts';
import { freshState } from './fold.ts';
import type { Random } from './random.ts';
import type { Conditions, Rules } from './rules.ts';

/** A record of the raw topic. `hash` stands for its content: equal contents are duplicates. */
export interface SourceRecord {
  offset: number;
  hash: number;
  /** Sift refuses it (a gate, a rule): it is asked about and not inserted into the index. */
  rejected: boolean;
  /** Sift's watchdog may stop on it, in one attempt and not in the next. */
  watchdog: boolean;
}

/** What one attempt of sift made of a record; `hash` is null for a stub, which has no text. */
export interface Attempt {
  offset: number;
  hash: number | null;
  rejected: boolean;
}

/** Source offsets `[from, to)`, with every record in the range. */
export interface Block {
  from: number;
  to: number;
}
export interface SiftedBlock extends Block {
  attempts: readonly Attempt[];
}
export interface SketchBlock extends Block {
  partition: number;
  attempts: readonly Attempt[];
  configuration: number;
  appendedAt: number;
}
export interface Verdict {
  hash: number | null;
  /** The first one seen with this content, as `place(partition, offset)`; null: this is the first. */
  firstSeen: number | null;
  copies: number;
  configuration: number;
}
export interface VerdictBlock extends Block {
  verdicts: ReadonlyMap<number, Verdict>;
}

/** An append-only log; positions below `start` are trimmed away. */
export interface Log<T> {
  name: 'sketch' | 'sifted' | 'verdict';
  start: number;
  entries: T[];
}

export interface Committed {
  /** The next source offset to decide (N). */
  next: number;
  sifted: number;
  verdict: number;
}

export type Outcome = 'curated' | 'duplicate' | 'rejected' | 'dead letter';
export interface Output {
  partition: number;
  offset: number;
  outcome: Outcome;
  hash: number | null;
  verdict: Verdict;
}

export interface Snapshot {
  state: IndexState;
  writtenAt: number;
}

/** How often things happen. Drawn for each run, so that some runs are rich in what others lack (swarm testing, Groce et al. 2012). */
export interface Rates {
  start: number;
  kill: number;
  arriveLate: number;
  trim: number;
  publish: number;
  unknownOutcome: number;
  /** How often the watchdog stops on a record that it may stop on, when the machine is calm again. */
  watchdogWhenCalm: number;
  /** Steps that a process makes while the others stand still, at most. */
  burst: number;
}

/** Everything that survives a killed process, and what is still under way on the network. */
export interface World {
  random: Random;
  rules: Rules;
  conditions: Conditions;
  raw: readonly (readonly SourceRecord[])[];
  /** One past the last offset of a partition, transaction markers included. */
  highWatermarks: readonly number[];
  rawStarts: number[];
  siftPositions: number[];
  sketch: Log<SketchBlock>;
  sifted: Log<SiftedBlock>[];
  verdicts: Log<VerdictBlock>[];
  committed: Committed[];
  epochs: number[];
  outputs: Output[];
  snapshots: Snapshot[];
  /** Per partition, the watermark up to which the index knows its verdicts to be acknowledged. */
  acknowledged: number[];
  /** The index's group position: announced, and never sought to. */
  indexPosition: number;
  furthestRead: number;
  started: boolean[];
  /** Requests that were sent and may still arrive. */
  inFlight: (() => void)[];
  faults: boolean;
  lost: number;
  clock: number;
  windowTicks: number;
  rates: Rates;
  /** Repairs under way: see repair.ts. */
  siftGenerations: number[];
  indexGeneration: number;
  issueAgainFrom: (number | undefined)[];
  alarms: number;
  /** How often each of the hard situations came up, to show that schedules are not trivial. */
  met: Map<Situation, number>;
}

export const situations = [
  'late arrival',
  'read below the start of a log',
  'commit refused',
  'block folded before',
  'accepted copy is further on',
  'block behind a gap',
  'restart from an older snapshot',
] as const;
export type Situation = (typeof situations)[number];

export function meet(world: World, situation: Situation): void {
  world.met.set(situation, (world.met.get(situation) ?? 0) + 1);
}

/** A broken promise. */
export class Violation extends Error {}

/** A stage that stops by itself: loud, harmless, and started again. One instance: it is thrown often. */
class Stopped extends Error {}
export const STOPPED = new Stopped('the stage stopped itself');

export const place = (partition: number, offset: number): number => partition * 1_000_000 + offset;

export function createWorld(
  random: Random,
  rules: Rules,
  conditions: Conditions,
  raw: readonly (readonly SourceRecord[])[],
): World {
  const perPartition = <T>(make: (partition: number) => T): T[] => raw.map((_, partition) => make(partition));
  const rates: Rates = {
    start: random.pick([0.03, 0.05, 0.1]),
    kill: random.pick([0.01, 0.03, 0.05]),
    arriveLate: random.pick([0.01, 0.02, 0.05]),
    trim: random.pick([0.01, 0.02, 0.1]),
    publish: random.pick([0.05, 0.1, 0.5]),
    unknownOutcome: random.pick([0.01, 0.04, 0.1]),
    watchdogWhenCalm: random.pick([0, 0.4]),
    burst: random.pick([1, 4, 20]),
  };
  return {
    random,
    rules,
    conditions,
    raw,
    highWatermarks: raw.map((records) => (records.at(-1)?.offset ?? -1) + 1 + random.integer(0, 2)),
    rawStarts: perPartition(() => 0),
    siftPositions: perPartition(() => 0),
    sketch: { name: 'sketch', start: 0, entries: [] },
    sifted: perPartition(() => ({ name: 'sifted', start: 0, entries: [] })),
    verdicts: perPartition(() => ({ name: 'verdict', start: 0, entries: [] })),
    committed: perPartition(() => ({ next: 0, sifted: 0, verdict: 0 })),
    epochs: perPartition(() => 0),
    outputs: [],
    snapshots: [{ state: freshState(raw.length), writtenAt: 0 }],
    acknowledged: perPartition(() => 0),
    indexPosition: 0,
    furthestRead: 0,
    started: perPartition(() => false),
    inFlight: [],
    faults: true,
    lost: 0,
    clock: 0,
    rates,
    windowTicks: conditions.window ? random.integer(10, 100) : Number.POSITIVE_INFINITY,
    siftGenerations: perPartition(() => 0),
    indexGeneration: 0,
    issueAgainFrom: perPartition(() => undefined),
    alarms: 0,
    met: new Map(),
  };
}

/** Appends, or stops with the outcome unknown: applied, not applied, or arriving later. */
export function append<T>(world: World, log: Log<T>, block: T): void {
  const { random } = world;
  if (world.faults && random.chance(world.rates.unknownOutcome)) {
    const outcome = random.next();
    if (outcome < 0.35) log.entries.push(block);
    else if (outcome < 0.7) world.inFlight.push(() => log.entries.push(block));
    throw STOPPED;
  }
  const { lose, losses } = world.conditions;
  if ((lose === log.name || lose === 'any') && world.lost < losses && world.faults && random.chance(0.1)) {
    world.lost++; // acknowledged, and gone
    return;
  }
  log.entries.push(block);
}

/** The position to read at; below the start of the log a stage stops, it never skips. */
export function readable<T>(world: World, log: Log<T>, position: number): number {
  if (position >= log.start) return position;
  meet(world, 'read below the start of a log');
  if (world.rules.belowStart === 'stop') throw STOPPED;
  return log.start;
}

function forward(log: Log<unknown>, to: number): void {
  log.start = Math.max(log.start, to);
}

/** Trims one partition's logs and the sketch log as far as the rules allow. */
export function trim(world: World, partition: number): void {
  const { rules, committed } = world;
  const { next, sifted, verdict } = committed[partition]!;
  const sift = world.siftPositions[partition]!;
  const raw = rules.trimRaw === 'decided' ? Math.min(sift, next) : sift;
  world.rawStarts[partition] = Math.max(world.rawStarts[partition]!, raw);
  const waits = rules.trimFor === 'registered consumers' || world.started[partition]!;
  forward(world.sifted[partition]!, waits ? sifted : world.sifted[partition]!.entries.length);
  forward(world.verdicts[partition]!, waits ? verdict : world.verdicts[partition]!.entries.length);
  const oldest = Math.min(...world.snapshots.map((snapshot) => snapshot.state.position));
  forward(world.sketch, rules.trimSketch === 'oldest snapshot' ? oldest : world.furthestRead);
}
