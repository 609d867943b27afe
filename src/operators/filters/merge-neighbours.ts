import { bmpClasses, SPACE } from './character-classes.ts';
import { exceptionSpans, longestSequence, mergeSpans } from './spacy-merges.ts';
import { splitChunk } from './spacy-tokenizer.ts';

const isSpace = (unit: number): boolean => (bmpClasses[unit]! & SPACE) !== 0;

/** Tokens of chunks to one side of `index`, as far as a sequence can reach, nearest chunk last in the list of chunks. */
function before(text: string, index: number): string[] {
  let tokens: string[] = [];
  let end = index;
  while (tokens.length < longestSequence - 1) {
    if (end < 2 || text.charCodeAt(end - 1) !== 0x20 || isSpace(text.charCodeAt(end - 2))) break;
    let start = end - 1;
    while (start > 0 && !isSpace(text.charCodeAt(start - 1))) start--;
    tokens = [...splitChunk(text.slice(start, end - 1)), ...tokens];
    end = start;
  }
  return tokens.slice(-(longestSequence - 1));
}

function after(text: string, index: number): string[] {
  const tokens: string[] = [];
  let start = index;
  while (tokens.length < longestSequence - 1) {
    if (start + 1 >= text.length || text.charCodeAt(start) !== 0x20 || isSpace(text.charCodeAt(start + 1))) break;
    let end = start + 1;
    while (end < text.length && !isSpace(text.charCodeAt(end))) end++;
    for (const token of splitChunk(text.slice(start + 1, end))) tokens.push(token);
    start = end;
  }
  return tokens.slice(0, longestSequence - 1);
}

/**
 * spaCy puts exceptions together over the tokens of the whole text: a longer sequence that reaches over a space blocks a
 * shorter one, and is then given up because of the space. Tokens of the chunk `text[from, to)` when a neighbour blocks a
 * merge in it, undefined when none does.
 */
export function mergeNeighbours(text: string, from: number, to: number): string[] | undefined {
  const left = before(text, from);
  const own = splitChunk(text.slice(from, to));
  const tokens = [...left, ...own, ...after(text, to)];
  const start = left.length;
  const end = start + own.length;
  const spans = exceptionSpans(tokens);
  if (!spans.some((span) => span.start < end && span.end > start && (span.start < start || span.end > end)))
    return undefined;
  return mergeSpans(tokens, spans, start, end);
}
