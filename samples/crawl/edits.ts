import type { Article, Block } from './article.ts';
import { plainText } from './article.ts';
import { shuffled } from './random.ts';
import type { Random } from './random.ts';
import { substitutes } from './substitutes.ts';

const unsegmented = new Set(['ja', 'zh']);

/** Words of a text (letters, marks and digits, lower case), or its code points where words are not written apart. */
export function tokens(text: string, language: string): string[] {
  const words = text.toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  return unsegmented.has(language) ? Array.from(words.join('')) : words;
}

/** Jaccard similarity of the sets of word 5-grams (9 code points for Chinese and Japanese). */
export function jaccard(left: string, right: string, language: string): number {
  const width = unsegmented.has(language) ? 9 : 5;
  const shingles = (text: string) => {
    const all = tokens(text, language);
    return new Set(
      all.slice(0, Math.max(0, all.length - width + 1)).map((_, at) => all.slice(at, at + width).join(' ')),
    );
  };
  const [a, b] = [shingles(left), shingles(right)];
  const common = [...a].filter((shingle) => b.has(shingle)).length;
  return common / (a.size + b.size - common || 1);
}

type Edit = { block: number; find: string; put: string };

/**
 * A copy that somebody has worked over: words exchanged, sentences left out, until its similarity to the original lies within
 * `tolerance` of `target`. An edit that would go too far is left away and the next one tried.
 */
export function edited(article: Article, target: number, random: Random, tolerance = 0.012): Article {
  const original = plainText(article);
  let current = article;
  for (const edit of candidateEdits(article, random)) {
    const next = applyEdit(current, edit);
    const similarity = jaccard(original, plainText(next), article.language);
    if (similarity < target - tolerance) continue;
    current = next;
    if (similarity <= target + tolerance) return current;
  }
  throw new Error(`${article.language}/${article.slug}; no edit reaches similarity ${target}; choose a longer text`);
}

function candidateEdits(article: Article, random: Random): Edit[] {
  const words: Edit[] = [];
  const sentences: Edit[] = [];
  const table = Object.entries(substitutes[article.language] ?? {});
  for (const [at, block] of article.blocks.entries()) {
    if (block.type !== 'paragraph') continue;
    for (const [find, put] of table) {
      const edit = { block: at, find: ` ${find} `, put: ` ${put} ` };
      for (let times = block.text.split(edit.find).length; times > 1; times--) words.push(edit);
    }
    for (const sentence of splitSentences(block.text).slice(1)) sentences.push({ block: at, find: sentence, put: '' });
  }
  return [...shuffled(words, random), ...shuffled(sentences, random), ...shuffled(slips(article), random)];
}

/** Words lost in retyping: the finest step, for texts too short for the others. */
function slips(article: Article): Edit[] {
  const cjk = unsegmented.has(article.language);
  return article.blocks.flatMap((block, at): Edit[] => {
    if (block.type !== 'paragraph') return [];
    const found = block.text.match(cjk ? /(?<=\p{L})\p{L}(?=\p{L})/gu : /(?<= )\p{Ll}+(?= )/gu) ?? [];
    return found.map((word) => (cjk ? { block: at, find: word, put: '' } : { block: at, find: ` ${word} `, put: ' ' }));
  });
}

const splitSentences = (text: string) => text.match(/[^.!?。！？]+[.!?。！？]+[”"»」]*\s*/gu) ?? [];

function applyEdit(article: Article, edit: Edit): Article {
  const blocks = article.blocks.map(
    (block, at): Block =>
      at === edit.block && block.type === 'paragraph'
        ? { ...block, text: block.text.replace(edit.find, edit.put) }
        : block,
  );
  return { ...article, blocks };
}

/** The first blocks of an article, as a teaser or a print page has them: as many as bring it nearest to `target`. */
export function excerpt(article: Article, target: number): Article {
  const original = plainText(article);
  const prefixes = article.blocks.map((_, at) => ({ ...article, blocks: article.blocks.slice(0, at + 1) }));
  const distance = (part: Article) => Math.abs(jaccard(original, plainText(part), article.language) - target);
  return prefixes.reduce((best, part) => (distance(part) < distance(best) ? part : best), article);
}
