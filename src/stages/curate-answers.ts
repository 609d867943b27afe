/** The encoders' numbers for the records of a stretch, on their way to scores: what the second pass of curate makes of them. */
import { SKIPPED } from '../scoring/cascade.ts';
import type { Reduce } from '../scoring/encoder/scores.ts';
import type { EncoderManifest } from '../scoring/manifest-encoder.ts';
import type { Scores } from '../scoring/stage0.ts';
import type { Asked } from './curate-doubts.ts';

/** An encoder's answer to what it was asked. */
export interface Answer extends Pick<Asked, 'offsets' | 'counts' | 'paths'> {
  /** Of every window, row-major [windows × columns]. */
  readonly numbers: Float32Array;
  /** Tokens of all windows. */
  readonly tokens: number;
}

/** A scorer of an encoder. */
export interface Reducer {
  readonly manifest: EncoderManifest;
  readonly reduce: Reduce;
}

export interface Answers {
  /** The path that each scorer's cascade gave the record, encoder by encoder; adds their scores. @throws RecordError `score.nan` */
  addScores(offset: bigint, scores: Scores): readonly number[];
  readonly tokens: number;
}

/** @param encoders the scorers of each encoder, in the order of `answers` */
export function createAnswers(encoders: readonly (readonly Reducer[])[], answers: readonly Answer[]): Answers {
  const found = answers.map((answer, i) => ({ ...answer, scorers: encoders[i]!, rows: rowsOf(answer) }));
  return {
    tokens: answers.reduce((sum, { tokens }) => sum + tokens, 0),
    addScores(offset, scores) {
      // What is mixed in are scores of tables.
      const others = { ...scores };
      return found.flatMap(({ scorers, rows, paths, numbers }) => {
        const row = rows.get(offset);
        return scorers.map(({ manifest, reduce }, k) => {
          const path = row === undefined ? SKIPPED : paths[row.record * scorers.length + k]!;
          if (row !== undefined && path !== SKIPPED)
            scores[manifest.name] = reduce(numbers.subarray(row.from, row.to), others);
          return path;
        });
      });
    },
  };
}

interface Row {
  readonly record: number;
  /** Its stretch of the numbers. */
  readonly from: number;
  readonly to: number;
}

function rowsOf({ offsets, counts, numbers }: Answer): ReadonlyMap<bigint, Row> {
  const windows = counts.reduce((sum, count) => sum + count, 0);
  const columns = windows === 0 ? 0 : numbers.length / windows;
  const rows = new Map<bigint, Row>();
  let from = 0;
  for (const [record, offset] of offsets.entries()) {
    const to = from + counts[record]! * columns;
    rows.set(offset, { record, from, to });
    from = to;
  }
  return rows;
}
