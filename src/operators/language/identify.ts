import { createWordCache } from './words.ts';
import { type LanguageTable, loadLanguageTable } from './table.ts';

export interface Language {
  /** ISO 639 code as fastText gives it (mostly 639-1); `und` where the text has no letter. */
  label: string;
  /** The model's probability of `label`, rounded to 4 decimals; 0 for `und`. */
  confidence: number;
}

export interface LanguageIdentifier {
  identify(text: string): Language;
}

/** Name of the signal: the table, the 1,000 characters, the folding and the rounding are all part of version 1. */
export const languageSignal = 'language/lid176@1';

/** UTF-16 units of a text that are looked at. */
export const languageWindow = 1000;

const letter = /\p{L}/u;

/**
 * Language of a text from its first 1,000 characters, white space folded (the practice of fastText's users: it reads one line).
 * One identifier belongs to one thread; `table` may be shared by all of them.
 */
export function createLanguageIdentifier(table: LanguageTable = loadLanguageTable()): LanguageIdentifier {
  const predict = createPredictor(table);
  return {
    identify(text) {
      const start = languageStart(text);
      if (!letter.test(start)) return { label: 'und', confidence: 0 };
      const { label, probability } = predict(start);
      return { label, confidence: Math.min(1, Math.round(probability * 10_000) / 10_000) };
    },
  };
}

/** The part of a text that decides, never ending in half a surrogate pair. */
export function languageStart(text: string): string {
  if (text.length <= languageWindow) return text;
  const last = text.charCodeAt(languageWindow - 1);
  return text.slice(0, last >= 0xd800 && last < 0xdc00 ? languageWindow - 1 : languageWindow);
}

export interface Prediction {
  label: string;
  /** As fastText gives it: may exceed 1 by about 1e-5. */
  probability: number;
}

/** fastText's `predict` with k = 1: mean of the embeddings of all words and n-grams, then the Huffman tree of labels. */
export function createPredictor(table: LanguageTable): (text: string) => Prediction {
  const { dimensions, labels } = table;
  const words = createWordCache(table);
  const hidden = words.sum;
  const search = createTreeSearch(table);
  return (text) => {
    const count = words.addAll(text);
    if (count > 0) for (let d = 0; d < dimensions; d++) hidden[d]! /= count;
    const leaf = search(hidden);
    return { label: labels[leaf.leaf]!, probability: Math.exp(leaf.logarithm) };
  };
}

/** Depth-first through the Huffman tree, likelier child first, leaving what cannot beat the best leaf (as fastText's dfs). */
function createTreeSearch(table: LanguageTable): (hidden: Float64Array) => { leaf: number; logarithm: number } {
  const { dimensions, left, right, outputs, labels } = table;
  const leaves = labels.length;
  const nodes = new Int32Array(2 * leaves);
  const scores = new Float64Array(2 * leaves);
  return (hidden) => {
    let leaf = 0;
    let best = Number.NEGATIVE_INFINITY;
    nodes[0] = 2 * leaves - 2;
    scores[0] = 0;
    for (let top = 1; top > 0; ) {
      const node = nodes[--top]!;
      const score = scores[top]!;
      if (score <= best) continue;
      if (node < leaves) {
        best = score;
        leaf = node;
        continue;
      }
      const inner = node - leaves;
      let dot = 0;
      for (let d = 0; d < dimensions; d++) dot += outputs[inner * dimensions + d]! * hidden[d]!;
      const toRight = 1 / (1 + Math.exp(-dot));
      const rightFirst = toRight > 0.5;
      const rightScore = score + Math.log(toRight + 1e-5);
      const leftScore = score + Math.log(1 - toRight + 1e-5);
      nodes[top] = rightFirst ? left[inner]! : right[inner]!;
      scores[top++] = rightFirst ? leftScore : rightScore;
      nodes[top] = rightFirst ? right[inner]! : left[inner]!;
      scores[top++] = rightFirst ? rightScore : leftScore;
    }
    return { leaf, logarithm: best };
  };
}
