import { fitPlatt } from '../metrics.ts';
import type { Dense } from './bert.ts';
import type { Head } from './graph.ts';
import { applyHead } from './heads.ts';
import { type HeadProblem, trainPerceptron } from './perceptron.ts';

/** A text's window as a head sees it, and on which side of the split it is. */
export type Example = HeadProblem['rows'][number] & { readonly role: 'train' | 'calibrate' | 'test' };

/** A head whose logits are calibrated on the rows that it was not trained on (Platt scaling, in its last map). */
export type HeadOptions = Omit<HeadProblem, 'rows'>;

export function learnHead(examples: readonly Example[], options: HeadOptions): Head {
  const head = trainPerceptron({ ...options, rows: examples.filter(({ role }) => role === 'train') });
  const held = examples.filter(({ role }) => role === 'calibrate');
  const logits = held.map(({ x }) => applyHead(head, x));
  const last = head.at(-1)!;
  const curves = Array.from({ length: last.outputs }, (_, k) => {
    const known = held.map((__, i) => i).filter((i) => held[i]!.labels[k]! >= 0);
    return fitPlatt(
      known.map((i) => logits[i]![k]!),
      known.map((i) => held[i]!.labels[k]!),
    );
  });
  const scaled: Dense = {
    ...last,
    weight: last.weight.map((w, i) => w * curves[i % last.outputs]!.slope),
    bias: last.bias.map((b, k) => b * curves[k]!.slope + curves[k]!.intercept),
  };
  return [...head.slice(0, -1), scaled];
}
