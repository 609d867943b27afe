import { classesOf, TERMINAL } from './character-classes.ts';

/** What a chunk means at either end of a line, and what it holds that C4 looks for. */
export const STARTS_BULLET = 1;
export const ENDS_ELLIPSIS = 2;
/** Ends in . ? ! " or ' and not in an ellipsis. */
export const ENDS_C4 = 4;
export const ENDS_TERMINAL = 8;
export const HAS_CURLY = 16;
export const HAS_BRACKET = 32;
export const HAS_JAVASCRIPT = 64;
/** Holds tokens that were put together again: its neighbours may have a say. */
export const HAS_MERGE = 128;

/** Phrases reach over chunks: what may begin one, and what may end it. A line without such a pair holds none. */
const BEGINS_LOREM = 1 << 8;
const ENDS_LOREM = 1 << 9;
const BEGINS_TERMS = 1 << 10;
const ENDS_TERMS = 1 << 11;
const BEGINS_POLICY = 1 << 12;
const ENDS_POLICY = 1 << 13;
const BEGINS_COOKIES = 1 << 14;
const ENDS_COOKIES = 1 << 15;

const both = (flags: number, pair: number): boolean => (flags & pair) === pair;

/** Whether a line whose chunks have these flags may hold one of the phrases that C4 looks for. */
export function mayHoldPhrase(flags: number): boolean {
  return (
    both(flags, BEGINS_LOREM | ENDS_LOREM) ||
    both(flags, BEGINS_TERMS | ENDS_TERMS) ||
    both(flags, BEGINS_POLICY | ENDS_POLICY) ||
    both(flags, BEGINS_COOKIES | ENDS_COOKIES)
  );
}

export function countUnits(chunk: string, unit: number): number {
  let count = 0;
  for (let index = 0; index < chunk.length; index++) if (chunk.charCodeAt(index) === unit) count++;
  return count;
}

/** "…", and "..." without overlap. */
export function countEllipses(chunk: string): number {
  let count = 0;
  let stops = 0;
  for (let index = 0; index < chunk.length; index++) {
    const unit = chunk.charCodeAt(index);
    if (unit === 0x2026) count++;
    stops = unit === 0x2e ? stops + 1 : 0;
    if (stops === 3) {
      count++;
      stops = 0;
    }
  }
  return count;
}

export function flagsOf(chunk: string): number {
  let flags = 0;
  const first = chunk.charCodeAt(0);
  if (first === 0x2d || first === 0x2022) flags |= STARTS_BULLET;
  const three = chunk.endsWith('...');
  if (three || chunk.endsWith('…')) flags |= ENDS_ELLIPSIS;
  if (!three && '.?!"\''.includes(chunk.charAt(chunk.length - 1))) flags |= ENDS_C4;
  const last = chunk.charCodeAt(chunk.length - 1);
  const wide = last >= 0xdc00 && last <= 0xdfff && chunk.length > 1;
  if (classesOf(wide ? chunk.codePointAt(chunk.length - 2)! : last) & TERMINAL) flags |= ENDS_TERMINAL;
  if (chunk.includes('{')) flags |= HAS_CURLY;
  if (chunk.includes('[')) flags |= HAS_BRACKET;
  return flags | phraseFlags(chunk.toLowerCase());
}

function phraseFlags(lower: string): number {
  let flags = 0;
  if (lower.includes('javascript')) flags |= HAS_JAVASCRIPT;
  switch (lower.charAt(0)) {
    case 'i':
      if (lower.startsWith('ipsum')) flags |= ENDS_LOREM;
      break;
    case 'u':
      if (lower.startsWith('use')) flags |= ENDS_TERMS;
      break;
    case 'p':
      if (lower.startsWith('policy')) flags |= ENDS_POLICY;
      break;
    case 'c':
      if (lower.startsWith('cookies')) flags |= ENDS_COOKIES;
  }
  switch (lower.charAt(lower.length - 1)) {
    case 'm':
      if (lower.endsWith('lorem')) flags |= BEGINS_LOREM;
      break;
    case 's':
      if (lower.endsWith('terms')) flags |= BEGINS_TERMS;
      if (lower.endsWith('uses')) flags |= BEGINS_COOKIES;
      break;
    case 'y':
      if (lower.endsWith('privacy')) flags |= BEGINS_POLICY;
      break;
    case 'e':
      if (lower.endsWith('cookie')) flags |= BEGINS_POLICY;
      if (lower.endsWith('use')) flags |= BEGINS_COOKIES;
  }
  return flags;
}
