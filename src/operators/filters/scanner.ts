import { type C4Lines, c4Lines, naiveSignals } from './naive.ts';
import type { ProfileName, RuleSignals } from './signals.ts';

export interface RuleScannerOptions {
  profiles: readonly ProfileName[];
  /** spaCy 3.8 English tokens, or words between white space. */
  tokens: 'spacy' | 'whitespace';
  /** Other line rules than C4's: for comparisons with peers; signals made so do not carry the profile's name. */
  c4?: C4Lines;
}

export interface RuleScanner {
  scan(text: string): RuleSignals;
}

/** Reads texts and measures what the profiles need, in one pass for all of them. */
export function createRuleScanner(options: RuleScannerOptions): RuleScanner {
  return {
    scan(text) {
      const all: RuleSignals = naiveSignals(text, options.tokens, options.c4 ?? c4Lines);
      return Object.fromEntries(options.profiles.map((profile) => [profile, all[profile]]));
    },
  };
}
