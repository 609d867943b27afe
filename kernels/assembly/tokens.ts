// Folded bytes to tokens: word boundaries 64 bytes at a time, one multiplication for 8 bytes of a word.
import { BASE, K1, LENGTH, mix } from './hash';
import { FOLDED, KINDS, MAX_WORD, PREFIXES, WORDS } from './layout';

let seedToken: u64 = 0;
let seedExact: u64 = 0;
let exact: u64 = 0;

/** Tokens of this piece and those kept from the one before. */
let count: i32 = 0;
/** Polynomial in BASE over all token hashes so far: the hash of any run is a difference of two such prefixes. */
let prefix: u64 = 0;
/** 1 when a token of this text is a character of an unsegmented script. */
let unsegmented: u64 = 0;

export function setTokenSeeds(token: u64, exactKey: u64): void {
  seedToken = token;
  seedExact = exactKey;
}

export function resetTokens(): void {
  exact = seedExact;
  count = 0;
  prefix = 0;
  unsegmented = 0;
  store<u64>(PREFIXES, 0);
}

export function tokenCount(): i32 {
  return count;
}

export function hasUnsegmented(): bool {
  return unsegmented != 0;
}

/** Keeps the last `tokens` tokens, for the shingles that end in the next piece. */
export function keepTokens(tokens: i32): void {
  const from = <usize>(count - tokens);
  memory.copy(PREFIXES, PREFIXES + (from << 3), (<usize>(tokens + 1)) << 3);
  memory.copy(KINDS, KINDS + from, tokens);
  count = tokens;
}

/** Order matters, spacing and punctuation do not: they are no tokens. */
export function exactKey(): u64 {
  return mix(mix(exact));
}

/** FNV-like over 8 bytes at a time; the lowest bit says that the word is one character of an unsegmented script. */
function tokenHash(word: usize, length: i32): u64 {
  let h = seedToken ^ (<u64>length * LENGTH);
  const first = load<u8>(word);
  while (length > 8) {
    h = (h ^ load<u64>(word)) * K1;
    h ^= h >> 29;
    word += 8;
    length -= 8;
  }
  h = (h ^ (load<u64>(word) << (<u64>(64 - (length << 3))))) * K1;
  h ^= h >> 29;
  return (mix(h) & ~1) | u64(first == 1);
}

/** The bits of 64 bytes that are not 0, the first byte lowest. */
function wordBits(at: usize): u64 {
  const zero = i8x16.splat(0);
  const a = i8x16.bitmask(i8x16.ne(v128.load(at), zero));
  const b = i8x16.bitmask(i8x16.ne(v128.load(at, 16), zero));
  const c = i8x16.bitmask(i8x16.ne(v128.load(at, 32), zero));
  const d = i8x16.bitmask(i8x16.ne(v128.load(at, 48), zero));
  return <u64>(<u32>a | ((<u32>b) << 16)) | ((<u64>(<u32>c | ((<u32>d) << 16))) << 32);
}

/**
 * Appends the tokens of the folded bytes up to `end`. Unless this is the last piece, an unfinished word at the end moves to the front;
 * returns its length, at most MAX_WORD.
 */
export function tokenize(end: usize, last: bool): usize {
  const found = findWords(end);
  let wordsEnd = found;
  let unfinished: usize = 0;
  if (!last && found > WORDS && load<u32>(found - 8) + load<u32>(found - 4) == <u32>end) {
    wordsEnd -= 8;
    unfinished = <usize>load<u32>(wordsEnd, 4);
  }
  hashWords(wordsEnd);
  memory.copy(FOLDED, end - unfinished, unfinished);
  return unfinished;
}

/** Writes address and length of every word to WORDS, those longer than MAX_WORD in parts, and returns the end of the list. */
function findWords(end: usize): usize {
  memory.fill(end, 0, 128);
  let out = WORDS;
  let word: usize = 0;
  let carry: u64 = 0;
  for (let at = FOLDED; at <= end; at += 64) {
    const bits = wordBits(at);
    const before = (bits << 1) | carry;
    carry = bits >> 63;
    let starts = bits & ~before;
    let stops = before & ~bits;
    if (!word && starts) {
      word = at + <usize>ctz(starts);
      starts &= starts - 1;
    }
    for (; stops; stops &= stops - 1) {
      const stop = at + <usize>ctz(stops);
      for (; stop - word > <usize>MAX_WORD; word += MAX_WORD, out += 8) writeWord(out, word, MAX_WORD);
      writeWord(out, word, stop - word);
      out += 8;
      word = starts ? at + <usize>ctz(starts) : 0;
      starts &= starts - 1;
    }
  }
  return out;
}

function writeWord(out: usize, word: usize, length: usize): void {
  store<u32>(out, <u32>word);
  store<u32>(out, <u32>length, 4);
}

function hashWords(wordsEnd: usize): void {
  // In locals: chains through memory would cost more than the hashing.
  let running = exact;
  let sum = prefix;
  let n = count;
  let kinds = unsegmented;
  for (let at = WORDS; at < wordsEnd; at += 8) {
    const token = tokenHash(<usize>load<u32>(at), load<u32>(at, 4));
    running = rotl(running ^ token, 29) * K1;
    sum = sum * BASE + token;
    kinds |= token & 1;
    store<u8>(KINDS + n, <u8>(token & 1));
    n++;
    store<u64>(PREFIXES + ((<usize>n) << 3), sum);
  }
  exact = running;
  prefix = sum;
  count = n;
  unsegmented = kinds;
}
