import { exceptions } from './spacy-exceptions.ts';
import { isCut, splitChunk } from './spacy-tokenizer.ts';

/** Exceptions that affixes and infixes had cut are put together again, over the tokens of the whole text: spaCy matches them as phrases. */

/** First token → the token sequences, starting with it, that make up an exception when nothing stands between them. */
const sequences: ReadonlyMap<string, readonly (readonly string[])[]> = (() => {
  const table = new Map<string, (readonly string[])[]>();
  for (const chunk of exceptions.keys()) {
    if (!isCut(chunk)) continue;
    const tokens = splitChunk(chunk, false);
    const list = table.get(tokens[0]!) ?? [];
    list.push(tokens);
    table.set(tokens[0]!, list);
  }
  return table;
})();

/** Tokens in the longest sequence. */
export const longestSequence: number = Math.max(...[...sequences.values()].flat().map((tokens) => tokens.length));

export interface Span {
  start: number;
  end: number;
}

/** Token ranges that read like an exception, white space between them or not. */
export function exceptionSpans(tokens: readonly string[]): Span[] {
  const spans: Span[] = [];
  for (let start = 0; start < tokens.length; start++) {
    for (const sequence of sequences.get(tokens[start]!) ?? []) {
      if (start + sequence.length > tokens.length) continue;
      let index = 1;
      while (index < sequence.length && tokens[start + index] === sequence[index]) index++;
      if (index === sequence.length) spans.push({ start, end: start + sequence.length });
    }
  }
  return spans;
}

/**
 * Of overlapping ranges the longest wins, then the first; a range that loses still blocks the shorter ones.
 * Returned in order.
 */
export function selectSpans(spans: readonly Span[]): Span[] {
  const taken = new Set<number>();
  const selected: Span[] = [];
  for (const span of [...spans].sort((a, b) => b.end - b.start - (a.end - a.start) || a.start - b.start)) {
    if (!taken.has(span.start) && !taken.has(span.end - 1)) selected.push(span);
    for (let index = span.start; index < span.end; index++) taken.add(index);
  }
  return selected.sort((a, b) => a.start - b.start);
}

/** The tokens of `[from, to)` with the exceptions in these ranges whole again; ranges that reach out of it have lost. */
export function mergeSpans(tokens: readonly string[], spans: readonly Span[], from = 0, to = tokens.length): string[] {
  const merged: string[] = [];
  let index = from;
  for (const { start, end } of selectSpans(spans)) {
    if (start < from || end > to) continue;
    while (index < start) merged.push(tokens[index++]!);
    const parts = tokens.slice(start, end);
    for (const token of exceptions.get(parts.join('')) ?? parts) merged.push(token);
    index = end;
  }
  while (index < to) merged.push(tokens[index++]!);
  return merged;
}
