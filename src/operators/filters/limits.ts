import { z } from 'zod';
import { type ProfileName, profileNames, type RuleSignals } from './signals.ts';

const count = (fallback: number, text: string) => z.number().int().min(0).nullable().default(fallback).describe(text);
const amount = (fallback: number, text: string) => z.number().min(0).nullable().default(fallback).describe(text);
const share = (fallback: number, text: string) => z.number().min(0).max(1).nullable().default(fallback).describe(text);

const gopher = z.strictObject({
  minWords: count(50, 'Fewest words, punctuation not counted.'),
  maxWords: count(100_000, 'Most words, punctuation not counted.'),
  minMeanWordLength: amount(3, 'Shortest mean word, in code points.'),
  maxMeanWordLength: amount(10, 'Longest mean word, in code points.'),
  maxHashRatio: amount(0.1, 'Most "#" a token.'),
  maxEllipsisRatio: amount(0.1, 'Most ellipses ("..." or "…") a token.'),
  maxBulletLineFraction: share(0.9, 'Largest share of lines that start with "•" or "-".'),
  maxEllipsisLineFraction: share(0.3, 'Largest share of lines that end with an ellipsis.'),
  minAlphaWordFraction: share(0.8, 'Smallest share of tokens with a letter.'),
  minStopWords: count(2, 'Fewest different words of: the, be, to, of, and, that, have, with.'),
});

const repetition = z.strictObject({
  maxDuplicateParagraphFraction: share(0.3, 'Largest share of paragraphs that repeat an earlier one.'),
  maxDuplicateParagraphCharacterFraction: share(0.2, 'Largest share of characters in such paragraphs.'),
  maxDuplicateLineFraction: share(0.3, 'Largest share of lines that repeat an earlier one.'),
  maxDuplicateLineCharacterFraction: share(0.2, 'Largest share of characters in such lines.'),
  maxTop2GramCharacterFraction: amount(0.2, 'Largest share of characters in the commonest 2-gram.'),
  maxTop3GramCharacterFraction: amount(0.18, 'Largest share of characters in the commonest 3-gram.'),
  maxTop4GramCharacterFraction: amount(0.16, 'Largest share of characters in the commonest 4-gram.'),
  maxDuplicate5GramCharacterFraction: share(0.15, 'Largest share of characters in repeated 5-grams.'),
  maxDuplicate6GramCharacterFraction: share(0.14, 'Largest share of characters in repeated 6-grams.'),
  maxDuplicate7GramCharacterFraction: share(0.13, 'Largest share of characters in repeated 7-grams.'),
  maxDuplicate8GramCharacterFraction: share(0.12, 'Largest share of characters in repeated 8-grams.'),
  maxDuplicate9GramCharacterFraction: share(0.11, 'Largest share of characters in repeated 9-grams.'),
  maxDuplicate10GramCharacterFraction: share(0.1, 'Largest share of characters in repeated 10-grams.'),
});

const c4 = z.strictObject({
  maxLoremIpsumLine: count(0, '0 refuses a text with "lorem ipsum" in a line that would be kept; null allows it.'),
  maxCurlyBracketLine: count(0, '0 refuses a text with "{" in a line that would be kept; null allows it.'),
  minSentences: count(5, 'Fewest sentences in the lines that would be kept.'),
});

const fineweb = z.strictObject({
  minLines: count(1, 'Fewest lines that are not blank.'),
  minTerminatedLineFraction: share(0.12, 'Smallest share of lines that end with terminal punctuation.'),
  maxShortLineFraction: share(0.67, 'Largest share of lines of at most 30 code points.'),
  maxDuplicateLineCharacterFraction: share(0.01, 'Largest share of characters in lines that repeat an earlier one.'),
  maxNewlineRatio: amount(0.3, 'Most line feeds a token.'),
});

/** Limits of every rule; datatrove's defaults. `null` switches a rule off. */
export const filterLimitsSchema = z.strictObject({
  'gopher@datatrove': gopher.prefault({}).describe('Gopher quality rules.'),
  'gopher-repetition@datatrove': repetition.prefault({}).describe('Gopher repetition rules.'),
  'c4@datatrove': c4.prefault({}).describe('C4 rules.'),
  'fineweb@datatrove': fineweb.prefault({}).describe("FineWeb's own rules."),
});
export type FilterLimits = z.infer<typeof filterLimitsSchema>;

type NumberKeys<T> = { [K in keyof T]: NonNullable<T[K]> extends number ? K : never }[keyof T] & string;
type Signals<P extends ProfileName> = NonNullable<RuleSignals[P]>;

interface Rule<P extends ProfileName> {
  signal: NumberKeys<Signals<P>>;
  bound: 'min' | 'max';
  limit: NumberKeys<FilterLimits[P]>;
  /** What the peer calls it. */
  peer: string;
  /** A ratio to nothing is not judged: the rule needs this signal above 0. */
  needs?: NumberKeys<Signals<P>>;
}

const repetitionRules = ((): Rule<'gopher-repetition@datatrove'>[] => {
  const top = ([2, 3, 4] as const).map(
    (n): Rule<'gopher-repetition@datatrove'> => ({
      signal: `top${n}GramCharacterFraction`,
      bound: 'max',
      limit: `maxTop${n}GramCharacterFraction`,
      peer: `top_${n}_gram`,
    }),
  );
  const duplicate = ([5, 6, 7, 8, 9, 10] as const).map(
    (n): Rule<'gopher-repetition@datatrove'> => ({
      signal: `duplicate${n}GramCharacterFraction`,
      bound: 'max',
      limit: `maxDuplicate${n}GramCharacterFraction`,
      peer: `duplicated_${n}_n_grams`,
    }),
  );
  return [
    {
      signal: 'duplicateParagraphFraction',
      bound: 'max',
      limit: 'maxDuplicateParagraphFraction',
      peer: 'dup_para_frac',
    },
    {
      signal: 'duplicateParagraphCharacterFraction',
      bound: 'max',
      limit: 'maxDuplicateParagraphCharacterFraction',
      peer: 'dup_para_char_frac',
    },
    { signal: 'duplicateLineFraction', bound: 'max', limit: 'maxDuplicateLineFraction', peer: 'dup_line_frac' },
    {
      signal: 'duplicateLineCharacterFraction',
      bound: 'max',
      limit: 'maxDuplicateLineCharacterFraction',
      peer: 'dup_line_char_frac',
    },
    ...top,
    ...duplicate,
  ];
})();

/** Every rule of every profile, in the order in which the peer tries them. */
export const rules: { readonly [P in ProfileName]: readonly Rule<P>[] } = {
  'gopher@datatrove': [
    { signal: 'wordCount', bound: 'min', limit: 'minWords', peer: 'gopher_short_doc' },
    { signal: 'wordCount', bound: 'max', limit: 'maxWords', peer: 'gopher_long_doc' },
    {
      signal: 'meanWordLength',
      bound: 'min',
      limit: 'minMeanWordLength',
      peer: 'gopher_below_avg_threshold',
      needs: 'wordCount',
    },
    { signal: 'meanWordLength', bound: 'max', limit: 'maxMeanWordLength', peer: 'gopher_above_avg_threshold' },
    { signal: 'hashRatio', bound: 'max', limit: 'maxHashRatio', peer: 'gopher_too_many_hashes' },
    { signal: 'ellipsisRatio', bound: 'max', limit: 'maxEllipsisRatio', peer: 'gopher_too_many_ellipsis' },
    { signal: 'bulletLineFraction', bound: 'max', limit: 'maxBulletLineFraction', peer: 'gopher_too_many_bullets' },
    {
      signal: 'ellipsisLineFraction',
      bound: 'max',
      limit: 'maxEllipsisLineFraction',
      peer: 'gopher_too_many_end_ellipsis',
    },
    {
      signal: 'alphaWordFraction',
      bound: 'min',
      limit: 'minAlphaWordFraction',
      peer: 'gopher_below_alpha_threshold',
      needs: 'tokenCount',
    },
    { signal: 'stopWordCount', bound: 'min', limit: 'minStopWords', peer: 'gopher_enough_stop_words' },
  ],
  'gopher-repetition@datatrove': repetitionRules,
  'c4@datatrove': [
    { signal: 'loremIpsumLine', bound: 'max', limit: 'maxLoremIpsumLine', peer: 'lorem_ipsum' },
    { signal: 'curlyBracketLine', bound: 'max', limit: 'maxCurlyBracketLine', peer: 'curly_bracket' },
    { signal: 'sentenceCount', bound: 'min', limit: 'minSentences', peer: 'too_few_sentences' },
  ],
  'fineweb@datatrove': [
    { signal: 'lineCount', bound: 'min', limit: 'minLines', peer: 'empty' },
    {
      signal: 'terminatedLineFraction',
      bound: 'min',
      limit: 'minTerminatedLineFraction',
      peer: 'line_punct_ratio',
      needs: 'lineCount',
    },
    { signal: 'shortLineFraction', bound: 'max', limit: 'maxShortLineFraction', peer: 'short_line_ratio' },
    {
      signal: 'duplicateLineCharacterFraction',
      bound: 'max',
      limit: 'maxDuplicateLineCharacterFraction',
      peer: 'char_dup_ratio',
    },
    { signal: 'newlineRatio', bound: 'max', limit: 'maxNewlineRatio', peer: 'list_ratio' },
  ],
};

/** A rule that a text breaks: `reason` is `<profile>.<signal>`; below a minimum, value < limit, above a maximum, value > limit. */
export interface Failure {
  reason: string;
  value: number;
  limit: number;
}

/** The closed list of reasons. */
export const filterReasons: readonly string[] = [
  ...new Set(profileNames.flatMap((profile) => rules[profile].map((rule) => `${profile}.${rule.signal}`))),
];

/**
 * Every rule that the signals break, profile by profile (those that `signals` has), in the peer's order within a profile:
 * the first is the reason that the peer would give.
 */
export function failures(signals: RuleSignals, limits: FilterLimits): Failure[] {
  const found: Failure[] = [];
  judge('gopher@datatrove', signals, limits, found);
  judge('gopher-repetition@datatrove', signals, limits, found);
  const c4Start = found.length;
  judge('c4@datatrove', signals, limits, found);
  // Both are line numbers, and the peer stops at the first such line.
  const [first, second] = found.slice(c4Start);
  if (first && second?.reason.endsWith('.curlyBracketLine') && second.value < first.value) {
    found[c4Start] = second;
    found[c4Start + 1] = first;
  }
  judge('fineweb@datatrove', signals, limits, found);
  return found;
}

function judge(profile: ProfileName, all: RuleSignals, limits: FilterLimits, found: Failure[]): void {
  const values: Readonly<Record<string, number>> | undefined = all[profile];
  if (!values) return;
  const own: Readonly<Record<string, number | null>> = limits[profile];
  for (const rule of rules[profile]) {
    const limit = own[rule.limit] ?? null;
    const value = values[rule.signal];
    if (limit === null || value === undefined) continue;
    if (rule.needs && values[rule.needs] === 0) continue;
    if (rule.bound === 'min' ? value < limit : value > limit) {
      found.push({ reason: `${profile}.${rule.signal}`, value, limit });
    }
  }
}
