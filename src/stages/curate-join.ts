/**
 * The join of one source partition: which blocks of sifted and of verdicts were read, how far both cover the source, and from where they must be
 * read again after a restart. Pure bookkeeping, no I/O.
 */
import { FatalError } from '../errors.ts';
import {
  readSiftedBlock,
  type SiftedBlock,
  SKIPPED,
  STUB,
  siftedExact,
  siftedOffset,
  siftedShape,
} from '../model/sifted.ts';
import { readVerdictBlock, type VerdictBlock, verdictExact, verdictKind, verdictOffset } from '../model/verdicts.ts';

interface Held<B> {
  readonly at: bigint;
  readonly block: B;
}

export interface Join {
  /** The next source offset to hand out: everything below is decided or on its way. */
  readonly planned: bigint;
  addSifted(at: bigint, bytes: Uint8Array): void;
  addVerdicts(at: bigint, bytes: Uint8Array): void;
  /** The longest stretch from `planned` that can be decided, with the blocks that it needs; undefined when nothing can. */
  plan(maxBlocks: number): Stretch | undefined;
  /**
   * Positions to commit with `next` as N: the first block read whose `to` is above N, else the read position, for each topic separately
   * (protocol rule 10). Blocks that are no longer needed are let go.
   */
  positions(next: bigint): { sifted: bigint; verdicts: bigint };
  /** The next offsets to read. To commit them is the negative control of rule 10. */
  readPositions(): { sifted: bigint; verdicts: bigint };
  /** The first source offset in each topic that was not found in what was read so far. */
  wanted(): Wanted;
  /** Bytes of the blocks that wait, by topic; starved: nothing can be decided before more of it comes. */
  held(): Readonly<Record<'sifted' | 'verdicts', { readonly bytes: number; readonly starved: boolean }>>;
  /** The record at `stub.offset` is decided without the copy that says why it was given up: that copy is lost. */
  decideAlone(offset: bigint): void;
}

export interface Wanted {
  /** Coverage, or the record whose accepted copy did not come. */
  readonly sifted: bigint;
  readonly verdicts: bigint;
  /** A record that waits for the copy of an accepted stub; other attempts at it have come. */
  readonly stub: bigint | undefined;
}

export interface Stretch {
  readonly next: bigint;
  readonly limit: bigint;
  readonly sifted: readonly Uint8Array[];
  readonly verdicts: readonly Uint8Array[];
}

export interface JoinStart {
  readonly partition: number;
  /** N as committed, 0 before the first commit; undefined (a negative control): the first block says where the partition starts. */
  readonly next: bigint | undefined;
  readonly sifted: bigint;
  readonly verdicts: bigint;
}

export function createJoin(start: JoinStart): Join {
  const sifted: Held<SiftedBlock>[] = [];
  const verdicts: Held<VerdictBlock>[] = [];
  let planned = start.next;
  let begin: bigint | undefined;
  let siftedCoverage = start.next;
  let verdictCoverage = start.next;
  let siftedRead = start.sifted;
  let verdictsRead = start.verdicts;
  /** Where the last plan stopped for want of a copy. */
  let stopped: Missing | undefined;
  const alone = new Set<bigint>();

  /** Without N the partition starts where its first block does, in both topics. */
  function beginAt(from: bigint): bigint {
    begin ??= from;
    if (begin !== from)
      throw new FatalError(
        'gap',
        `first block of partition ${start.partition}; it begins at ${from} in one topic and at ${begin} in the other; the log lost a block: keep it and report it`,
      );
    return from;
  }

  /**
   * Coverage with this block. One that starts beyond the coverage adds nothing to it (undefined), now and on every replay: either the block before
   * it was not acknowledged (a full disk), so its writer never moved on and gives both again; or the log lost it, and both are asked for again.
   */
  function cover(coverage: bigint | undefined, from: bigint, to: bigint): bigint | undefined {
    const at = coverage ?? planned ?? from;
    if (from > at) return undefined;
    return to > at ? to : at;
  }

  function plan(maxBlocks: number): Stretch | undefined {
    stopped = undefined;
    if (siftedCoverage === undefined || verdictCoverage === undefined || planned === undefined) return undefined;
    const coverage = siftedCoverage < verdictCoverage ? siftedCoverage : verdictCoverage;
    if (coverage <= planned) return undefined;
    const answers = verdicts.filter(({ block }) => block.to > planned! && block.from < coverage).slice(0, maxBlocks);
    const last = answers.at(-1);
    if (last === undefined) return undefined;
    const wanted = last.block.to < coverage ? last.block.to : coverage;
    const bodies = sifted.filter(({ block }) => block.to > planned! && block.from < wanted);
    stopped = firstWithoutCopy(answers, bodies, { next: planned, wanted, alone });
    const limit = stopped?.offset ?? wanted;
    if (limit <= planned) return undefined;
    const stretch = {
      next: planned,
      limit,
      sifted: bodies.filter(({ block }) => block.from < limit).map(({ block }) => block.bytes),
      verdicts: answers.filter(({ block }) => block.from < limit).map(({ block }) => block.bytes),
    };
    planned = limit;
    return stretch;
  }

  return {
    get planned() {
      return planned ?? 0n;
    },
    addSifted(at, bytes) {
      const block = readSiftedBlock(bytes);
      planned ??= beginAt(block.from);
      siftedRead = at + 1n;
      // Kept behind a gap too: it may be the one that holds an accepted copy.
      siftedCoverage = cover(siftedCoverage, block.from, block.to) ?? siftedCoverage;
      if (block.to > planned) sifted.push({ at, block });
    },
    addVerdicts(at, bytes) {
      const block = readVerdictBlock(bytes);
      if (planned === undefined) beginAt(block.from);
      verdictsRead = at + 1n;
      const coverage = cover(verdictCoverage, block.from, block.to);
      if (coverage === undefined) return;
      verdictCoverage = coverage;
      if (planned === undefined || block.to > planned) verdicts.push({ at, block });
    },
    plan,
    positions(next) {
      for (const offset of alone) if (offset < next) alone.delete(offset);
      drop(sifted, next);
      drop(verdicts, next);
      return { sifted: firstAbove(sifted, next) ?? siftedRead, verdicts: firstAbove(verdicts, next) ?? verdictsRead };
    },
    readPositions: () => ({ sifted: siftedRead, verdicts: verdictsRead }),
    wanted: () => ({
      sifted: stopped?.kind === STUB ? (siftedCoverage ?? 0n) : (stopped?.offset ?? siftedCoverage ?? 0n),
      verdicts: verdictCoverage ?? 0n,
      stub: stopped?.kind === STUB ? stopped.offset : undefined,
    }),
    held: () => ({
      sifted: { bytes: bytesOf(sifted), starved: stopped !== undefined || isAt(siftedCoverage, planned) },
      verdicts: { bytes: bytesOf(verdicts), starved: isAt(verdictCoverage, planned) },
    }),
    decideAlone: (offset) => void alone.add(offset),
  };
}

const bytesOf = (held: readonly Held<{ readonly bytes: Uint8Array }>[]): number =>
  held.reduce((sum, { block }) => sum + block.bytes.length, 0);

const isAt = (coverage: bigint | undefined, planned: bigint | undefined): boolean =>
  coverage === undefined || planned === undefined || coverage <= planned;

function firstAbove(held: readonly Held<{ to: bigint }>[], next: bigint): bigint | undefined {
  return held.find(({ block }) => block.to > next)?.at;
}

function drop(held: Held<{ readonly to: bigint }>[], next: bigint): void {
  while (held.length > 0 && held[0]!.block.to <= next) held.shift();
}

interface Missing {
  readonly offset: bigint;
  readonly kind: number;
}

/**
 * The first record that cannot be joined, for its accepted sifted copy has not come yet (protocol rule 3); undefined when all can. A repeated range
 * is answered by the block that covered it first.
 */
function firstWithoutCopy(
  answers: readonly Held<VerdictBlock>[],
  bodies: readonly Held<SiftedBlock>[],
  range: { readonly next: bigint; readonly wanted: bigint; readonly alone: ReadonlySet<bigint> },
): Missing | undefined {
  let { next } = range;
  const at = bodies.map(() => 0);
  for (const { block } of answers) {
    for (let i = 0; i < block.count; i++) {
      const offset = verdictOffset(block, i);
      if (offset < next) continue;
      if (offset >= range.wanted) return undefined;
      if (!hasCopy(bodies, at, offset, verdictExact(block, i)) && !range.alone.has(offset))
        return { offset, kind: verdictKind(block, i) };
      next = offset + 1n;
    }
  }
  return undefined;
}

function hasCopy(bodies: readonly Held<SiftedBlock>[], at: number[], offset: bigint, exact: bigint): boolean {
  for (const [b, { block }] of bodies.entries()) {
    if (offset < block.from || offset >= block.to) continue;
    let i = at[b]!;
    while (i < block.count && (siftedOffset(block, i) < offset || siftedShape(block, i) === SKIPPED)) i++;
    at[b] = i;
    if (i < block.count && siftedOffset(block, i) === offset && siftedExact(block, i) === exact) return true;
  }
  return false;
}
