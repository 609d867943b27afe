import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { z } from 'zod';
import { type C4Lines, c4Lines } from '../src/operators/filters/c4-lines.ts';
import {
  type Failure,
  type FilterLimits,
  failures,
  filterLimitsSchema,
  rules,
} from '../src/operators/filters/limits.ts';
import { c4Line, sentenceCount, splitLines, strip, type TokenKind, words } from '../src/operators/filters/naive.ts';
import { createRuleScanner, type RuleScanner } from '../src/operators/filters/scanner.ts';
import type { ProfileName } from '../src/operators/filters/signals.ts';
import { sharedPath } from '../src/testing/shared.ts';

/**
 * Compares the filter profiles with what datatrove gave for the same texts: every value, the decision, the first reason and
 * all reasons. `node bench/fixtures.ts` prints passed / total a suite and exits 1 when a row fails that is not in `exceptions`.
 */
const folder = 'fixtures/datatrove';
const files = [
  'tokens_spacy.jsonl.gz',
  'golden_gopher_quality.jsonl.gz',
  'golden_gopher_repetition.jsonl.gz',
  'golden_c4.jsonl.gz',
  'golden_fineweb.jsonl.gz',
  'test_filters.jsonl',
];

/** Rows that cannot pass: `suite case` → why. */
export const exceptions: ReadonlyMap<string, string> = new Map();

const rowSchema = z.object({
  suite: z.string(),
  case: z.string(),
  filter: z.string(),
  params: z.record(z.string(), z.unknown()),
  text: z.string(),
  expect: z.object({
    keep: z.boolean().optional(),
    reason: z.string().optional(),
    all_failed: z.array(z.string()).optional(),
    values: z.record(z.string(), z.number()).optional(),
    tol: z.number().optional(),
    text: z.string().optional(),
    sentences_per_kept_line: z.array(z.number()).optional(),
    tokens: z.array(z.string()).optional(),
  }),
});
type Row = z.infer<typeof rowSchema>;

const profileOfFilter: Readonly<Record<string, ProfileName>> = {
  gopher_quality: 'gopher@datatrove',
  gopher_repetition: 'gopher-repetition@datatrove',
  c4: 'c4@datatrove',
  fineweb_c4: 'c4@datatrove',
  c4_lines_only: 'c4@datatrove',
  fineweb_quality: 'fineweb@datatrove',
};

const signalOfValue: Readonly<Record<ProfileName, Readonly<Record<string, string>>>> = {
  'gopher@datatrove': {
    n_words: 'tokenCount',
    n_non_symbol_words: 'wordCount',
    avg_word_length: 'meanWordLength',
    hash_ratio: 'hashRatio',
    ellipsis_ratio: 'ellipsisRatio',
    alpha_words_ratio: 'alphaWordFraction',
    bullet_lines_ratio: 'bulletLineFraction',
    ellipsis_lines_ratio: 'ellipsisLineFraction',
    n_lines: 'lineCount',
    distinct_stop_words: 'stopWordCount',
  },
  'gopher-repetition@datatrove': {
    n_paragraphs: 'paragraphCount',
    n_lines: 'lineCount',
    n_words: 'tokenCount',
    n_chars: 'characterCount',
    ...Object.fromEntries(rules['gopher-repetition@datatrove'].map((rule) => [rule.peer, rule.signal])),
  },
  'c4@datatrove': {
    'line-total': 'lineCount',
    'line-kept': 'keptLineCount',
    'line-filter-too_long_word': 'longWordLineCount',
    'line-filter-no_terminal_punc': 'unterminatedLineCount',
    'line-filter-too_few_words': 'fewWordsLineCount',
    'line-filter-javascript': 'javascriptLineCount',
    'line-filter-policy': 'policyLineCount',
    num_sentences: 'sentenceCount',
  },
  'fineweb@datatrove': {
    n_lines: 'lineCount',
    n_words: 'tokenCount',
    line_punct_ratio: 'terminatedLineFraction',
    short_line_ratio: 'shortLineFraction',
    char_dup_ratio: 'duplicateLineCharacterFraction',
    list_ratio: 'newlineRatio',
  },
};

/** Peer's parameter → our limit. */
const limitOfParameter: Readonly<Record<string, string>> = {
  min_doc_words: 'minWords',
  max_doc_words: 'maxWords',
  min_num_sentences: 'minSentences',
  line_punct_thr: 'minTerminatedLineFraction',
  short_line_threshold: 'maxShortLineFraction',
  char_duplicates_ratio: 'maxDuplicateLineCharacterFraction',
  new_line_ratio: 'maxNewlineRatio',
};

function limitsOf(row: Row, profile: ProfileName): FilterLimits {
  const own: Record<string, unknown> = {};
  for (const [parameter, value] of Object.entries(row.params)) {
    const limit = limitOfParameter[parameter];
    // The peer switches its sentence rule off with -1.
    if (limit !== undefined) own[limit] = value === -1 ? null : value;
  }
  return filterLimitsSchema.parse({ [profile]: own });
}

function linesOf(row: Row): C4Lines {
  const minWords = row.params.min_words_per_line;
  return {
    ...c4Lines,
    terminated: row.params.filter_no_terminal_punct !== false,
    minWords: typeof minWords === 'number' ? minWords : c4Lines.minWords,
  };
}

const scanners = new Map<string, RuleScanner>();

function scannerOf(profile: ProfileName, tokens: TokenKind, c4: C4Lines): RuleScanner {
  const key = JSON.stringify([profile, tokens, c4]);
  const scanner = scanners.get(key) ?? createRuleScanner({ profiles: [profile], tokens, c4 });
  scanners.set(key, scanner);
  return scanner;
}

function peerReason(profile: ProfileName, failure: Failure): string {
  const bound = failure.value < failure.limit ? 'min' : 'max';
  const rule = rules[profile].find((one) => `${profile}.${one.signal}` === failure.reason && one.bound === bound);
  return rule?.peer ?? failure.reason;
}

/** What differs; empty when the row passes, undefined when the row belongs to none of the four profiles. */
export function compareRow(row: Row): string[] | undefined {
  if (row.suite === 'word_tokenizer') return same('tokens', words(row.text, 'spacy'), row.expect.tokens);
  const profile = profileOfFilter[row.filter];
  if (profile === undefined) return undefined;
  const tokens: TokenKind = String(row.params.word_tokenizer).startsWith('whitespace') ? 'whitespace' : 'spacy';
  const lines = linesOf(row);
  const scanner = scannerOf(profile, tokens, lines);
  const failed = failures(scanner.scan(row.text), limitsOf(row, profile)).map((failure) =>
    peerReason(profile, failure),
  );
  const wrong = [
    ...same('keep', failed.length === 0, row.expect.keep),
    ...same('reason', failed[0] ?? '', row.expect.reason),
    ...same('all failed', failed, row.expect.all_failed),
  ];
  // C4 stops reading at a line that condemns the text: its counters are those of the lines up to there.
  const stops = profile === 'c4@datatrove' && (failed[0] === 'lorem_ipsum' || failed[0] === 'curly_bracket');
  const read = stops ? textUntilStop(row.text, scanner) : row.text;
  const values = new Map<string, number>(Object.entries(scanner.scan(read)[profile] ?? {}));
  for (const [name, expected] of Object.entries(row.expect.values ?? {})) {
    const value = values.get(signalOfValue[profile][name] ?? name) ?? Number.NaN;
    const tolerance = (row.expect.tol ?? 0) * Math.max(1, Math.abs(expected));
    if (!(Math.abs(value - expected) <= tolerance)) wrong.push(`${name}: ${value}, not ${expected}`);
  }
  if (profile === 'c4@datatrove') wrong.push(...compareKept(row, lines));
  return wrong;
}

function textUntilStop(text: string, scanner: RuleScanner): string {
  const signals = scanner.scan(text)['c4@datatrove'];
  const stop = Math.min(
    ...[signals?.loremIpsumLine, signals?.curlyBracketLine]
      .filter((line) => line !== undefined && line > 0)
      .map(Number),
  );
  return splitLines(text).slice(0, stop).join('\n');
}

/** The lines that C4 would keep. The product decides on them and leaves the text alone, so the plain rules give them. */
function compareKept(row: Row, lines: C4Lines): string[] {
  const kept = splitLines(row.text)
    .map((line) => c4Line(line, lines))
    .filter((line) => line.fate === 'kept');
  return [
    ...same('kept text', strip(kept.map((line) => line.line).join('\n')), row.expect.text),
    ...same(
      'sentences of the kept lines',
      kept.map((line) => sentenceCount(line.line)),
      row.expect.sentences_per_kept_line,
    ),
  ];
}

function same(name: string, value: unknown, expected: unknown): string[] {
  if (expected === undefined || JSON.stringify(value) === JSON.stringify(expected)) return [];
  return [`${name}: ${JSON.stringify(value).slice(0, 120)}, not ${JSON.stringify(expected).slice(0, 120)}`];
}

export interface SuiteResult {
  suite: string;
  passed: number;
  total: number;
  failed: { key: string; differences: string[]; proof: string | undefined }[];
}

/** Runs every row; undefined when the shared fixtures are not there. */
export function compareFixtures(): SuiteResult[] | undefined {
  const suites = new Map<string, SuiteResult>();
  for (const file of files) {
    const path = sharedPath(`${folder}/${file}`);
    if (path === undefined) return undefined;
    const bytes = readFileSync(path);
    const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
    for (const line of text.split('\n')) {
      if (line === '') continue;
      const row = rowSchema.parse(JSON.parse(line));
      const differences = compareRow(row);
      if (differences === undefined) continue;
      const result = suites.get(row.suite) ?? { suite: row.suite, passed: 0, total: 0, failed: [] };
      suites.set(row.suite, result);
      result.total++;
      const key = `${row.suite} ${row.case}`;
      if (differences.length === 0) result.passed++;
      else result.failed.push({ key, differences, proof: exceptions.get(key) });
    }
  }
  return [...suites.values()];
}

/** Prints the table; returns whether every row passes or is explained. */
export function run(): boolean {
  const suites = compareFixtures();
  if (suites === undefined) {
    console.error('fixtures; the shared test data is not beside the repository; get it to compare with the peers');
    return false;
  }
  let unexplained = 0;
  for (const { suite, passed, total, failed } of suites) {
    console.log(`${suite.padEnd(36)} ${String(passed).padStart(5)} / ${total}`);
    for (const { key, differences, proof } of failed) {
      if (proof === undefined) unexplained++;
      console.log(`  ${key}: ${proof ?? differences.join('; ')}`);
    }
  }
  const sum = (pick: (suite: SuiteResult) => number) => suites.reduce((total, suite) => total + pick(suite), 0);
  console.log(
    `${'all'.padEnd(36)} ${String(sum((s) => s.passed)).padStart(5)} / ${sum((s) => s.total)}, ${unexplained} unexplained`,
  );
  return unexplained === 0;
}

if (import.meta.main) process.exitCode = run() ? 0 : 1;
