import { RecordError } from '../../errors.ts';
import { columnsOf, type EncoderManifest } from '../manifest-encoder.ts';
import type { Scores } from '../stage0.ts';

/** Scores are rounded to four decimals, as those of tables are. */
const DECIMALS = 10_000;
/** Another scorer's score is rounded, so its logit is finite at this distance from 0 and 1. */
const NEAREST = 0.5 / DECIMALS;

export type Score = Scores[string];

/** Turns the model's numbers for the windows of one document into its score. `others`: scores that are mixed in. */
export type Reduce = (numbers: Float32Array, others?: Scores) => Score;

/**
 * Each window gets a score on every axis; the document gets the greatest or the mean, as the manifest has it, and the other beside it as `axis.mean` or
 * `axis.max`. One output of axis `score` is written as a plain number, as a table's is. A document without a window scores 0.
 * Throws a RecordError `score.nan` rather than ever give a score that is not a number.
 */
export function createReduce(manifest: EncoderManifest): Reduce {
  const { name, outputs, window, model } = manifest;
  const columns = columnsOf(manifest);
  const toLogit = logitOf[model.activation];
  const squash = model.activation === 'none' ? cut : logistic;
  const other = window.reduction === 'max' ? 'mean' : 'max';

  return (numbers, others = {}) => {
    const byAxis: Record<string, number> = {};
    const rows = numbers.length / columns;
    for (const { axis, index, calibration, mix } of outputs) {
      const mixed = mix === undefined ? undefined : otherLogit(others[mix.scorer], mix.axis);
      let max = Number.NEGATIVE_INFINITY;
      let sum = 0;
      for (let row = 0; row < rows; row++) {
        const own = toLogit(numbers, row * columns, columns, index);
        const logit = mixed === undefined ? own : (1 - mix!.weight) * own + mix!.weight * mixed;
        const score = squash(calibration.slope * logit + calibration.intercept);
        // Not `>`: a NaN must come out, not lose every comparison.
        if (!(score <= max)) max = score;
        sum += score;
      }
      const both = { max: rows === 0 ? 0 : max, mean: rows === 0 ? 0 : sum / rows };
      byAxis[axis] = rounded(both[window.reduction], name, axis);
      byAxis[`${axis}.${other}`] = rounded(both[other], name, axis);
    }
    return outputs.length === 1 && outputs[0]!.axis === 'score' ? byAxis.score! : byAxis;
  };
}

type ToLogit = (numbers: Float32Array, start: number, columns: number, index: number) => number;

const logitOf: Record<EncoderManifest['model']['activation'], ToLogit> = {
  sigmoid: (numbers, start, _, index) => numbers[start + index]!,
  none: (numbers, start, _, index) => numbers[start + index]!,
  // log(p / (1 − p)) of the softmax: the number against the logarithm of the sum of all others' exponentials.
  softmax(numbers, start, columns, index) {
    let greatest = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < columns; k++) if (k !== index) greatest = Math.max(greatest, numbers[start + k]!);
    let sum = 0;
    for (let k = 0; k < columns; k++) if (k !== index) sum += Math.exp(numbers[start + k]! - greatest);
    return numbers[start + index]! - greatest - Math.log(sum);
  },
};

const logistic = (logit: number): number => 1 / (1 + Math.exp(-logit));
const cut = (value: number): number => Math.min(1, Math.max(0, value));

function otherLogit(score: Score | undefined, axis: string): number | undefined {
  const value = typeof score === 'object' ? score[axis] : score;
  return value === undefined ? undefined : scoreLogit(value);
}

/** The logit of a rounded score. */
export function scoreLogit(score: number): number {
  const inside = Math.min(1 - NEAREST, Math.max(NEAREST, score));
  return Math.log(inside / (1 - inside));
}

function rounded(score: number, name: string, axis: string): number {
  const value = Math.round(score * DECIMALS) / DECIMALS;
  if (!Number.isNaN(value)) return value;
  throw new RecordError(
    'score',
    'score.nan',
    `score ${axis} of ${name}; not a number; look at the record's text and report it`,
  );
}
