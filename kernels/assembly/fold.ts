// Text to folded bytes: 16 ASCII bytes at a time, other scripts by table. src/dedup/fold.ts says what folding means and makes the table.
import { FOLD, TEXT } from './layout';

/** All ones when digits are folded. */
let digitMask: v128 = i8x16.splat(0);

export function setFoldDigits(on: bool): void {
  digitMask = i8x16.splat(on ? -1 : 0);
}

/** Letters in lower case, digits, and 0 for all else (bytes from 0x80 on too). */
function foldAscii(bytes: v128): v128 {
  const lower = v128.or(bytes, i8x16.splat(0x20));
  const letter = i8x16.lt_u(i8x16.sub(lower, i8x16.splat(0x61)), i8x16.splat(26));
  const digit = i8x16.lt_u(i8x16.sub(bytes, i8x16.splat(0x30)), i8x16.splat(10));
  const folded = v128.and(lower, v128.or(letter, digit));
  return v128.bitselect(i8x16.splat(0x30), folded, v128.and(digit, digitMask));
}

/**
 * Folds `length` bytes of UTF-8 at TEXT to `out` and returns the end of what it wrote. Reads up to 16 bytes beyond the text, which count for
 * nothing; writes up to 16 bytes beyond the end.
 */
export function foldUtf8(length: i32, out: usize): usize {
  const end = TEXT + length;
  let at: usize = TEXT;
  while (at < end) {
    const bytes = v128.load(at);
    v128.store(out, foldAscii(bytes));
    const high = i8x16.bitmask(bytes);
    const ascii: usize = high ? <usize>ctz(high) : 16;
    if (at + ascii >= end) return out + (end - at);
    at += ascii;
    out += ascii;
    if (!high) continue;
    do {
      const codePoint = decode(at, end);
      at += width(codePoint);
      out = foldByTable(codePoint, out);
    } while (at < end && load<u8>(at) >= 0x80);
  }
  return out;
}

/** The same for `units` units of UTF-16: what a JavaScript string is, so that it comes here by a mere copy. */
export function foldUtf16(units: i32, out: usize): usize {
  const end = TEXT + ((<usize>units) << 1);
  const notAscii = i16x8.splat(<i16>0xff80);
  const zero = i16x8.splat(0);
  let at: usize = TEXT;
  while (at < end) {
    const a = v128.load(at);
    const b = v128.load(at, 16);
    v128.store(out, foldAscii(i8x16.narrow_i16x8_u(a, b)));
    const highA = i16x8.ne(v128.and(a, notAscii), zero);
    const highB = i16x8.ne(v128.and(b, notAscii), zero);
    const high = i8x16.bitmask(i8x16.narrow_i16x8_s(highA, highB));
    const ascii: usize = high ? <usize>ctz(high) : 16;
    if (at + (ascii << 1) >= end) return out + ((end - at) >> 1);
    at += ascii << 1;
    out += ascii;
    if (!high) continue;
    do {
      let codePoint = <u32>load<u16>(at);
      at += 2;
      if ((codePoint & 0xfc00) == 0xd800 && at < end && (load<u16>(at) & 0xfc00) == 0xdc00) {
        codePoint = 0x10000 + ((codePoint & 0x3ff) << 10) + (<u32>load<u16>(at) & 0x3ff);
        at += 2;
      }
      out = foldByTable(codePoint, out);
    } while (at < end && load<u16>(at) >= 0x80);
  }
  return out;
}

/** One code point of well-formed UTF-8 from 0x80 on (Unicode 16, table 3-7), or BAD. */
function decode(at: usize, end: usize): u32 {
  const a = <u32>load<u8>(at);
  const b = at + 1 < end ? <u32>load<u8>(at, 1) : 0;
  if ((b & 0xc0) != 0x80) return BAD;
  if (a < 0xe0) return a < 0xc2 ? BAD : ((a & 0x1f) << 6) | (b & 0x3f);
  const c = at + 2 < end ? <u32>load<u8>(at, 2) : 0;
  if ((c & 0xc0) != 0x80) return BAD;
  if (a < 0xf0) {
    const codePoint = ((a & 0x0f) << 12) | ((b & 0x3f) << 6) | (c & 0x3f);
    return codePoint < 0x800 || (codePoint >= 0xd800 && codePoint < 0xe000) ? BAD : codePoint;
  }
  const d = at + 3 < end ? <u32>load<u8>(at, 3) : 0;
  if ((d & 0xc0) != 0x80) return BAD;
  const codePoint = ((a & 0x0f) << 18) | ((b & 0x3f) << 12) | ((c & 0x3f) << 6) | (d & 0x3f);
  return codePoint < 0x10000 || codePoint > 0x10ffff ? BAD : codePoint;
}

/** One byte that is no part of well-formed UTF-8. A separator like the U+0000 that it stands for, which no longer sequence may encode. */
const BAD: u32 = 0;

function width(codePoint: u32): usize {
  if (codePoint == BAD) return 1;
  if (codePoint < 0x800) return 2;
  return codePoint < 0x10000 ? 3 : 4;
}

/**
 * An entry holds the count of folded bytes in its low byte and up to 7 of them above;
 * count 255: the count is in the next byte, and the bytes at the offset in the upper half.
 */
function foldByTable(codePoint: u32, out: usize): usize {
  const page = load<u32>(FOLD + <usize>((codePoint >> 8) << 2));
  const entry = load<u64>(FOLD + <usize>page + <usize>((codePoint & 255) << 3));
  const count = <usize>(entry & 255);
  if (count != 255) {
    store<u64>(out, entry >> 8);
    return out + count;
  }
  const bytes = <usize>((entry >> 8) & 255);
  memory.copy(out, FOLD + <usize>(entry >> 32), bytes);
  return out + bytes;
}
