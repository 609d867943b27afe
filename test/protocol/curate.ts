import { issueAgain, rewindSift } from './repair.ts';
import type { Actor } from './sift.ts';
import type { Attempt, Committed, Log, Output, SiftedBlock, Verdict, VerdictBlock, World } from './world.ts';
import { meet, readable, STOPPED, Violation } from './world.ts';

type Topic = 'sifted' | 'verdict';
interface Transaction {
  outputs: readonly Output[];
  positions: Committed;
}
/** A block that was read and has records to decide, with its log position. */
interface Read<T> {
  position: number;
  block: T;
}
interface Input<T> {
  log: Log<T>;
  position: number;
  blocks: Read<T>[];
  /** Source offsets below it are all in blocks that were read; undefined: nothing read yet. */
  coverage: number | undefined;
}

export interface Curate extends Actor {
  fetch(topic: Topic): boolean;
  decide(): boolean;
  commit(): boolean;
}

/** Curate: joins a partition's sifted records with their verdicts; the only stage with a transaction. */
export function createCurate(world: World, partition: number): Curate {
  const { random, rules } = world;
  world.started[partition] = true;
  let epoch = 0;
  let base: Committed;
  let next = 0;
  let sifted: Input<SiftedBlock>;
  let verdict: Input<VerdictBlock>;
  let transaction: Transaction | undefined;
  let outputsWritten = false;
  let waitsForCopy: number | undefined;

  /** Fence, then read the committed positions, then seek: in this order, on every assignment. */
  function assign(fence: boolean): void {
    if (fence && rules.fence === 'epoch') world.epochs[partition]!++;
    epoch = world.epochs[partition]!;
    base = world.committed[partition]!;
    next = rules.storesNext ? base.next : 0;
    sifted = { log: world.sifted[partition]!, position: base.sifted, blocks: [], coverage: undefined };
    verdict = { log: world.verdicts[partition]!, position: base.verdict, blocks: [], coverage: undefined };
    transaction = undefined;
    waitsForCopy = undefined;
  }
  assign(true);

  function fetchBlock<T extends SiftedBlock | VerdictBlock>(input: Input<T>): boolean {
    input.position = readable(world, input.log, input.position);
    const block = input.log.entries[input.position];
    if (block === undefined) return false;
    if (!rules.storesNext && input.coverage === undefined) next = Math.max(next, block.from);
    const coverage = input.coverage ?? next;
    if (block.from > coverage && world.lost === 0)
      throw new Violation(`alarm without a lost message: a ${input.log.name} block starts beyond coverage`);
    // Behind a gap coverage stays, until the block that was lost comes again; this block may hold the accepted copy.
    if (block.from <= coverage) input.coverage = Math.max(coverage, block.to);
    else meet(world, 'block behind a gap');
    input.blocks.push({ position: input.position++, block });
    waitsForCopy = undefined;
    return true;
  }
  const fetch = (topic: Topic): boolean => (topic === 'sifted' ? fetchBlock(sifted) : fetchBlock(verdict));

  const verdictOf = (offset: number): Verdict | undefined =>
    verdict.blocks.find(({ block }) => block.from <= offset && offset < block.to)?.block.verdicts.get(offset);

  /** The copies of a record read so far; none: covered and not listed, hence not a record. */
  const copiesOf = (offset: number): Attempt[] =>
    sifted.blocks.flatMap(({ block }) => block.attempts.filter((attempt) => attempt.offset === offset));

  /** Opens a transaction with the decisions from `next` up to some offset that both topics cover. */
  function decide(): boolean {
    const covered = Math.min(sifted.coverage ?? next, verdict.coverage ?? next);
    if (covered <= next || waitsForCopy !== undefined) return false;
    const until = random.integer(next + 1, covered);
    const outputs: Output[] = [];
    let offset = next;
    for (; offset < until; offset++) {
      const copies = copiesOf(offset);
      if (copies.length === 0) continue;
      const given = verdictOf(offset);
      if (given === undefined) throw new Violation('a record is listed by sift and not by the index');
      const copy = rules.join === 'first copy' ? copies[0] : acceptedCopy(copies, given);
      if (copy === undefined) {
        meet(world, 'accepted copy is further on');
        waitsForCopy = offset; // the copy that the index accepted is further on in the log
        break;
      }
      outputs.push({ partition, offset, outcome: outcomeOf(copy, given), hash: copy.hash, verdict: given });
    }
    if (offset === next) return false;
    transaction = {
      outputs,
      positions: { next: offset, sifted: positionOf(sifted, offset), verdict: positionOf(verdict, offset) },
    };
    outputsWritten = false;
    return true;
  }

  /**
   * The copy of the attempt that the index accepted. A stub has no text to wait for: it is a dead letter, whatever
   * other attempts made of the record. Were its copy lost, sift might never be stopped there again.
   */
  function acceptedCopy(copies: readonly Attempt[], { hash }: Verdict): Attempt | undefined {
    if (hash === null && rules.acceptedStub === 'decides alone') return { offset: -1, hash, rejected: false };
    return copies.find((copy) => copy.hash === hash);
  }

  /** Where a successor has to start reading: the first block with a record to decide. */
  function positionOf<T extends SiftedBlock | VerdictBlock>(input: Input<T>, decided: number): number {
    if (rules.committedPosition === 'read position') return input.position;
    return input.blocks.find(({ block }) => block.to > decided)?.position ?? input.position;
  }

  function apply(made: Transaction, madeIn: number, madeOn: Committed): boolean {
    if (rules.fence === 'epoch' && madeIn !== world.epochs[partition]) return false;
    if (rules.fence === 'conditional' && madeOn !== world.committed[partition]) return false;
    world.outputs.push(...made.outputs);
    world.committed[partition] = made.positions;
    return true;
  }

  function commit(): boolean {
    if (transaction === undefined) return false;
    const made = transaction;
    const [madeIn, madeOn] = [epoch, base];
    if (rules.curateCommit === 'outputs, then positions') {
      if (rules.fence === 'epoch' && epoch !== world.epochs[partition]) throw STOPPED;
      if (!outputsWritten) {
        world.outputs.push(...made.outputs);
        outputsWritten = true;
        return true;
      }
      world.committed[partition] = made.positions;
    } else if (world.faults && random.chance(0.1)) {
      const outcome = random.next();
      if (outcome < 0.35) apply(made, madeIn, madeOn);
      else if (outcome < 0.7) world.inFlight.push(() => apply(made, madeIn, madeOn));
      if (random.chance(0.5)) throw STOPPED;
      assign(rules.curateUnknownOutcome === 'start again'); // the committed position tells what happened
      return true;
    } else if (!apply(made, madeIn, madeOn)) {
      meet(world, 'commit refused');
      throw STOPPED;
    }
    base = made.positions;
    next = made.positions.next;
    transaction = undefined;
    sifted.blocks = sifted.blocks.filter(({ block }) => block.to > next);
    verdict.blocks = verdict.blocks.filter(({ block }) => block.to > next);
    return true;
  }

  /** At the end of both topics: is everything there that sift and the index know to be acknowledged? */
  function lookForLoss(): boolean {
    const siftedUntil = waitsForCopy ?? sifted.coverage ?? next;
    const verdictUntil = verdict.coverage ?? next;
    if (world.siftPositions[partition]! > siftedUntil)
      rewindSift(world, partition, siftedUntil, 'sift is past the end of the sifted topic');
    else if (world.acknowledged[partition]! > verdictUntil)
      issueAgain(world, partition, verdictUntil, 'the index is past the end of the verdicts');
    else return false;
    return true;
  }

  function step(): boolean {
    if (transaction !== undefined) return commit();
    const [first, second] = random.chance(0.5) ? (['sifted', 'verdict'] as const) : (['verdict', 'sifted'] as const);
    if (random.chance(0.5)) return decide() || fetch(first) || fetch(second) || lookForLoss();
    return fetch(first) || fetch(second) || decide() || lookForLoss();
  }

  return { stage: 'curate', partition, step, fetch, decide, commit };
}

function outcomeOf(copy: Attempt, verdict: Verdict): Output['outcome'] {
  if (copy.hash === null) return 'dead letter';
  if (copy.rejected) return 'rejected';
  return copy.hash === verdict.hash && verdict.firstSeen !== null ? 'duplicate' : 'curated';
}
