import { functionWords } from '../src/scoring/prose.ts';
import { tarFiles } from './archive.ts';
import { decodePage, type PageText, pageText } from './page.ts';
import { hashFraction, readLines, readSource } from './sources.ts';

/** One text as a pipeline would meet it after extraction. */
export interface WebText {
  readonly set: 'crawl' | 'crawlHead' | 'articles' | 'pages';
  readonly text: string;
  readonly english: boolean;
  /** Half of the web texts are trained on; cut, percentiles and false positives come from the other half. */
  readonly role: 'train' | 'reference';
}

export interface WebPages {
  readonly texts: readonly WebText[];
  /** English pages cut three ways, for weak labels. */
  readonly pages: readonly (PageText & { readonly role: 'train' | 'reference' })[];
}

const MIN_CHARS = 200;

const listed = new Set(functionWords);

/** English prose has a function word (of the 60 listed) in every two or three words; other languages hardly any. */
export function isEnglish(text: string): boolean {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  return words.filter((word) => listed.has(word)).length >= 0.2 * words.length;
}

function webRole(text: string): 'train' | 'reference' {
  return hashFraction(text, 4) < 0.5 ? 'train' : 'reference';
}

export function readWeb(directory: string): WebPages {
  const texts: WebText[] = [];
  const pages: (PageText & { role: 'train' | 'reference' })[] = [];
  const add = (set: WebText['set'], text: string): void => {
    if (text.length >= MIN_CHARS) texts.push({ set, text, english: isEnglish(text), role: webRole(text) });
  };
  for (const { source, text } of readLines<{ source: string; text: string }>(directory, 'crawl')) {
    // Some files there have the two characters \n where a line ends.
    add('crawl', source.includes('ml_filter') ? text.replaceAll('\\n', '\n') : text);
  }
  for (const { text } of readLines<{ text: string }>(directory, 'crawlHead')) add('crawlHead', text);
  for (const { name, bytes } of tarFiles(readSource(directory, 'articles'))) {
    if (!name.endsWith('/expected.html')) continue;
    const page = pageText(decodePage(bytes));
    add('articles', page.everything);
  }
  for (const { bytes } of tarFiles(readSource(directory, 'pages'))) {
    const page = pageText(decodePage(bytes));
    add('pages', page.article);
    if (isEnglish(page.article)) pages.push({ ...page, role: webRole(page.article) });
  }
  return { texts, pages };
}

/** Pieces of about `words` words, cut at spaces, at most `limit` of them. */
export function windowsOf(text: string, words: number, limit: number): string[] {
  const parts = text.split(/\s+/).filter((word) => word !== '');
  const out: string[] = [];
  for (let at = 0; at < parts.length && out.length < limit; at += words) {
    if (at === 0 || parts.length - at >= words / 2) out.push(parts.slice(at, at + words).join(' '));
  }
  return out;
}
