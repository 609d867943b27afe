import type { RuleSignals } from './signals.ts';

/** The signals as JSON, for splicing into an output line. Written by hand, key by key, it takes twice the time of the engine's own. */
export function writeSignals(signals: RuleSignals): string {
  return JSON.stringify(signals);
}
