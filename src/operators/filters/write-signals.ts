import type { RuleSignals } from './signals.ts';

/** The signals as JSON, for splicing into an output line. */
export function writeSignals(signals: RuleSignals): string {
  return JSON.stringify(signals);
}
