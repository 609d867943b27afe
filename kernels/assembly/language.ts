// Words to the sum of their embeddings by way of a cache. The host works out what is not in it, and goes on: src/operators/language/words.ts.

/** What host and kernel tell each other, i32 each; see `State` there. */
export const LANGUAGE_STATE: usize = 0x400;
/** The sum: 16 numbers of 64 bits. */
export const LANGUAGE_SUM: usize = 0x500;
/** Text of one call at most; behind it room for the blanks that end the last word. */
export const LANGUAGE_TEXT: usize = 0x1000;
export const LANGUAGE_BYTES: i32 = 1 << 12;
/** The cache: records of 128 bytes, the word in 32 and zeros behind it, its length (u32), 24 bytes unused, 16 numbers and their count (f32). */
export const LANGUAGE_WORDS: usize = 0x4000;
export const LANGUAGE_SLOT_BITS: i32 = 17;
export const LANGUAGE_MEMORY: usize = LANGUAGE_WORDS + (128 << LANGUAGE_SLOT_BITS);

const AT: usize = LANGUAGE_STATE;
const TEXT_END: usize = LANGUAGE_STATE + 4;
const LAST: usize = LANGUAGE_STATE + 8;
const COUNT: usize = LANGUAGE_STATE + 12;
const FROM: usize = LANGUAGE_STATE + 16;
const HASH: usize = LANGUAGE_STATE + 20;

const DONE: i32 = 0;
const UNKNOWN: i32 = 1;
const CUT: i32 = 2;
const STOP: i32 = 3;

/** fastText's separators (Dictionary::readWord), a bit for each byte: NUL, TAB to CR, space. */
const SEPARATORS: u64 = 0x100003e01;
/** `</s>`, fastText's word for the end of a line: it ends the text. */
const END_OF_LINE: u32 = 0x3e732f3c;

function isSeparator(byte: u32): bool {
  return byte <= 32 && ((SEPARATORS >> <u64>byte) & 1) != 0;
}

/** The bytes up to `length`, and zeros. */
function first(bytes: v128, length: i32): v128 {
  const places = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  return v128.and(bytes, i8x16.lt_u(places, i8x16.splat(<i8>length)));
}

/** Whether the record holds the word of `length` bytes, at most 32, at `at`. */
function holds(record: usize, at: usize, length: i32): bool {
  if (load<i32>(record, 32) != length) return false;
  if (v128.any_true(v128.xor(v128.load(record), first(v128.load(at), min(length, 16))))) return false;
  return length <= 16 || !v128.any_true(v128.xor(v128.load(record, 16), first(v128.load(at, 16), length - 16)));
}

/** Two numbers of a record as 64 bits. */
function pair(record: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load64_zero(record));
}

/**
 * Goes on at AT and adds up the words until the text is at its end (DONE) or says so itself (STOP), a word is not in the cache (UNKNOWN: it lies at FROM
 * and counts as read), or it may go on behind this text (CUT: AT is its first byte).
 */
export function addWords(): i32 {
  let at = LANGUAGE_TEXT + <usize>load<i32>(AT);
  const end = LANGUAGE_TEXT + <usize>load<i32>(TEXT_END);
  let count = load<i32>(COUNT);
  let a = v128.load(LANGUAGE_SUM);
  let b = v128.load(LANGUAGE_SUM, 16);
  let c = v128.load(LANGUAGE_SUM, 32);
  let d = v128.load(LANGUAGE_SUM, 48);
  let e = v128.load(LANGUAGE_SUM, 64);
  let f = v128.load(LANGUAGE_SUM, 80);
  let g = v128.load(LANGUAGE_SUM, 96);
  let h = v128.load(LANGUAGE_SUM, 112);
  let answer = DONE;
  while (at < end) {
    let byte = <i32>load<i8>(at);
    if (isSeparator(byte)) {
      at++;
      continue;
    }
    const from = at;
    // FNV-1a over signed bytes, as fastText has it.
    let hash: u32 = 0x811c9dc5;
    do {
      hash = (hash ^ byte) * 0x01000193;
      byte = <i32>load<i8>(++at);
    } while (!isSeparator(byte));
    if (at >= end && !load<i32>(LAST)) {
      at = from;
      answer = CUT;
      break;
    }
    const length = <i32>(at - from);
    if (length == 4 && load<u32>(from) == END_OF_LINE) {
      answer = STOP;
      break;
    }
    let record: usize = 0;
    if (length <= 32) {
      record = LANGUAGE_WORDS + ((<usize>((hash * 0x9e3779b1) >> (32 - LANGUAGE_SLOT_BITS))) << 7);
      if (!holds(record, from, length)) {
        record = LANGUAGE_WORDS + ((<usize>((hash * 0x85ebca6b) >> (32 - LANGUAGE_SLOT_BITS))) << 7);
        if (!holds(record, from, length)) record = 0;
      }
    }
    if (!record) {
      store<i32>(FROM, <i32>(from - LANGUAGE_TEXT));
      store<u32>(HASH, hash);
      answer = UNKNOWN;
      break;
    }
    a = f64x2.add(a, pair(record + 60));
    b = f64x2.add(b, pair(record + 68));
    c = f64x2.add(c, pair(record + 76));
    d = f64x2.add(d, pair(record + 84));
    e = f64x2.add(e, pair(record + 92));
    f = f64x2.add(f, pair(record + 100));
    g = f64x2.add(g, pair(record + 108));
    h = f64x2.add(h, pair(record + 116));
    count += <i32>load<f32>(record, 124);
  }
  v128.store(LANGUAGE_SUM, a);
  v128.store(LANGUAGE_SUM, b, 16);
  v128.store(LANGUAGE_SUM, c, 32);
  v128.store(LANGUAGE_SUM, d, 48);
  v128.store(LANGUAGE_SUM, e, 64);
  v128.store(LANGUAGE_SUM, f, 80);
  v128.store(LANGUAGE_SUM, g, 96);
  v128.store(LANGUAGE_SUM, h, 112);
  store<i32>(AT, <i32>(at - LANGUAGE_TEXT));
  store<i32>(COUNT, count);
  return answer;
}
