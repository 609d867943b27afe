import { classesOf, LOWER } from './character-classes.ts';

/**
 * Whether a chunk reads like an address: optional scheme, optional user, a public IPv4 address or a host name with a
 * lower-case top level, optional port and path. What spaCy 3.8 accepts (after Diego Perini's pattern, MIT), decided by one
 * scan: the pattern itself takes quadratic time on chunks with many "@".
 */
export function isUrl(chunk: string, from: number, to: number): boolean {
  let stops = 0;
  for (let index = from; index < to && stops === 0; index++) if (chunk.charCodeAt(index) === 0x2e) stops++;
  if (stops === 0) return false;
  if (hostFollows(chunk, from, to)) return true;
  const afterScheme = schemeEnd(chunk, from, to);
  if (afterScheme > 0 && hostFollows(chunk, afterScheme, to)) return true;
  for (let index = from + 1; index < to; index++) {
    if (chunk.charCodeAt(index) === 0x40 && hostFollows(chunk, index + 1, to)) return true;
  }
  return false;
}

const schemeCharacter = /^[\p{L}\p{N}_+\-.]$/u;

/** Index behind "://", or 0. */
function schemeEnd(chunk: string, from: number, to: number): number {
  let length = 0;
  let index = from;
  while (index < to && chunk.charCodeAt(index) !== 0x3a) {
    const character = String.fromCodePoint(chunk.codePointAt(index)!);
    if (!schemeCharacter.test(character)) return 0;
    index += character.length;
    length++;
  }
  return length >= 2 && index + 3 <= to && chunk.startsWith('://', index) ? index + 3 : 0;
}

const isPathStart = (unit: number): boolean => unit === 0x2f || unit === 0x3f || unit === 0x23;
const digit = /^\p{Nd}$/u;

function hostFollows(chunk: string, from: number, to: number): boolean {
  let end = from;
  for (; end < to; end++) {
    const unit = chunk.charCodeAt(end);
    if (unit === 0x3a || isPathStart(unit)) break;
    if (unit === 0x40) return false;
  }
  if (!isHostName(chunk, from, end) && !isPublicAddress(chunk, from, end)) return false;
  if (end < to && chunk.charCodeAt(end) === 0x3a) {
    let digits = 0;
    end++;
    while (end < to && digits < 6) {
      const character = String.fromCodePoint(chunk.codePointAt(end)!);
      if (!digit.test(character)) break;
      digits++;
      end += character.length;
    }
    if (digits < 2 || digits > 5) return false;
  }
  return end === to || isPathStart(chunk.charCodeAt(end));
}

const isDigit = (unit: number): boolean => unit >= 0x30 && unit <= 0x39;

function isLabelUnit(unit: number): boolean {
  return (
    (unit >= 0x61 && unit <= 0x7a) ||
    (unit >= 0x41 && unit <= 0x5a) ||
    (unit >= 0x30 && unit <= 0x39) ||
    (unit >= 0xa1 && (unit < 0xd800 || unit > 0xdfff))
  );
}

/** Labels of 1 to 64 characters between full stops, then 2 to 63 lower-case letters. */
function isHostName(chunk: string, from: number, to: number): boolean {
  let top = to;
  while (top > from && chunk.charCodeAt(top - 1) !== 0x2e) top--;
  if (top <= from || to - top < 2) return false;
  let letters = 0;
  for (let index = top; index < to; letters++) {
    const codePoint = chunk.codePointAt(index)!;
    if (!(classesOf(codePoint) & LOWER)) return false;
    index += codePoint > 0xffff ? 2 : 1;
  }
  if (letters < 2 || letters > 63) return false;
  let start = from;
  for (let index = from; index < top; index++) {
    const unit = chunk.charCodeAt(index);
    if (unit === 0x2e) {
      if (index === start || index - start > 64 || !isLabelUnit(chunk.charCodeAt(index - 1))) return false;
      start = index + 1;
    } else if (!isLabelUnit(unit) && (index === start || (unit !== 0x5f && unit !== 0x2d))) return false;
  }
  return true;
}

const publicAddress =
  /^(?!(?:10|127)(?:\.\p{Nd}{1,3}){3})(?!(?:169\.254|192\.168)(?:\.\p{Nd}{1,3}){2})(?!172\.(?:1[6-9]|2\p{Nd}|3[01])(?:\.\p{Nd}{1,3}){2})(?:[1-9]\p{Nd}?|1\p{Nd}{2}|2[01]\p{Nd}|22[0-3])(?:\.(?:1?\p{Nd}{1,2}|2[0-4]\p{Nd}|25[0-5])){2}\.(?:[1-9]\p{Nd}?|1\p{Nd}{2}|2[0-4]\p{Nd}|25[0-4])$/u;

function isPublicAddress(chunk: string, from: number, to: number): boolean {
  // Four numbers of three digits, each two units at most, and three full stops.
  return to - from <= 27 && isDigit(chunk.charCodeAt(from)) && publicAddress.test(chunk.slice(from, to));
}
