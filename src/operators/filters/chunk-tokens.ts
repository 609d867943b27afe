import { exceptionSpans, mergeSpans } from './spacy-merges.ts';
import { splitChunk } from './spacy-tokenizer.ts';

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
