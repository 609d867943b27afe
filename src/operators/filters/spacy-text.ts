import { bmpClasses, SPACE } from './character-classes.ts';
import { exceptions } from './spacy-exceptions.ts';
import { exceptionSpans, selectSpans } from './spacy-merges.ts';
import { splitChunk } from './spacy-tokenizer.ts';

/** A token, and whether a single space follows it. */
interface Piece {
  text: string;
  space: boolean;
}

function mergeExceptions(pieces: Piece[]): string[] {
  const texts = pieces.map((piece) => piece.text);
  const spans = selectSpans(exceptionSpans(texts));
  const tokens: string[] = [];
  let index = 0;
  for (const span of spans) {
    while (index < span.start) tokens.push(texts[index++]!);
    const apart = pieces.slice(span.start, span.end - 1).some((piece) => piece.space);
    const exception = apart ? undefined : exceptions.get(texts.slice(span.start, span.end).join(''));
    for (const token of exception ?? texts.slice(span.start, span.end)) tokens.push(token);
    index = span.end;
  }
  while (index < texts.length) tokens.push(texts[index++]!);
  return tokens;
}

/** Tokens of a whole text, white-space tokens included: a run of white space is one, less the space that it starts with. */
export function tokenize(text: string): string[] {
  const pieces: Piece[] = [];
  let index = 0;
  while (index < text.length) {
    const start = index;
    const space = (bmpClasses[text.charCodeAt(index)]! & SPACE) !== 0;
    while (index < text.length && ((bmpClasses[text.charCodeAt(index)]! & SPACE) !== 0) === space) index++;
    if (!space) {
      for (const token of splitChunk(text.slice(start, index))) pieces.push({ text: token, space: false });
      continue;
    }
    const last = pieces.at(-1);
    const spaced = last !== undefined && text.charCodeAt(start) === 0x20;
    if (spaced) last.space = true;
    const run = text.slice(spaced ? start + 1 : start, index);
    if (run !== '') pieces.push({ text: run, space: false });
  }
  return mergeExceptions(pieces);
}
