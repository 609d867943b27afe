// Known chunks (runs of UTF-16 units without white space) by their units. The host works out those that are new: src/operators/filters/chunk-cache.ts.
import { differ, firstUnits, hashRange, hashUnits, sameRange } from './units';

/** What a unit is, u8 each: 0 belongs to a chunk; see src/operators/filters/unit-kinds.ts. Filled by the host. */
export const CHUNK_KINDS: usize = 0x10000;
/** One record of a cache line a slot, open addressing. */
export const CHUNK_SLOTS: usize = 0x40000;
export const CHUNK_SLOT_BITS: i32 = 18;
/** What finds no room in its record: units from the ninth on, filled up with zeros to a multiple of eight, then tokens if they are more than two. */
export const CHUNK_EXTRA: usize = CHUNK_SLOTS + (64 << CHUNK_SLOT_BITS);
export const CHUNK_EXTRA_BYTES: i32 = 1 << 23;
/** Longer chunks are worked out each time: all counts of the others fit a byte. */
export const CHUNK_UNITS: i32 = 255;

/**
 * A record: the first eight units, hash (u32), flags (u32), sentences inside and ended (u16 each), counts (u8 each: see `SCAN_SUMS`; the last is the
 * number of units, 0 in an empty slot), address of the extra part (u32), two tokens (number of the word, units, code points; u32 each).
 */
const HASH: usize = 16;
export const FLAGS: usize = 20;
export const INSIDE: usize = 24;
export const ENDED: usize = 26;
export const COUNTS: usize = 28;
const UNITS: usize = 35;
const EXTRA: usize = 36;
const TOKENS: usize = 40;

const MASK: u64 = (1 << CHUNK_SLOT_BITS) - 1;

/** The next chunks of the text: hash (u64) and end (u32) of each, 16 bytes apart; behind them what was loaded for nothing. */
const AHEAD: usize = 0x600;
const AHEAD_END: usize = 0x800;
let next: usize = 0;
let ready: usize = 0;

/** Of the chunk looked up last: its end, its hash, and where it would go (0: nowhere). */
export let chunkTo: usize = 0;
export let chunkHash: u64 = 0;
export let vacantSlot: usize = 0;

/** Where the chunk that begins at `at` ends. White space behind the text ends the last. */
function chunkEnd(at: usize): usize {
  while (true) {
    const units = v128.load(at);
    // All white space is up to 0x20 or from 0x85 on.
    let doubtful = i16x8.bitmask(v128.or(i16x8.le_u(units, i16x8.splat(0x20)), i16x8.ge_u(units, i16x8.splat(0x85))));
    while (doubtful) {
      const unit = at + ((<usize>ctz(doubtful)) << 1);
      if (load<u8>(CHUNK_KINDS + <usize>load<u16>(unit))) return unit;
      doubtful &= doubtful - 1;
    }
    at += 16;
  }
}

export function beginChunks(): void {
  next = ready = AHEAD;
}

/**
 * Finds the next chunks, the first of them at `at`, and touches their slots. Lookups wait for memory; those that do not depend on each other wait together,
 * which one lookup after the other would not.
 */
function lookAhead(at: usize, end: usize): void {
  let touched: u32 = 0;
  next = ready = AHEAD;
  while (ready < AHEAD_END && at < end) {
    const to = chunkEnd(at);
    if (to > at) {
      const units = <i32>((to - at) >> 1);
      const hash = hashRange(hashUnits(units, firstUnits(at, units)), at + 16, to);
      touched += load<u32>(CHUNK_SLOTS + ((<usize>(hash & MASK)) << 6));
      store<u64>(ready, hash);
      store<u32>(ready, <u32>to, 8);
      ready += 16;
    }
    at = to + 2;
  }
  store<u32>(AHEAD_END, touched);
}

/** Goes on to the chunk behind the one that was looked up. */
export function passChunk(): void {
  next += 16;
}

/** The record of the next chunk of the text, which begins at `from`; 0 when it is not known. */
export function findChunk(from: usize, end: usize): usize {
  if (next == ready) lookAhead(from, end);
  const hash = load<u64>(next);
  const to = <usize>load<u32>(next, 8);
  const units = <i32>((to - from) >> 1);
  const first = firstUnits(from, units);
  chunkHash = hash;
  chunkTo = to;
  vacantSlot = 0;
  if (units > CHUNK_UNITS) return 0;
  let place = hash & MASK;
  while (true) {
    const slot = CHUNK_SLOTS + ((<usize>place) << 6);
    const held = <i32>load<u8>(slot, UNITS);
    if (!held) {
      vacantSlot = slot;
      return 0;
    }
    if (load<u32>(slot, HASH) == <u32>(hash >> 32) && held == units && !differ(v128.load(slot), first)) {
      if (units <= 8 || sameRange(from + 16, to, <usize>load<u32>(slot, EXTRA))) return slot;
    }
    place = (place + 1) & MASK;
  }
  return 0;
}

export function tokensOf(slot: usize, count: i32): usize {
  if (count <= 2) return slot + TOKENS;
  const units = <usize>load<u8>(slot, UNITS);
  return <usize>load<u32>(slot, EXTRA) + (units <= 8 ? 0 : (((units - 8) << 1) + 15) & ~15);
}
