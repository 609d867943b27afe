// Counts the n-grams of one text's words. A hash only proposes: equality is checked on the words themselves.
import { hashRange, hashUnits, sameRange, UNITS_SECRET } from './units';

/** Words whose n-grams are counted; of a longer text the first. It bounds the memory that one text can take. */
export const GRAM_WORDS: i32 = 1 << 21;
/** A repeated n-gram of at least this many units starts with this many units that repeat. */
const WINDOW: i32 = 16;

/** Of every word: its number; how many code points and units lie before it (u32 each). */
let words: usize = 0;
let points: usize = 0;
let starts: usize = 0;
/** For each place in the text: hash and count of the n-gram there, and whether it may start one that repeats (u8). */
let hashes: usize = 0;
let counts: usize = 0;
let marks: usize = 0;
let candidates: usize = 0;
let candidateCount: i32 = 0;
/** The words joined, in UTF-16. */
let joined: usize = 0;
/** Open addressing over places: `base` + place + 1, and only what is above `base` counts; it moves up, so that nothing need be cleared. */
let slots: usize = 0;
let slotsEnd: usize = 0;
let base: u32 = 0;
let lastUse: u32 = 0;
let mask: u32 = 0;

let count: i32 = 0;
let full: bool = false;

/** Lays the memory from `at` out for texts of up to `units` units; returns where it ends. */
export function layGrams(at: usize, units: i32): usize {
  const most = <usize>min(units, GRAM_WORDS) + 16;
  words = at;
  points = words + 4 * most;
  starts = points + 4 * most;
  hashes = starts + 4 * most;
  counts = hashes + 4 * most;
  candidates = counts + 4 * most;
  marks = candidates + 4 * most;
  joined = marks + most;
  slots = (joined + 2 * <usize>units + 64 + 15) & ~15;
  slotsEnd = slots + 8;
  while (slotsEnd - slots < 8 * most) slotsEnd = slots + 2 * (slotsEnd - slots);
  base = lastUse = 0;
  // The memory may hold anything.
  fresh = false;
  return slotsEnd;
}
let fresh: bool = false;

export function beginGrams(counting: bool): void {
  count = 0;
  full = !counting;
  store<u32>(points, 0);
  store<u32>(starts, 0);
}

/** Whether no more words are counted. */
export function gramsFull(): i32 {
  return full ? 1 : 0;
}

/** Appends the words of a chunk: `tokens` have number, units and code points, u32 each. */
export function pushGrams(from: usize, to: usize, tokens: usize, added: i32): void {
  if (full) return;
  if (count + added > GRAM_WORDS) {
    full = true;
    return;
  }
  let place = (<usize>count) << 2;
  let start = load<u32>(starts + place);
  let before = load<u32>(points + place);
  // Up to seven units too many are written; the next chunk goes over them.
  for (let out = joined + ((<usize>start) << 1); from < to; from += 16, out += 16) v128.store(out, v128.load(from));
  for (const end = tokens + 12 * <usize>added; tokens < end; tokens += 12) {
    store<u32>(words + place, load<u32>(tokens));
    start += load<u32>(tokens, 4);
    before += load<u32>(tokens, 8);
    place += 4;
    store<u32>(starts + place, start);
    store<u32>(points + place, before);
  }
  count += added;
}

/** Makes room for `places` and forgets the ones before. */
function beginTable(places: i32): void {
  let size: u32 = 1 << 12;
  while (size < <u32>places * 2) size *= 2;
  const largest = <u32>((slotsEnd - slots) >> 2);
  mask = min(size, largest) - 1;
  base += lastUse;
  lastUse = <u32>places + 1;
  if (fresh && base <= 0x7fffffff - lastUse) return;
  memory.fill(slots, 0, slotsEnd - slots);
  fresh = true;
  base = 0;
}

function slotOf(hash: u32): usize {
  return slots + ((<usize>((hash ^ (hash >> 15)) & mask)) << 2);
}

function nextSlot(slot: usize): usize {
  return slots + ((slot + 4 - slots) & (((<usize>mask) << 2) | 3));
}

function at32(array: usize, place: i32): u32 {
  return load<u32>(array + ((<usize>place) << 2));
}

/** To be called before `topGram` for n = 2, 3 and 4 in this order. */
export function beginTop(): void {
  memory.fill(marks, 1, <usize>count + 1);
  const secret = load<u32>(UNITS_SECRET);
  for (let at = 0; at < count; at++) store<u32>(hashes + ((<usize>at) << 2), (at32(words, at) ^ secret) * 0x9e3779b1);
}

function sameWords(one: i32, other: i32, n: i32): bool {
  for (let i = 0; i < n; i++) if (at32(words, one + i) != at32(words, other + i)) return false;
  return true;
}

/**
 * Code points of the commonest n-gram, spaces between its words included, times its count; of equals the first. The hashes are those of the (n - 1)-grams,
 * the marks say which of them repeat: only these can start an n-gram that does.
 */
export function topGram(n: i32): i32 {
  const grams = count - n + 1;
  if (grams <= 0) return 0;
  beginTable(grams);
  const secret = load<u32>(UNITS_SECRET, 4);
  let best: u32 = 1;
  let bestAt = 0;
  for (let at = 0; at < grams; at++) {
    const mark = marks + <usize>at;
    const repeats = load<u16>(mark) == 0x0101;
    // Place `at` has been read, the next not yet: the mark may now speak of n-grams.
    store<u8>(mark, 0);
    if (!repeats) continue;
    const hash = (at32(hashes, at) ^ at32(words, at + n - 1)) * 0x9e3779b1 + secret;
    store<u32>(hashes + ((<usize>at) << 2), hash);
    for (let slot = slotOf(hash); ; slot = nextSlot(slot)) {
      const first = <i32>(load<u32>(slot) - base) - 1;
      if (first < 0) {
        store<u32>(slot, base + <u32>at + 1);
        store<u32>(counts + ((<usize>at) << 2), 1);
        break;
      }
      if (at32(hashes, first) != hash || !sameWords(first, at, n)) continue;
      store<u8>(marks + <usize>first, 1);
      store<u8>(mark, 1);
      const times = at32(counts, first) + 1;
      store<u32>(counts + ((<usize>first) << 2), times);
      if (times > best || (times == best && first < bestAt)) {
        best = times;
        bestAt = first;
      }
      break;
    }
  }
  // The last (n - 1)-gram starts no n-gram.
  store<u8>(marks + <usize>grams, 0);
  return (at32(points, bestAt + n) - at32(points, bestAt) + n - 1) * best;
}

/**
 * To be called before `repeatedGrams`. Equal n-grams of 16 units or more start with the same 16 units; shorter ones have first five words of fewer than
 * 16. Places for which neither holds start nothing that repeats: on prose, nine in ten.
 */
export function findCandidates(): void {
  candidateCount = 0;
  const last = count - 5;
  if (last < 0) return;
  const end = <i32>at32(starts, count);
  beginTable(last + 1);
  for (let at = 0; at <= last; at++) {
    const start = <i32>at32(starts, at);
    store<u8>(marks + <usize>at, <i32>at32(starts, at + 5) - start < WINDOW ? 1 : 0);
    if (start + WINDOW > end) continue;
    const window = joined + ((<usize>start) << 1);
    const hash = <u32>hashUnits(hashUnits(0, v128.load(window)), v128.load(window, 16));
    store<u32>(hashes + ((<usize>at) << 2), hash);
    for (let slot = slotOf(hash); ; slot = nextSlot(slot)) {
      const first = <i32>(load<u32>(slot) - base) - 1;
      if (first < 0) {
        store<u32>(slot, base + <u32>at + 1);
        break;
      }
      // Equal hashes are enough: a mark too many costs time and nothing else.
      if (at32(hashes, first) != hash) continue;
      store<u8>(marks + <usize>first, 1);
      store<u8>(marks + <usize>at, 1);
      break;
    }
  }
  for (let at = 0; at <= last; at++) {
    store<i32>(candidates + ((<usize>candidateCount) << 2), at);
    candidateCount += <i32>load<u8>(marks + <usize>at);
  }
}

/**
 * Code points of n-grams seen before, read from left to right, jumping over each one found; compared joined without spaces, as the peer does: "a bc"
 * equals "ab c".
 */
export function repeatedGrams(n: i32): i32 {
  const grams = count - n + 1;
  if (grams <= 0 || candidateCount == 0) return 0;
  beginTable(count);
  let found = 0;
  let next = 0;
  for (let i = 0; i < candidateCount; i++) {
    const at = <i32>at32(candidates, i);
    if (at < next) continue;
    if (at >= grams) break;
    const from = joined + ((<usize>at32(starts, at)) << 1);
    const to = joined + ((<usize>at32(starts, at + n)) << 1);
    const hash = <u32>hashRange(to - from, from, to);
    store<u32>(hashes + ((<usize>at) << 2), hash);
    for (let slot = slotOf(hash); ; slot = nextSlot(slot)) {
      const first = <i32>(load<u32>(slot) - base) - 1;
      if (first < 0) {
        store<u32>(slot, base + <u32>at + 1);
        break;
      }
      if (at32(hashes, first) != hash) continue;
      const before = at32(starts, first);
      const sameLength = (<usize>(at32(starts, first + n) - before)) << 1 == to - from;
      if (!sameLength || !sameRange(from, to, joined + ((<usize>before) << 1))) continue;
      found += <i32>(at32(points, at + n) - at32(points, at));
      next = at + n;
      break;
    }
  }
  return found;
}
