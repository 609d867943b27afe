// Token hashes to the set of shingle hashes: a window that rolls over the tokens, and a set so that repeats cost nothing later.
import { BASE, mix } from './hash';
import { MAX_SHINGLES, SET, SHINGLES, TOKENS } from './layout';
import { keepTokens, tokensEnd } from './tokens';

/** Weight of a word, of an unsegmented character, and of a full shingle: the product of the two. */
let wordWeight: i32 = 9;
let characterWeight: i32 = 5;
let fullWeight: i32 = 45;

/** The open window [head, next): its weight and polynomial. */
let head: usize = TOKENS;
let next: usize = TOKENS;
let weight: i32 = 0;
let rolling: u64 = 0;

let count: i32 = 0;
/** Places of the set less one; places are a power of two, -1 before the first use. */
let setMask: i32 = -1;

export function setShingleWeights(shingleTokens: i32, unsegmentedShingleTokens: i32): void {
  wordWeight = unsegmentedShingleTokens;
  characterWeight = shingleTokens;
  fullWeight = shingleTokens * unsegmentedShingleTokens;
}

export function resetShingles(): void {
  head = TOKENS;
  next = TOKENS;
  weight = 0;
  rolling = 0;
  count = 0;
  setMask = -1;
}

export function shingleCount(): i32 {
  return count;
}

function weightOf(token: u64): i32 {
  return token & 1 ? characterWeight : wordWeight;
}

/** BASE to the power of `n`. */
function power(n: i32): u64 {
  let p: u64 = 1;
  while (n-- > 0) p *= BASE;
  return p;
}

/** Takes the shingles that end in the tokens since the last call: for each token the shortest run up to it with the full weight. */
export function collectShingles(): void {
  const end = tokensEnd();
  reserve(count + <i32>((end - next) >> 3));
  let sum = weight;
  let h = rolling;
  let start = head;
  let length = <i32>((next - head) >> 3);
  let drop = power(length);
  for (let at = next; at < end; at += 8) {
    const token = load<u64>(at);
    h = h * BASE + token;
    sum += weightOf(token);
    length++;
    let first = load<u64>(start);
    let rest = sum - weightOf(first);
    if (rest < fullWeight) {
      drop = power(length);
    } else {
      // `drop` is BASE to the power of the window's length before this token: exactly what `first` is multiplied with now.
      h -= first * drop;
      sum = rest;
      start += 8;
      length--;
      first = load<u64>(start);
      rest = sum - weightOf(first);
      while (rest >= fullWeight) {
        h -= first * power(length - 1);
        sum = rest;
        start += 8;
        length--;
        first = load<u64>(start);
        rest = sum - weightOf(first);
        drop = power(length);
      }
    }
    if (sum >= fullWeight) insert(<u32>(mix(h) >> 32));
  }
  weight = sum;
  rolling = h;
  keepTokens(start);
  head = TOKENS;
  next = tokensEnd();
}

function insert(hash: u32): void {
  if (hash == 0) hash = 1;
  const mask = <u32>setMask;
  let place = hash & mask;
  while (true) {
    const at = SET + ((<usize>place) << 2);
    const other = load<u32>(at);
    if (other == hash) return;
    if (other == 0) {
      if (count == MAX_SHINGLES) return;
      store<u32>(at, hash);
      store<u32>(SHINGLES + ((<usize>count) << 2), hash);
      count++;
      return;
    }
    place = (place + 1) & mask;
  }
}

/** Makes the set big enough for `wanted` shingles at half load, at most MAX_SHINGLES. */
function reserve(wanted: i32): void {
  if (wanted > MAX_SHINGLES) wanted = MAX_SHINGLES;
  if (setMask >= 0 && wanted << 1 <= setMask + 1) return;
  let places = 64;
  while (places < wanted << 1) places <<= 1;
  setMask = places - 1;
  memory.fill(SET, 0, (<usize>places) << 2);
  for (let i = 0; i < count; i++) {
    const hash = load<u32>(SHINGLES + ((<usize>i) << 2));
    let place = hash & <u32>setMask;
    while (load<u32>(SET + ((<usize>place) << 2))) place = (place + 1) & <u32>setMask;
    store<u32>(SET + ((<usize>place) << 2), hash);
  }
}
