// Folded bytes to tokens: word boundaries 64 bytes at a time, one multiplication for 8 bytes of a word.
import { BASE, K1, LENGTH, mix } from './hash';
import { FOLDED, KINDS, MAX_WORD, PREFIXES } from './layout';

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
  memory.fill(end, 0, 64);
  let word: usize = 0;
  let carry: u64 = 0;
  for (let at = FOLDED; at < end; at += 64) {
    const bits = wordBits(at);
    let turns = bits ^ ((bits << 1) | carry);
    carry = bits >> 63;
    while (turns) {
      const turn = at + <usize>ctz(turns);
      turns &= turns - 1;
      if (turn == end) break;
      if (word) {
        appendWord(word, turn);
        word = 0;
      } else word = turn;
    }
  }
  if (!word) return 0;
  if (last) {
    appendWord(word, end);
    return 0;
  }
  word = appendFullWords(word, end);
  memory.copy(FOLDED, word, end - word);
  return end - word;
}

function append(word: usize, length: i32): void {
  const token = tokenHash(word, length);
  const kind = token & 1;
  unsegmented |= kind;
  exact = rotl(exact ^ token, 29) * K1;
  prefix = prefix * BASE + token;
  store<u8>(KINDS + count, <u8>kind);
  count++;
  store<u64>(PREFIXES + ((<usize>count) << 3), prefix);
}

function appendWord(word: usize, end: usize): void {
  if (end - word > <usize>MAX_WORD) word = appendFullWords(word, end);
  append(word, <i32>(end - word));
}

function appendFullWords(word: usize, end: usize): usize {
  for (; end - word > <usize>MAX_WORD; word += MAX_WORD) append(word, MAX_WORD);
  return word;
}
