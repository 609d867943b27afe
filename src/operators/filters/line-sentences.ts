import { classesOf, PUNCTUATION, SENTENCE_END } from './character-classes.ts';
import { tokensOf } from './chunk-tokens.ts';
import { mergeNeighbours } from './merge-neighbours.ts';
import { kinds, WORD } from './unit-kinds.ts';

/** Chunks whose tokens are remembered. */
const chunksKept = 1 << 14;
/** What a token does to a sentence, as spaCy's sentencizer has it. */
const ENDS = 1;
const STARTS = 2;
const NEITHER = 0;

interface Known {
  readonly acts: readonly number[];
  readonly merged: boolean;
}

/** Counts the sentences of a line on its own. */
export function lineSentences(): (line: string) => number {
  const known = new Map<string, Known>();

  function actsOf(line: string, from: number, to: number): readonly number[] {
    const chunk = line.slice(from, to);
    let found = known.get(chunk);
    if (found === undefined) {
      const { tokens, merged } = tokensOf(chunk);
      found = { acts: tokens.map(actOf), merged };
      if (known.size === chunksKept) known.clear();
      known.set(chunk, found);
    }
    return (found.merged ? mergeNeighbours(line, from, to)?.map(actOf) : undefined) ?? found.acts;
  }

  return (line) => {
    let count = 1;
    let ended = false;
    const act = (what: number) => {
      if (what === ENDS) ended = true;
      else if (what === STARTS && ended) {
        count++;
        ended = false;
      }
    };
    let chunkEnd = 0;
    for (let from = 0; from <= line.length; from++) {
      if (from < line.length && kinds[line.charCodeAt(from)] !== WORD) continue;
      // Any run of white space but one space, which belongs to the token before, is a token of its own.
      const gap = from - chunkEnd;
      if (gap > 1 || (gap === 1 && (chunkEnd === 0 || line[chunkEnd] !== ' '))) act(STARTS);
      if (from === line.length) break;
      chunkEnd = from;
      while (chunkEnd < line.length && kinds[line.charCodeAt(chunkEnd)] === WORD) chunkEnd++;
      for (const what of actsOf(line, from, chunkEnd)) act(what);
      from = chunkEnd - 1;
    }
    return count;
  };
}

function actOf(token: string): number {
  const first = classesOf(token.codePointAt(0)!);
  const alone = token.length === (token.codePointAt(0)! > 0xffff ? 2 : 1);
  if (alone && first & SENTENCE_END) return ENDS;
  for (const character of token) if (!(classesOf(character.codePointAt(0)!) & PUNCTUATION)) return STARTS;
  return NEITHER;
}
