/**
 * What the heuristic filters measure. Every number is a fact about the text: none depends on a limit,
 * so another limit needs no new pass. `docs/reference/filters.md` defines each with its unit and source.
 */
export const profileNames = [
  'gopher@datatrove',
  'gopher-repetition@datatrove',
  'c4@datatrove',
  'fineweb@datatrove',
] as const;
export type ProfileName = (typeof profileNames)[number];

// Types and not interfaces: rules read them by name, as `Record<string, number>`.

/** Gopher quality rules (Rae et al. 2021, arXiv:2112.11446, table A1, "quality filtering"). */
export type GopherSignals = {
  /** Tokens with a character that is not punctuation. */
  wordCount: number;
  tokenCount: number;
  /** Code points, over the words of `wordCount`. */
  meanWordLength: number;
  hashRatio: number;
  ellipsisRatio: number;
  lineCount: number;
  bulletLineFraction: number;
  ellipsisLineFraction: number;
  alphaWordFraction: number;
  /** How many of the eight stop words occur. */
  stopWordCount: number;
};

/** Gopher repetition rules (the same paper, table A1, "repetition removal"). */
export type GopherRepetitionSignals = {
  characterCount: number;
  paragraphCount: number;
  lineCount: number;
  tokenCount: number;
  duplicateParagraphFraction: number;
  duplicateParagraphCharacterFraction: number;
  duplicateLineFraction: number;
  duplicateLineCharacterFraction: number;
  top2GramCharacterFraction: number;
  top3GramCharacterFraction: number;
  top4GramCharacterFraction: number;
  duplicate5GramCharacterFraction: number;
  duplicate6GramCharacterFraction: number;
  duplicate7GramCharacterFraction: number;
  duplicate8GramCharacterFraction: number;
  duplicate9GramCharacterFraction: number;
  duplicate10GramCharacterFraction: number;
};

/** C4 rules (Raffel et al. 2020, JMLR 21/140, section 2.2): what becomes of each line, and what the kept lines hold. */
export type C4Signals = {
  lineCount: number;
  keptLineCount: number;
  longWordLineCount: number;
  unterminatedLineCount: number;
  fewWordsLineCount: number;
  javascriptLineCount: number;
  policyLineCount: number;
  /** Number of the first line with "lorem ipsum", counted from 1; 0 when there is none. */
  loremIpsumLine: number;
  /** Number of the first line with a curly bracket, counted from 1; 0 when there is none. */
  curlyBracketLine: number;
  /** Sentences of the kept lines. */
  sentenceCount: number;
};

/** FineWeb's own rules (Penedo et al. 2024, arXiv:2406.17557, section 3.6). */
export type FineWebSignals = {
  /** Lines that are not blank. */
  lineCount: number;
  tokenCount: number;
  terminatedLineFraction: number;
  shortLineFraction: number;
  duplicateLineCharacterFraction: number;
  newlineRatio: number;
};

export interface RuleSignals {
  'gopher@datatrove'?: GopherSignals;
  'gopher-repetition@datatrove'?: GopherRepetitionSignals;
  'c4@datatrove'?: C4Signals;
  'fineweb@datatrove'?: FineWebSignals;
}

/**
 * Nine decimals, part of every signal's definition. A ratio a/b and a limit p/q differ by 0 or by at least 1/(b·q),
 * so this rounding turns no decision while b·q < 2·10⁹: limits of two decimals on texts below 20 million code points.
 */
export function roundSignal(value: number): number {
  return value < 9_000_000 ? Math.round(value * 1e9) / 1e9 : value;
}

/** `count / total`, rounded; 0 where there is nothing to count. */
export function ratio(count: number, total: number): number {
  return total === 0 ? 0 : roundSignal(count / total);
}
