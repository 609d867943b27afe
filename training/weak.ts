import { csvRows } from './archive.ts';
import { labelledTexts } from './labelled.ts';
import { seededRandom, shuffled } from './random.ts';
import { readLines, readSource, roleOf, type Role } from './sources.ts';
import { mailBody } from './toxicity.ts';
import { isEnglish, type WebPages } from './web.ts';

/** A piece of text with a weak label: nobody judged it, its origin says what it is. */
export interface WeakText {
  readonly kind: string;
  readonly text: string;
  readonly good: 0 | 1;
  readonly role: Role;
}

const MIN_WORDS = 60;
const MAX_WORDS = 800;

/**
 * Good: extracted English articles, Common Crawl documents of low perplexity, a technical book. Bad: spam, damaged articles (shuffled, repeated,
 * cut), heaps of comments, boilerplate, headline lists, pages with their menus left in. Every kind gets its lengths from one
 * distribution, log-uniform from 60 to 800 words, so that length tells nothing.
 */
export function weakTexts(directory: string, web: WebPages): WeakText[] {
  const random = seededRandom(20_251);
  const out: WeakText[] = [];
  /** Cuts pieces of a text, keeping its lines; the role is that of the whole text, so that its pieces stay together. */
  const add = (
    kind: string,
    good: 0 | 1,
    text: string,
    limit: number,
    change: (piece: string) => string = (piece) => piece,
  ): void => {
    const role = roleOf(text);
    const words = text.matchAll(/\S+/g);
    const starts = Array.from(words, (word) => word.index);
    for (let at = 0, n = 0; n < limit && starts.length - at >= MIN_WORDS; n++) {
      const length = Math.round(MIN_WORDS * (MAX_WORDS / MIN_WORDS) ** random());
      const piece = text.slice(starts[at], starts[at + length] ?? text.length).trim();
      out.push({ kind, good, role, text: change(piece) });
      at += length;
    }
  };
  const heap = (kind: string, lines: readonly string[], count: number, separator: string): void => {
    const mixed = shuffled(lines, random);
    for (let i = 0, at = 0; i < count && at < mixed.length; i++) {
      const size = 5 + Math.floor(random() * 60);
      add(kind, 0, mixed.slice(at, at + size).join(separator), 1);
      at += size;
    }
  };

  const articles = web.texts
    .filter((text) => text.english && text.role === 'train' && text.set !== 'crawl')
    .map(({ text }) => text);
  const chapters = readLines<{ text: string }>(directory, 'book').map(({ text }) => plainMarkdown(text));
  for (const text of articles) add('article', 1, text, 8);
  for (const text of chapters) add('book', 1, text, 6);

  for (const text of articles) {
    add('shuffled', 0, text, 2, (piece) => shuffled(piece.split(/\s+/), random).join(' '));
    add('repeated', 0, text, 2, (piece) => repeated(piece, random));
    add('cut', 0, text, 2, (piece) => cutLines(piece, random));
  }
  for (const { everything, boilerplate, role } of web.pages) {
    if (role !== 'train') continue;
    add('page', 0, everything, 2);
    add('boilerplate', 0, boilerplate, 3);
  }
  const mails = readLines<{ spam: number; raw: string }>(directory, 'mail').filter(({ spam }) => spam === 1);
  for (const { raw } of mails) {
    const body = mailBody(raw);
    if (isEnglish(body)) add('spam', 0, body, 1);
  }
  const headlines = readLines<{ text: string }>(directory, 'headlines').map(({ text }) => text);
  heap('headlines', headlines, 300, '\n');
  const tweets = csvRows(readSource(directory, 'davidson').toString('utf8')).map((row) => row.tweet ?? '');
  heap('tweets', tweets, 200, '\n');
  const comments = labelledTexts(directory)
    .filter(({ set }) => set === 'civil' || set === 'edos')
    .map(({ text }) => text);
  heap('comments', comments, 300, '\n');
  return out;
}

function plainMarkdown(text: string): string {
  return text
    .replaceAll(/```[\s\S]*?```|<!--[\s\S]*?-->/g, '')
    .replaceAll(/\[([^\]]*)\](\([^)]*\)|\[[^\]]*\])?/g, '$1')
    .replaceAll(/^#+ |[`*_]/gm, '')
    .replaceAll(/([^\n])\n(?=[^\n])/g, '$1 ')
    .replaceAll(/\n{2,}/g, '\n');
}

/** One sentence or line of the piece, over and over. */
function repeated(piece: string, random: () => number): string {
  const parts = piece.split(/(?<=[.!?])\s+|\n/).filter((part) => part.length > 20);
  const few = shuffled(parts, random).slice(0, 1 + Math.floor(random() * 3));
  if (few.length === 0) return piece;
  let out = '';
  while (out.length < piece.length) out += `${few[Math.floor(random() * few.length)]} `;
  return out.trim();
}

/** Lines broken off after a few words, as in a list of teasers. */
function cutLines(piece: string, random: () => number): string {
  const words = piece.split(/\s+/);
  const lines: string[] = [];
  for (let at = 0; at < words.length; ) {
    const length = 3 + Math.floor(random() * 8);
    lines.push(words.slice(at, at + length).join(' '));
    // The rest of the sentence is lost.
    at += length + Math.floor(random() * 6);
  }
  return lines.join('\n');
}
