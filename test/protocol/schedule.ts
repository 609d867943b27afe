import { createCurate } from './curate.ts';
import { createIndexer } from './indexer.ts';
import { check, isComplete } from './oracle.ts';
import { type Random, seededRandom } from './random.ts';
import { type Conditions, ordinaryConditions, type Rules, soundRules } from './rules.ts';
import { type Actor, createSift } from './sift.ts';
import {
  createWorld,
  meet,
  STOPPED,
  type Rates,
  type Situation,
  type SourceRecord,
  trim,
  Violation,
  type World,
} from './world.ts';

export interface Mode {
  rules?: Partial<Rules>;
  conditions?: Partial<Conditions>;
  /** Aims the schedules at a weak point: random ones find some in one run of ten thousand. */
  rates?: Partial<Rates>;
}

/** Runs one random schedule: chaos, then calm, in which everything must be decided. Throws a Violation. */
export function runSchedule(seed: number, mode: Mode): World {
  const random = seededRandom(seed);
  const conditions = { ...ordinaryConditions, ...mode.conditions };
  const world = createWorld(random, { ...soundRules, ...mode.rules }, conditions, randomSource(random, conditions));
  Object.assign(world.rates, mode.rates);
  const survivors = chaos(world);
  calm(world, survivors);
  check(world);
  return world;
}

function randomSource(random: Random, conditions: Conditions): SourceRecord[][] {
  const contents = random.integer(2, 8);
  return Array.from({ length: random.integer(1, 3) }, () => {
    let offset = 0;
    return Array.from({ length: random.integer(4, 14) }, () => {
      offset += random.chance(0.8) ? 1 : random.integer(2, 4); // gaps of the source: markers, compaction
      const hash = random.integer(1, contents);
      return { offset, hash, rejected: hash === 1, watchdog: random.chance(conditions.watchdog) };
    });
  });
}

/** One step of a process; one that stops itself is gone. */
export function stepOf(actor: Actor): 'worked' | 'idle' | 'stopped' {
  try {
    return actor.step() ? 'worked' : 'idle';
  } catch (error) {
    if (error !== STOPPED) throw error;
    return 'stopped';
  }
}

/** Crashes at every step, several processes of a stage at once, late arrivals, trimming. */
function chaos(world: World): Actor[] {
  const { random, rates } = world;
  const anyPartition = (): number => random.integer(0, world.raw.length - 1);
  const actors: Actor[] = [];
  const takeOne = <T>(items: T[]): T | undefined => items.splice(random.integer(0, items.length - 1), 1)[0];
  for (let steps = random.integer(50, 500); steps > 0; steps--) {
    world.clock++;
    if (actors.length === 0 || random.chance(rates.start)) {
      const stage = random.integer(0, 2);
      if (stage === 0) actors.push(createSift(world, anyPartition()));
      else actors.push(stage === 1 ? createIndexer(world) : createCurate(world, anyPartition()));
    } else if (random.chance(rates.kill)) takeOne(actors);
    else if (world.inFlight.length > 0 && random.chance(rates.arriveLate)) {
      meet(world, 'late arrival');
      takeOne(world.inFlight)?.();
    } else if (random.chance(rates.trim)) trim(world, anyPartition());
    else {
      const actor = random.pick(actors);
      let did = stepOf(actor);
      for (let more = random.integer(1, rates.burst) - 1; more > 0 && did === 'worked'; more--) did = stepOf(actor);
      if (did === 'stopped') actors.splice(actors.indexOf(actor), 1);
    }
  }
  return actors;
}

const CALM_ROUNDS = 8000;
const IDLE_ROUNDS_BEFORE_RESTART = 20;
const ROUNDS_WITHOUT_PROGRESS = 1500;
/** Then restarts become rare: a reader that is killed every 50 rounds never gets through a long log. */
const ROUNDS_OF_MANY_RESTARTS = 500;

/** No new faults; restarts go on, for the protocol must not need luck. */
function calm(world: World, survivors: Actor[]): void {
  const { random } = world;
  world.faults = false;
  while (world.inFlight.length > 0 && random.chance(0.7)) world.inFlight.shift()?.();
  let actors = random.chance(0.5) ? [] : survivors;
  let idle = 0;
  let still = 0;
  let progress = '';
  for (let round = 0; round < CALM_ROUNDS && still < ROUNDS_WITHOUT_PROGRESS && !isComplete(world); round++) {
    world.clock++;
    if (
      actors.length === 0 ||
      idle >= IDLE_ROUNDS_BEFORE_RESTART ||
      random.chance(round < ROUNDS_OF_MANY_RESTARTS ? 0.02 : 0.002)
    ) {
      actors = [...actors.filter(() => random.chance(0.5)), ...allStages(world)];
      idle = 0;
    }
    const did = actors.map((actor) => stepOf(actor));
    actors = actors.filter((_, index) => did[index] !== 'stopped');
    idle = did.includes('worked') ? 0 : idle + 1;
    const now = `${world.committed.map(({ next }) => next).join()} ${world.furthestRead} ${world.sketch.entries.length} ${world.alarms}`;
    still = now === progress ? still + 1 : 0;
    progress = now;
  }
}

const allStages = (world: World): Actor[] => [
  ...world.raw.map((_, partition) => createSift(world, partition)),
  createIndexer(world),
  ...world.raw.map((_, partition) => createCurate(world, partition)),
];

export interface Findings {
  seeds: number;
  decided: number;
  repaired: number;
  met: Map<Situation, number>;
  /** Violation → the seeds that show it. */
  violations: Map<string, number[]>;
}

/** Runs `seeds` schedules of a mode; with `stopAtFirst`, only up to the first violation. */
export function explore(mode: Mode, seeds: number, options: { first?: number; stopAtFirst?: boolean } = {}): Findings {
  const findings: Findings = { seeds: 0, decided: 0, repaired: 0, met: new Map(), violations: new Map() };
  const first = options.first ?? 0;
  for (let seed = first; seed < first + seeds; seed++) {
    findings.seeds++;
    try {
      const world = runSchedule(seed, mode);
      findings.decided += world.outputs.length;
      findings.repaired += world.alarms > 0 ? 1 : 0;
      for (const [situation, times] of world.met)
        findings.met.set(situation, (findings.met.get(situation) ?? 0) + times);
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      findings.violations.set(error.message, [...(findings.violations.get(error.message) ?? []), seed]);
      if (options.stopAtFirst === true) break;
    }
  }
  return findings;
}
