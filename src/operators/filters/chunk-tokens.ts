import { exceptions } from './spacy-exceptions.ts';
import { exceptionSpans, selectSpans, type Span, splitChunk } from './spacy-tokenizer.ts';

export interface ChunkTokens {
  /** One after another they are the chunk. */
  readonly tokens: readonly string[];
  /** Some were put together again: its neighbours may have a say. */
  readonly merged: boolean;
}

/** Tokens of a chunk on its own. */
export function tokensOf(chunk: string): ChunkTokens {
  const tokens = splitChunk(chunk);
  const spans = tokens.length > 1 ? exceptionSpans(tokens) : [];
  if (spans.length === 0) return { tokens, merged: false };
  const merged = mergeSpans(tokens, spans);
  // Most sequences are the tokens of an exception that nothing had cut ("it", "'s"): no merge that a neighbour could block.
  const changed = merged.length !== tokens.length || merged.some((token, index) => token !== tokens[index]);
  return { tokens: merged, merged: changed };
}

/** Puts exceptions together again that affixes and infixes of this chunk had cut. */
function mergeSpans(tokens: readonly string[], spans: readonly Span[]): string[] {
  const merged: string[] = [];
  let index = 0;
  for (const span of selectSpans(spans)) {
    while (index < span.start) merged.push(tokens[index++]!);
    const exception = exceptions.get(tokens.slice(span.start, span.end).join(''));
    for (const token of exception ?? tokens.slice(span.start, span.end)) merged.push(token);
    index = span.end;
  }
  while (index < tokens.length) merged.push(tokens[index++]!);
  return merged;
}
