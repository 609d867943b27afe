/** What C4's line rules are made of: part of what `c4@datatrove` means. */
export interface C4Lines {
  /** Keep only lines that end in . ! ? " or ' and not in an ellipsis. */
  terminated: boolean;
  /** Fewest white-space separated words of a kept line. */
  minWords: number;
  /** Longest word of a kept line, in code points. */
  maxWordLength: number;
}

export const c4Lines: C4Lines = { terminated: true, minWords: 3, maxWordLength: 1000 };

/** Wikipedia's citation marks, taken out before a line is judged. */
export const citation = /\[\p{Nd}*\]|\[edit\]|\[citation needed\]/gu;

export const policyPhrases: readonly string[] = [
  'terms of use',
  'privacy policy',
  'cookie policy',
  'uses cookies',
  'use of cookies',
  'use cookies',
];
