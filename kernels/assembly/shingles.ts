// Tokens to the set of shingle hashes.
import { BASE, mix } from './hash';
import { KINDS, MAX_SHINGLES, PREFIXES, SET, SHINGLES } from './layout';
import { hasUnsegmented, keepTokens, tokenCount } from './tokens';

/** Weights: of a word, of an unsegmented character, and of a full shingle, their product. */
let wordWeight: i32 = 9;
let characterWeight: i32 = 5;
let fullWeight: i32 = 45;

/** Tokens kept of the piece before: the open shingle. */
let kept: i32 = 0;
/** Distinct shingles so far. */
let count: i32 = 0;
/** Places of the set less one; 0 before the first use. */
let setMask: u32 = 0;

export function setShingleWeights(shingleTokens: i32, unsegmentedShingleTokens: i32): void {
  wordWeight = unsegmentedShingleTokens;
  characterWeight = shingleTokens;
  fullWeight = shingleTokens * unsegmentedShingleTokens;
}

export function resetShingles(): void {
  kept = 0;
  count = 0;
  setMask = 0;
}

export function shingleCount(): i32 {
  return count;
}

/** Adds the shingles that end in the tokens of this piece: for each token the shortest run up to it with the full weight. */
export function collectShingles(): void {
  const candidates = hasUnsegmented() ? writeMixed() : writeWords();
  reserve(count + candidates);
  for (let i = 0, at = SHINGLES + ((<usize>count) << 2); i < candidates && count < MAX_SHINGLES; i++, at += 4)
    insert(load<u32>(at));
}

/** Hash of the run of `length` tokens before token number `end`. */
function runHash(end: i32, length: i32, power: u64): u32 {
  const last = PREFIXES + ((<usize>end) << 3);
  const hash = <u32>(mix(load<u64>(last) - load<u64>(last - ((<usize>length) << 3)) * power) >> 32);
  return hash ? hash : 1;
}

/** BASE to the power of `n`. */
function powerOf(n: i32): u64 {
  let power: u64 = 1;
  while (n-- > 0) power *= BASE;
  return power;
}

/** Words only: every shingle has the same length. Writes hashes behind the set's and returns how many. */
function writeWords(): i32 {
  const tokens = tokenCount();
  const length = characterWeight;
  const power = powerOf(length);
  const start = max(kept + 1, length);
  let out = SHINGLES + ((<usize>count) << 2);
  for (let end = start; end <= tokens; end++, out += 4) store<u32>(out, runHash(end, length, power));
  kept = min(tokens, length - 1);
  keepTokens(kept);
  return max(0, tokens - start + 1);
}

/** Words and characters: a window slides over the weights. */
function writeMixed(): i32 {
  const tokens = tokenCount();
  const first = SHINGLES + ((<usize>count) << 2);
  let out = first;
  let start = 0;
  let sum = 0;
  for (let end = 1; end <= tokens; end++) {
    sum += weightOf(end - 1);
    while (sum - weightOf(start) >= fullWeight) sum -= weightOf(start++);
    if (sum < fullWeight || end <= kept) continue;
    const length = end - start;
    store<u32>(out, runHash(end, length, powerOf(length)));
    out += 4;
  }
  kept = tokens - start;
  keepTokens(kept);
  return <i32>((out - first) >> 2);
}

function weightOf(token: i32): i32 {
  return load<u8>(KINDS + token) ? characterWeight : wordWeight;
}

function insert(hash: u32): void {
  let place = hash & setMask;
  while (true) {
    const at = SET + ((<usize>place) << 2);
    const other = load<u32>(at);
    if (other == 0) {
      store<u32>(at, hash);
      store<u32>(SHINGLES + ((<usize>count) << 2), hash);
      count++;
      return;
    }
    if (other == hash) return;
    place = (place + 1) & setMask;
  }
}

/** Makes the set big enough for `wanted` shingles, at most MAX_SHINGLES: a quarter full, for the cost of a probe is a mispredicted branch. */
function reserve(wanted: i32): void {
  const places = setPlaces(min(wanted, MAX_SHINGLES));
  if (setMask && places <= setMask + 1) return;
  setMask = places - 1;
  memory.fill(SET, 0, (<usize>places) << 2);
  for (let i = 0; i < count; i++) {
    const hash = load<u32>(SHINGLES + ((<usize>i) << 2));
    let place = hash & setMask;
    while (load<u32>(SET + ((<usize>place) << 2))) place = (place + 1) & setMask;
    store<u32>(SET + ((<usize>place) << 2), hash);
  }
}

function setPlaces(wanted: i32): u32 {
  let places: u32 = 64;
  while (places < (<u32>wanted) << 2) places <<= 1;
  return places;
}
