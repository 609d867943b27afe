import type { WordPiece } from '../../src/scoring/wordpiece.ts';
import { hashFraction, type Role } from '../sources.ts';
import { GROUPS, groupOf, type ToxicityRow } from '../toxicity.ts';
import type { EmbeddingCache } from './embed.ts';
import { windowIds } from './embed.ts';
import type { Example, HeadOptions } from './learn.ts';
import { type Mail, mailWindows } from './spam.ts';

/** Web text is what the heads will meet, and there is little of it here. */
const WEB_WEIGHT = 3;

export const toxicityOptions: HeadOptions = { widths: [384, 128, 4], groups: GROUPS, epochs: 12, seed: 1 };
export const spamOptions: HeadOptions = { widths: [384, 32, 1], groups: 1, epochs: 12, seed: 2 };

/** At most `limit` rows: those whose hashes are the least, so that a larger limit only adds some. */
export function someRows(rows: readonly ToxicityRow[], limit: number, ...roles: readonly Role[]): ToxicityRow[] {
  return rows
    .filter(({ role }) => roles.includes(role))
    .map((row) => ({ row, key: hashFraction(row.text, 8) }))
    .sort((a, b) => a.key - b.key)
    .slice(0, limit)
    .map(({ row }) => row);
}

export async function toxicityExamples(
  rows: readonly ToxicityRow[],
  wordPiece: WordPiece,
  embeddings: EmbeddingCache,
): Promise<Example[]> {
  const vectors = await embeddings.embed(
    rows.map(({ text }) => windowIds(wordPiece, text)),
    progress('toxicity'),
  );
  return rows.map(({ set, labels, weight, role }, i) => ({
    x: vectors[i]!,
    labels,
    weight: set === 'web' ? WEB_WEIGHT : weight,
    group: groupOf(set),
    role,
  }));
}

/** Of headlines, comments and prose, this many show the head what else is no spam. */
const OTHER_ROWS = 6000;

/** Pieces of mails; web texts and some of all others as what is no spam. */
export async function spamExamples(
  mails: readonly Mail[],
  rows: readonly ToxicityRow[],
  wordPiece: WordPiece,
  embeddings: EmbeddingCache,
): Promise<Example[]> {
  const used = mails.filter(({ role }) => role !== 'test');
  const others = rows.filter(({ set }) => set !== 'web' && set !== 'mail');
  const pieces = [
    ...used.flatMap((mail) => mailWindows(mail).map((text) => ({ ...mail, text }))),
    ...rows.filter(({ set }) => set === 'web').map((row) => ({ ...row, spam: 0 })),
    ...someRows(others, OTHER_ROWS, 'train', 'calibrate').map((row) => ({ ...row, spam: 0 })),
  ];
  const vectors = await embeddings.embed(
    pieces.map(({ text }) => windowIds(wordPiece, text)),
    progress('spam'),
  );
  return pieces.map(({ spam, role }, i) => ({ x: vectors[i]!, labels: [spam], weight: 1, group: 0, role }));
}

const EVERY = 2000;

export function progress(what: string): (done: number, all: number) => void {
  return (done, all) => {
    if (done % EVERY === 0) console.log(`${what}: ${done} of ${all} windows`);
  };
}
