// One JSON record, read where it lies: are its members such that they need no JSON.parse, where do they begin and end, what is its text.
// Takes less than JSON.parse does and nothing that it would refuse; what is not taken here, it decides.
import { hex4, unescape, unescaped } from './json-escapes';

/** A longer record is not taken. */
export const JSON_BYTES: i32 = 1 << 20;
/** Of what was found, i32 each: see `result` below; then four for each foreign member. */
export const JSON_FOUND: usize = 0x1000;
const MAX_FOREIGN: i32 = 64;
export const JSON_IN: usize = 0x10000;
/** The text without its escapes, where it has any. */
const OUT: usize = JSON_IN + <usize>JSON_BYTES + 0x1000;
export const JSON_MEMORY: usize = OUT + <usize>JSON_BYTES + 0x1000;

const QUOTE: u32 = 0x22;
const COMMA: u32 = 0x2c;
const COLON: u32 = 0x3a;
const BACKSLASH: u32 = 0x5c;
const OPEN_LIST: u32 = 0x5b;
const CLOSE_LIST: u32 = 0x5d;
const OPEN: u32 = 0x7b;
const CLOSE: u32 = 0x7d;

const ID: i32 = 0;
const URL: i32 = 1;
const TEXT: i32 = 2;
const METADATA: i32 = 6;
const HTML: i32 = 7;
const FOREIGN: i32 = 8;
const MAX_DEPTH: i32 = 64;

/** Whether the string read last has an escape in it. */
let escaped: bool = false;

/** Blanks that may stand in a line. */
function skipBlanks(at: usize): usize {
  while (load<u8>(at) == 32 || load<u8>(at) == 9) at++;
  return at;
}

/** Behind the closing quote of the string whose first character is at `at`; 0 when it is not well formed. */
function stringEnd(at: usize): usize {
  while (true) {
    const bytes = v128.load(at);
    const quotes = i8x16.eq(bytes, i8x16.splat(<i8>QUOTE));
    const slashes = i8x16.eq(bytes, i8x16.splat(<i8>BACKSLASH));
    const controls = i8x16.lt_u(bytes, i8x16.splat(0x20));
    const stops = i8x16.bitmask(v128.or(v128.or(quotes, slashes), controls));
    if (!stops) {
      at += 16;
      continue;
    }
    at += <usize>ctz(stops);
    const stop = <u32>load<u8>(at);
    if (stop == QUOTE) return at + 1;
    if (stop != BACKSLASH) return 0;
    escaped = true;
    if (load<u8>(at, 1) == 0x75) {
      if (hex4(at + 2) < 0) return 0;
      at += 6;
    } else {
      if (!unescaped(load<u8>(at, 1))) return 0;
      at += 2;
    }
  }
}

function isDigit(at: usize): bool {
  return <u32>load<u8>(at) - 0x30 < 10;
}

/** Behind the number, `true`, `false` or `null` at `at`; 0 for anything else. */
function scalarEnd(at: usize): usize {
  const word = load<u32>(at);
  if (word == 0x65757274 || word == 0x6c6c756e) return at + 4;
  if (word == 0x736c6166 && load<u8>(at, 4) == 0x65) return at + 5;
  if (load<u8>(at) == 0x2d) at++;
  if (!isDigit(at)) return 0;
  if (load<u8>(at) == 0x30) at++;
  else at = digitsEnd(at);
  if (load<u8>(at) == 0x2e) {
    if (!isDigit(++at)) return 0;
    at = digitsEnd(at);
  }
  if ((load<u8>(at) | 0x20) == 0x65) {
    at++;
    if (load<u8>(at) == 0x2b || load<u8>(at) == 0x2d) at++;
    if (!isDigit(at)) return 0;
    at = digitsEnd(at);
  }
  return at;
}

function digitsEnd(at: usize): usize {
  while (isDigit(at)) at++;
  return at;
}

/** Where the value of the member begins whose key is at `at`; 0 when there is none. */
function memberValue(at: usize): usize {
  if (load<u8>(at) != QUOTE) return 0;
  at = stringEnd(at + 1);
  if (!at) return 0;
  at = skipBlanks(at);
  return load<u8>(at) == COLON ? skipBlanks(at + 1) : 0;
}

/** Behind the value that begins at `at`; 0 when it is not well formed, or too deep. */
function valueEnd(at: usize): usize {
  let depth = 0;
  /** A bit for each level, the innermost lowest: whether it is an object. */
  let objects: u64 = 0;
  while (true) {
    const first = <u32>load<u8>(at);
    if (first == OPEN || first == OPEN_LIST) {
      if (depth == MAX_DEPTH) return 0;
      at = skipBlanks(at + 1);
      if (load<u8>(at) == first + 2) at++;
      else {
        depth++;
        objects = (objects << 1) | u64(first == OPEN);
        if (first == OPEN) at = memberValue(at);
        if (!at) return 0;
        continue;
      }
    } else at = first == QUOTE ? stringEnd(at + 1) : scalarEnd(at);
    if (!at) return 0;
    while (depth) {
      at = skipBlanks(at);
      const next = <u32>load<u8>(at);
      if (next == COMMA) break;
      if (next != (objects & 1 ? CLOSE : CLOSE_LIST)) return 0;
      at++;
      depth--;
      objects >>= 1;
    }
    if (!depth) return at;
    at = skipBlanks(at + 1);
    if (objects & 1) at = memberValue(at);
    if (!at) return 0;
  }
  return 0;
}

/** Which of the contract's keys lies at `at`. */
function ownKey(at: usize, length: usize): i32 {
  switch (<i32>length) {
    case 2:
      return load<u16>(at) == 0x6469 ? ID : FOREIGN;
    case 3:
      return load<u16>(at) == 0x7275 && load<u8>(at, 2) == 0x6c ? URL : FOREIGN;
    case 4:
      return load<u32>(at) == 0x74786574 ? TEXT : load<u32>(at) == 0x6c6d7468 ? HTML : FOREIGN;
    case 6: // source
      return load<u32>(at) == 0x72756f73 && load<u16>(at, 4) == 0x6563 ? 3 : FOREIGN;
    case 7: // license
      return load<u32>(at) == 0x6563696c && load<u32>(at, 3) == 0x65736e65 ? 4 : FOREIGN;
    case 8:
      return load<u64>(at) == 0x617461646174656d ? METADATA : FOREIGN;
    case 9: // timestamp
      return load<u64>(at) == 0x6d617473656d6974 && load<u8>(at, 8) == 0x70 ? 5 : FOREIGN;
    default:
      return FOREIGN;
  }
}

/** Writes number `i` of what was found: places are counted from JSON_IN. */
function result(i: i32, value: i32): void {
  store<i32>(JSON_FOUND + ((<usize>i) << 2), value);
}

function place(at: usize): i32 {
  return <i32>(at - JSON_IN);
}

/**
 * Reads the object of `length` bytes of UTF-8 at JSON_IN; the 32 bytes behind it are overwritten. Returns the count of foreign members, or -1:
 * not to be taken. Found are: the object's start · the end of its own members · whether `metadata` is one of them · address and length of the
 * text · start and end of the value of `url`, 0 without one; then for each foreign member start and end of key and value.
 */
export function readJson(length: i32): i32 {
  const end = JSON_IN + <usize>length;
  v128.store(end, i64x2.splat(0));
  v128.store(end, i64x2.splat(0), 16);
  let at = skipBlanks(JSON_IN);
  if (load<u8>(at) != OPEN) return -1;
  result(0, place(at));
  result(5, 0);
  result(6, 0);
  let seen = 0;
  let foreign = 0;
  let text: usize = 0;
  let textEnd: usize = 0;
  let textEscaped = false;
  do {
    at = skipBlanks(at + 1);
    if (load<u8>(at) != QUOTE) return -1;
    const key = at + 1;
    escaped = false;
    at = stringEnd(key);
    if (!at || escaped) return -1;
    const keyEnd = at - 1;
    at = skipBlanks(at);
    if (load<u8>(at) != COLON) return -1;
    const value = skipBlanks(at + 1);
    at = valueEnd(value);
    if (!at) return -1;
    const own = ownKey(key, keyEnd - key);
    if (own == FOREIGN) {
      if (foreign == MAX_FOREIGN) return -1;
      const first = 7 + (foreign++ << 2);
      result(first, place(key));
      result(first + 1, place(keyEnd));
      result(first + 2, place(value));
      result(first + 3, place(at));
    } else {
      const wanted = own == METADATA ? OPEN : QUOTE;
      if (own == HTML || foreign || (seen >> own) & 1 || load<u8>(value) != wanted) return -1;
      seen |= 1 << own;
      result(1, place(at));
      if (own == TEXT) {
        text = value + 1;
        textEnd = at - 1;
        textEscaped = escaped;
      } else if (own == URL) {
        result(5, place(value));
        result(6, place(at));
      }
    }
    at = skipBlanks(at);
  } while (load<u8>(at) == COMMA);
  if (load<u8>(at) != CLOSE || skipBlanks(at + 1) != end) return -1;
  if (!(seen & (1 << ID)) || !(seen & (1 << TEXT))) return -1;
  result(2, (seen >> METADATA) & 1);
  const textBytes = textEscaped ? unescape(text, textEnd, OUT) : <i32>(textEnd - text);
  if (textEscaped) text = OUT;
  if (textBytes < 0 || !hasInk(text, text + <usize>textBytes)) return -1;
  result(3, <i32>text);
  result(4, textBytes);
  return foreign;
}

/** Whether some character is certainly no white space: all of that begins with a byte up to 0x20, or one of C2, E1, E2, E3, EF. */
function hasInk(at: usize, end: usize): bool {
  for (; at < end; at++) {
    const byte = <u32>load<u8>(at);
    if (byte > 0x20 && byte < 0x80) return true;
    if (byte > 0xc2 && !(byte >= 0xe1 && byte <= 0xe3) && byte != 0xef) return true;
  }
  return false;
}
