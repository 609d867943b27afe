/**
 * The first of two passes over a stretch, where an encoder is configured: which records it can still make a difference to, and the windows of their
 * text. In a worker thread; the numbers come back with the second pass, which decides.
 */
import { RecordError } from '../errors.ts';
import { DEAD } from '../model/sifted.ts';
import type { Verdict } from '../model/verdicts.ts';
import { decide } from '../pruning/decide.ts';
import { draw } from '../pruning/draw.ts';
import { cascadePath, SKIPPED, speaks } from '../scoring/cascade.ts';
import type { Windows } from '../scoring/encoder/batcher.ts';
import type { Cutter } from '../scoring/encoder/scorer.ts';
import type { EncoderGroup } from '../scoring/encoder/share.ts';
import { createEntries, type Found } from './curate-entries.ts';
import { type CurateTask, evidenceOf, isScored, positionOf, textOf, walk, type WalkTools } from './curate-walk.ts';

/** A record that encoders are asked for. */
export interface Doubt {
  readonly offset: bigint;
  readonly identity: string;
  readonly text: string | Uint8Array;
  /** By encoder, for each of the scorers that share it, its path of the cascade. */
  readonly paths: readonly (readonly number[])[];
}

export interface DoubtTools extends WalkTools {
  readonly encoders: readonly EncoderGroup[];
  /** More of a text no encoder looks at. */
  readonly maxTextBytes: number;
}

/**
 * Records that would be curated, or copied to the control sample, by what is known of them so far, and that the cascade of a scorer sends on. Nothing else
 * is worth the time: a scorer can only take such a record out.
 */
export function findDoubts(task: CurateTask, tools: DoubtTools): Doubt[] {
  const doubts: Doubt[] = [];
  const entries = createEntries(task.sifted, (start, bytes) => tools.readSource(task.partition, start, bytes));
  walk(task, entries, tools.guard, {
    record(found, verdict) {
      const doubt = doubtOf(task, tools, found, verdict);
      if (doubt !== undefined) doubts.push(doubt);
    },
    lost: () => undefined,
  });
  return doubts;
}

function doubtOf(task: CurateTask, tools: DoubtTools, { entry, body }: Found, verdict: Verdict): Doubt | undefined {
  const { offset, language } = entry;
  if (entry.shape === DEAD || !isScored(tools, entry)) return undefined;
  if (!tools.encoders.flat().some(({ manifest }) => speaks(manifest, language))) return undefined;
  const text = textOf(tools, body);
  try {
    const scores = tools.stage0?.score(text) ?? {};
    const evidence = evidenceOf(positionOf(tools, task, offset), entry, verdict, scores);
    const { outcome, control } = decide(tools.policy, evidence);
    if (outcome !== 'curated' && !control) return undefined;
    const { identity } = evidence;
    const paths = tools.encoders.map((group) =>
      group.map(({ manifest }) => {
        if (!speaks(manifest, language)) return SKIPPED;
        return cascadePath(manifest, scores, () => draw(tools.policy.seed, `sample ${manifest.name}`, identity));
      }),
    );
    if (paths.flat().every((path) => path === SKIPPED)) return undefined;
    // A copy: what it is read from is read over.
    return { offset, identity, text: text.slice(0, tools.maxTextBytes), paths };
  } catch (error) {
    // The second pass comes to the same and makes it a dead letter.
    if (error instanceof RecordError) return undefined;
    throw error;
  }
}

/** What one encoder is asked for: the windows of all records, one after another. */
export interface Asked extends Windows {
  /** Rising. */
  readonly offsets: BigUint64Array<ArrayBuffer>;
  /** Windows of each record. */
  readonly counts: Uint32Array<ArrayBuffer>;
  /** The path of each record for each scorer of the encoder, row-major [records × scorers]. */
  readonly paths: Uint8Array<ArrayBuffer>;
  readonly ids: Int32Array<ArrayBuffer>;
  readonly lengths: Int32Array<ArrayBuffer>;
}

/** @param begin called before each record's text is cut */
export async function cutDoubts(
  doubts: readonly Doubt[],
  cutters: readonly Cutter[],
  begin: (offset: bigint) => void,
): Promise<Asked[]> {
  const asked: Asked[] = [];
  for (const [i, cutter] of cutters.entries()) {
    const wanted = doubts.filter(({ paths }) => paths[i]!.some((path) => path !== SKIPPED));
    const cut: Windows[] = [];
    for (const { offset, identity, text } of wanted) {
      begin(offset);
      cut.push(await cutter.cut(text, identity));
    }
    asked.push({
      offsets: BigUint64Array.from(wanted, ({ offset }) => offset),
      counts: Uint32Array.from(cut, ({ lengths }) => lengths.length),
      paths: Uint8Array.from(wanted.flatMap(({ paths }) => paths[i]!)),
      ids: joined(cut.map(({ ids }) => ids)),
      lengths: joined(cut.map(({ lengths }) => lengths)),
    });
  }
  return asked;
}

function joined(parts: readonly Int32Array[]): Int32Array<ArrayBuffer> {
  const all = new Int32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

export const buffersOfAsked = (asked: readonly Asked[]): ArrayBuffer[] =>
  asked.flatMap(({ offsets, counts, paths, ids, lengths }) =>
    [offsets, counts, paths, ids, lengths].map(({ buffer }) => buffer),
  );
