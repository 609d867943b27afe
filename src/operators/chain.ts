import type { Failure } from '../model/reasons.ts';
import type { Draft, Operator } from './operator.ts';

export interface NamedOperator {
  readonly name: string;
  readonly apply: Operator;
}

/** What the whole chain found out about one record. */
export interface ChainResult {
  readonly text: string;
  readonly language: string;
  readonly title: string | undefined;
  readonly signals: string;
  readonly failures: readonly Failure[];
}

/** Seconds and calls by operator since the last `take`. */
export interface OperatorTimes {
  take(): Record<string, { seconds: number; records: number }>;
}

const none: readonly Failure[] = [];

/**
 * Runs operators in order over one record: the one place where they are timed.
 * A failed rule does not end the chain, for `decision.failed` lists all of them; `stop` does.
 */
export function createChain(operators: readonly NamedOperator[]): { run(draft: Draft): ChainResult } & OperatorTimes {
  const seconds = new Float64Array(operators.length);
  const records = new Uint32Array(operators.length);

  function run(draft: Draft): ChainResult {
    let current = draft;
    let title: string | undefined;
    let signals = '';
    let failures: Failure[] | undefined;
    let started = performance.now();
    for (let i = 0; i < operators.length; i++) {
      const effect = operators[i]!.apply(current);
      const now = performance.now();
      seconds[i]! += (now - started) / 1000;
      records[i]! += 1;
      started = now;
      if (effect === undefined) continue;
      if (effect.text !== undefined || effect.language !== undefined)
        current = { ...current, text: effect.text ?? current.text, language: effect.language ?? current.language };
      title = effect.title ?? title;
      if (effect.signals) signals = signals === '' ? effect.signals : `${signals},${effect.signals}`;
      if (effect.failures && effect.failures.length > 0)
        failures = failures ? [...failures, ...effect.failures] : [...effect.failures];
      if (effect.stop) break;
    }
    return { text: current.text ?? '', language: current.language, title, signals, failures: failures ?? none };
  }

  function take(): Record<string, { seconds: number; records: number }> {
    const out: Record<string, { seconds: number; records: number }> = {};
    operators.forEach((operator, i) => {
      out[operator.name] = { seconds: seconds[i]!, records: records[i]! };
    });
    seconds.fill(0);
    records.fill(0);
    return out;
  }

  return { run, take };
}
