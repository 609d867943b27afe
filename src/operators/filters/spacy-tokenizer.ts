import {
  ALPHA,
  BEFORE_STOP,
  bmpClasses,
  classesOf,
  ICON,
  LOWER,
  PREFIX,
  QUOTE,
  SUFFIX,
  UPPER,
} from './character-classes.ts';
import { exceptions, longestException } from './spacy-exceptions.ts';
import { isUrl } from './spacy-url.ts';

/**
 * English tokens as spaCy 3.8's blank model gives them: a text is cut at white space, a chunk loses punctuation from both
 * ends, what is left is an exception, a URL, or is cut at infixes. The rules work on indexes and look at each character a
 * bounded number of times, so that a chunk of many megabytes takes linear time.
 */
const PLUS = 0x2b;
const COMMA = 0x2c;
const HYPHEN = 0x2d;
const STOP = 0x2e;
const DEGREE = 0xb0;

const currency = '$ £ € ¥ ฿ US$ C$ A$ ₽ ﷼ ₴ ₠ ₡ ₢ ₣ ₤ ₥ ₦ ₧ ₨ ₩ ₪ ₫ ₭ ₮ ₯ ₰ ₱ ₲ ₳ ₵ ₶ ₷ ₸ ₹ ₺ ₻ ₼ ₾ ₿';
const units =
  'km km² km³ m m² m³ dm dm² dm³ cm cm² cm³ mm mm² mm³ ha µm nm yd in ft kg g mg µg t lb oz m/s km/h kmh mph hPa Pa mbar ' +
  'mb MB kb KB gb GB tb TB T G M K % км км² км³ м м² м³ дм дм² дм³ см см² см³ мм мм² мм³ нм кг г мг м/с км/ч кПа Па мбар ' +
  // The peer's list lacks a space between the last Cyrillic unit and the first Arabic one.
  'Кб КБ кб Мб МБ мб Гб ГБ гб Тб ТБ тбكم كم² كم³ م م² م³ سم سم² سم³ مم مم² مم³ كم غرام جرام جم كغ ملغ كوب اكواب';
const afterDigit: ReadonlySet<string> = new Set(`${currency} ${units}`.split(' '));
const longestAfterDigit = Math.max(...[...afterDigit].map((unit) => unit.length));

const isDigit = (unit: number): boolean => unit >= 0x30 && unit <= 0x39;

/** Most chunks share no exception's first unit, last unit and length, and no string need be made to say so. */
const exceptionMarks = new Uint8Array(1 << 14);
const exceptionMark = (first: number, last: number, length: number): number =>
  (first ^ (last << 5) ^ (length << 10)) & (exceptionMarks.length - 1);
for (const chunk of exceptions.keys())
  exceptionMarks[exceptionMark(chunk.charCodeAt(0), chunk.charCodeAt(chunk.length - 1), chunk.length)] = 1;

function isException(chunk: string, from: number, to: number): boolean {
  const length = to - from;
  if (length < 1 || length > longestException) return false;
  if (exceptionMarks[exceptionMark(chunk.charCodeAt(from), chunk.charCodeAt(to - 1), length)] === 0) return false;
  return exceptions.has(chunk.slice(from, to));
}

/** Classes of the code point that ends before `index`, looking no further than `from`. */
function classesBefore(chunk: string, index: number, from: number): number {
  if (index <= from) return 0;
  const unit = chunk.charCodeAt(index - 1);
  if (unit >= 0xdc00 && unit <= 0xdfff && index - 2 >= from) return classesOf(chunk.codePointAt(index - 2)!);
  return bmpClasses[unit]!;
}

/** Classes of the code point that starts at `index`, looking no further than `to`. */
function classesAt(chunk: string, index: number, to: number): number {
  if (index >= to) return 0;
  const unit = chunk.charCodeAt(index);
  return unit >= 0xd800 && unit <= 0xdbff && index + 1 < to ? classesOf(chunk.codePointAt(index)!) : bmpClasses[unit]!;
}

const widthAt = (chunk: string, index: number): number => (chunk.codePointAt(index)! > 0xffff ? 2 : 1);

function stopsFrom(chunk: string, index: number, to: number): number {
  let end = index;
  while (end < to && chunk.charCodeAt(end) === STOP) end++;
  return end - index;
}

/** UTF-16 units that split off the front. */
function prefixLength(chunk: string, from: number, to: number): number {
  if (classesAt(chunk, from, to) & PREFIX) return widthAt(chunk, from);
  const first = chunk.charCodeAt(from);
  if (first === PLUS) return from + 1 < to && isDigit(chunk.charCodeAt(from + 1)) ? 0 : 1;
  if (first === STOP) {
    const stops = stopsFrom(chunk, from, to);
    return stops > 1 ? stops : 0;
  }
  if (to - from >= 3 && chunk.startsWith('US$', from)) return 3;
  return to - from >= 2 && (chunk.startsWith('C$', from) || chunk.startsWith('A$', from)) ? 2 : 0;
}

/** UTF-16 units that split off the end: the longest of the alternatives. */
function suffixLength(chunk: string, from: number, to: number): number {
  if (from >= to) return 0;
  const last = chunk.charCodeAt(to - 1);
  let length = 0;
  if (classesBefore(chunk, to, from) & SUFFIX) length = last >= 0xdc00 && last <= 0xdfff ? 2 : 1;
  else if (last === STOP) length = stopSuffix(chunk, from, to);
  else if (last === PLUS) length = to - 2 >= from && isDigit(chunk.charCodeAt(to - 2)) ? 1 : 0;
  else if ((last === 0x73 || last === 0x53) && to - 2 >= from) {
    const mark = chunk.charCodeAt(to - 2);
    if (mark === 0x27 || mark === 0x2019) length = 2;
  }
  for (let width = longestAfterDigit; width > length; width--) {
    const digit = to - width - 1;
    if (digit >= from && isDigit(chunk.charCodeAt(digit)) && afterDigit.has(chunk.slice(digit + 1, to))) return width;
  }
  return length;
}

function stopSuffix(chunk: string, from: number, to: number): number {
  let start = to - 1;
  while (start > from && chunk.charCodeAt(start - 1) === STOP) start--;
  if (to - start > 1) return to - start;
  const before = classesBefore(chunk, start, from);
  if (before & BEFORE_STOP) return 1;
  if (start - 2 >= from && chunk.charCodeAt(start - 2) === DEGREE && 'FfCcKk'.includes(chunk.charAt(start - 1)))
    return 1;
  if (!(before & UPPER)) return 0;
  const width = chunk.charCodeAt(start - 1) >= 0xdc00 && chunk.charCodeAt(start - 1) <= 0xdfff ? 2 : 1;
  return classesBefore(chunk, start - width, from) & UPPER ? 1 : 0;
}

const asciiInfixes = new Uint8Array(128);
for (const character of '+-*^.,:<>=/~') asciiInfixes[character.charCodeAt(0)] = 1;

/** UTF-16 units of an infix at `index`, 0 when there is none. */
function infixLength(chunk: string, index: number, from: number, to: number): number {
  const unit = chunk.charCodeAt(index);
  if (unit < 128 && asciiInfixes[unit] === 0) return 0;
  if (unit === STOP) {
    const stops = stopsFrom(chunk, index, to);
    if (stops > 1) return stops;
  }
  if (unit === 0x2026) return 1;
  const here = classesAt(chunk, index, to);
  if (here & ICON) return widthAt(chunk, index);
  const before = classesBefore(chunk, index, from);
  const digitBefore = index > from && isDigit(chunk.charCodeAt(index - 1));
  const after = classesAt(chunk, index + 1, to);
  switch (unit) {
    case PLUS:
    case HYPHEN:
    case 0x2a:
    case 0x5e:
      if (digitBefore && index + 1 < to) {
        const next = chunk.charCodeAt(index + 1);
        if (isDigit(next) || next === HYPHEN) return 1;
      }
      break;
    case STOP:
      return before & (LOWER | QUOTE) && after & (UPPER | QUOTE) ? 1 : 0;
    case COMMA:
      return before & ALPHA && after & ALPHA ? 1 : 0;
    case 0x3a:
    case 0x3c:
    case 0x3e:
    case 0x3d:
    case 0x2f:
      return (before & ALPHA || digitBefore) && after & ALPHA ? 1 : 0;
  }
  return before & ALPHA || digitBefore ? hyphenLength(chunk, index, to) : 0;
}

const hyphens = ['-', '–', '—', '--', '---', '——', '~'];

function hyphenLength(chunk: string, index: number, to: number): number {
  for (const hyphen of hyphens) {
    if (chunk.startsWith(hyphen, index) && classesAt(chunk, index + hyphen.length, to) & ALPHA) return hyphen.length;
  }
  return 0;
}

/** Cuts what is left of a chunk at its infixes. One at the very start cuts nothing off. */
function pushInfixes(chunk: string, from: number, to: number, tokens: string[]): void {
  let start = from;
  let index = from;
  while (index < to) {
    const length = infixLength(chunk, index, from, to);
    if (length === 0) {
      index++;
      continue;
    }
    if (index !== from) {
      if (index !== start) tokens.push(chunk.slice(start, index));
      tokens.push(chunk.slice(index, index + length));
      start = index + length;
    }
    index += length;
  }
  if (start < to) tokens.push(chunk.slice(start, to));
}

/** A longer chunk is no text, and is one token: its tokens must not take a hundred times its own memory. */
const longestSplit = 1 << 20;

/** Tokens of a chunk without white space, before exceptions that affixes and infixes had cut are put together again. */
export function splitChunk(chunk: string, withExceptions = true): string[] {
  if (chunk.length > longestSplit) return [chunk];
  let from = 0;
  let to = chunk.length;
  const tokens: string[] = [];
  const suffixes: string[] = [];
  for (let last = -1; from < to && to - from !== last; ) {
    if (withExceptions && isException(chunk, from, to)) break;
    last = to - from;
    const prefix = prefixLength(chunk, from, to);
    if (prefix > 0 && withExceptions && isException(chunk, from + prefix, to)) {
      tokens.push(chunk.slice(from, from + prefix));
      from += prefix;
      break;
    }
    const suffix = suffixLength(chunk, from + prefix, to);
    if (suffix > 0 && withExceptions && isException(chunk, from, to - suffix)) {
      suffixes.push(chunk.slice(to - suffix, to));
      to -= suffix;
      break;
    }
    if (prefix > 0) tokens.push(chunk.slice(from, from + prefix));
    if (suffix > 0) suffixes.push(chunk.slice(to - suffix, to));
    from += prefix;
    to -= suffix;
  }
  if (from < to) {
    const exception =
      withExceptions && isException(chunk, from, to) ? exceptions.get(chunk.slice(from, to)) : undefined;
    if (exception) tokens.push(...exception);
    else if (isUrl(chunk, from, to)) tokens.push(chunk.slice(from, to));
    else pushInfixes(chunk, from, to, tokens);
  }
  for (let index = suffixes.length - 1; index >= 0; index--) tokens.push(suffixes[index]!);
  return tokens;
}

/** Whether affixes or infixes cut a chunk that is an exception, if it is not taken as one at once. */
export function isCut(chunk: string): boolean {
  const { length } = chunk;
  if (prefixLength(chunk, 0, length) > 0 || suffixLength(chunk, 0, length) > 0) return true;
  for (let index = 0; index < length; index++) if (infixLength(chunk, index, 0, length) > 0) return true;
  return false;
}
