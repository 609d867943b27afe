import { naiveSignals } from './naive.ts';
import type { ProfileName, RuleSignals } from './signals.ts';

export interface RuleScannerOptions {
  profiles: readonly ProfileName[];
  /** spaCy 3.8 English tokens, or words between white space. */
  tokens: 'spacy' | 'whitespace';
}

export interface RuleScanner {
  scan(text: string): RuleSignals;
}

/** Reads texts and measures what the profiles need, in one pass for all of them. */
export function createRuleScanner(options: RuleScannerOptions): RuleScanner {
  return {
    scan(text) {
      const all: RuleSignals = naiveSignals(text, options.tokens);
      return Object.fromEntries(options.profiles.map((profile) => [profile, all[profile]]));
    },
  };
}
