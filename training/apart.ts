import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { ConfigError } from '../src/errors.ts';
import { csvRows } from './archive.ts';
import { hashFraction } from './sources.ts';

/**
 * Public sets that nothing shipped is trained on, because their terms would bind the weights (GPL-3.0 and CC-BY-SA): measured with, as they stand.
 */
const sets = {
  mlma: {
    file: 'toxicity/mlma_en/mlma_en.csv.gz',
    sha256: '2a756d32c1889a1b25e0e6de0427b0042999423b3ca764db89857fb5ce60db21',
  },
  stormfront: {
    file: 'toxicity/stormfront/stormfront.jsonl.gz',
    sha256: '8f5006b268dba4dac34cd303ad42b5db1ead103b490c1cf5c154b7c3a777b41a',
  },
  toxicr: {
    file: 'toxicity/toxicr/toxicr.jsonl.gz',
    sha256: 'c7271fd3769e969ae9bb46f9fbbd26f13b9d8cf8b839bf13cf244f4cbed96ae4',
  },
} as const;

export type ApartSet = keyof typeof sets;

export interface ApartRow {
  readonly set: ApartSet;
  readonly text: string;
  readonly toxic: 0 | 1;
}

/** Of the many comments of code review, this share is measured with. */
const CODE_REVIEW_SHARE = 0.2;

export function apartRows(directory: string): ApartRow[] {
  return [...mlma(directory), ...stormfront(directory), ...codeReview(directory)];
}

/** Tweets by several marks each; a tweet that is called normal and something else is left out. */
function mlma(directory: string): ApartRow[] {
  return csvRows(read(directory, 'mlma')).flatMap(({ tweet = '', sentiment = '' }): ApartRow[] => {
    const marks = sentiment.split('_');
    const normal = marks.includes('normal');
    if (normal && marks.length > 1) return [];
    return [{ set: 'mlma', text: tweet.replaceAll(/@(user|url)\b/gi, ' ').trim(), toxic: normal ? 0 : 1 }];
  });
}

/** Sentences of a forum of racists: the authors' balanced sample. */
function stormfront(directory: string): ApartRow[] {
  type Row = { text: string; label: string; sampled_split: string | null };
  return lines<Row>(directory, 'stormfront')
    .filter(({ label, sampled_split: split }) => split !== null && ['hate', 'noHate'].includes(label))
    .map(({ text, label }) => ({ set: 'stormfront', text, toxic: label === 'hate' ? 1 : 0 }));
}

/** Comments of code review: each once, and none that bears both labels. */
function codeReview(directory: string): ApartRow[] {
  const labels = new Map<string, Set<0 | 1>>();
  for (const { text, toxic } of lines<{ text: string; toxic: 0 | 1 }>(directory, 'toxicr'))
    labels.set(text, (labels.get(text) ?? new Set()).add(toxic));
  return [...labels]
    .filter(([text, found]) => found.size === 1 && hashFraction(text) < CODE_REVIEW_SHARE)
    .map(([text, found]) => ({ set: 'toxicr', text, toxic: [...found][0]! }));
}

function lines<T>(directory: string, set: ApartSet): T[] {
  return read(directory, set)
    .split('\n')
    .filter((line) => line !== '')
    .map((line): T => JSON.parse(line));
}

function read(directory: string, set: ApartSet): string {
  const { file, sha256 } = sets[set];
  const full = path.join(directory, file);
  const bytes = readFileSync(full);
  const actual = createHash('sha256').update(bytes).digest('hex');
  if (actual === sha256) return gunzipSync(bytes).toString('utf8');
  throw new ConfigError(
    'test-data',
    `set ${full}; its SHA-256 is ${actual}, not ${sha256}; get the commit of its SOURCE.md`,
  );
}
