// Runs of bytes to WordPiece ids by way of a cache. The host works out what is not in it, and goes on: src/scoring/wordpiece.ts.

/** Text of one call at most; behind it room for the blanks that end the last run. */
export const PIECES_TEXT: usize = 0x1000;
export const PIECES_BYTES: i32 = 1 << 14;
/** What host and kernel tell each other, i32 each; see `State` there. */
export const PIECES_STATE: usize = 0x400;
/** For each byte: its id as punctuation, SPACE, or RUN. */
export const PIECES_GAPS: usize = 0x500;
/** For each byte of a run: the byte that counts, u8. */
export const PIECES_LOWER: usize = 0x900;
export const PIECES_IDS: usize = 0x8000;
/** From, to, hash, note, capitals of each run; i32, RUNS of each. A run has at least a byte and a gap behind it. */
export const PIECES_RUNS: usize = 0x18000;
const RUNS: usize = PIECES_BYTES >> 1;
/** Slots of eight i32: key (two), shape, ids, note, hash, place of the key's bytes. Behind them those bytes, then the ids of runs with several. */
export const PIECES_SLOTS: usize = 0x50000;
/** Bytes of keys, and of ids, that there is room for, for each slot. */
const KEY_BYTES: usize = 12;
const ID_BYTES: usize = 16;

export function piecesBytes(slots: i32): usize {
  return PIECES_SLOTS + <usize>slots * (32 + KEY_BYTES + ID_BYTES);
}

const RUN: i32 = -2;
const DONE: i32 = 0;
const UNKNOWN: i32 = 1;
const CUT: i32 = 2;
const MAX_CACHED: i32 = 64;

const AT: usize = PIECES_STATE;
const IDS: usize = PIECES_STATE + 4;
const COUNT: usize = PIECES_STATE + 8;
const TEXT_END: usize = PIECES_STATE + 12;
const MAX_IDS: usize = PIECES_STATE + 16;
const MAX_RUNS: usize = PIECES_STATE + 20;
const SLOTS: usize = PIECES_STATE + 24;
const LAST: usize = PIECES_STATE + 28;
const RUN_END: usize = PIECES_STATE + 32;
const KEY: usize = PIECES_STATE + 40;
const HASH: usize = PIECES_STATE + 48;
const PROBE: usize = PIECES_STATE + 52;

/** Number of bytes of a run that `bytes` begin with, 16 when all of them belong to it: letters, digits, controls, all beyond ASCII. */
function runLength(bytes: v128): i32 {
  const letters = i8x16.lt_u(i8x16.sub(v128.or(bytes, i8x16.splat(0x20)), i8x16.splat(0x61)), i8x16.splat(26));
  const digits = i8x16.lt_u(i8x16.sub(bytes, i8x16.splat(0x30)), i8x16.splat(10));
  const words = v128.or(v128.or(letters, digits), i8x16.lt_s(bytes, i8x16.splat(0)));
  const blanks = v128.or(
    i8x16.lt_u(i8x16.sub(bytes, i8x16.splat(9)), i8x16.splat(2)),
    i8x16.eq(bytes, i8x16.splat(13)),
  );
  const controls = v128.or(v128.andnot(i8x16.lt_u(bytes, i8x16.splat(32)), blanks), i8x16.eq(bytes, i8x16.splat(127)));
  return ctz(~i8x16.bitmask(v128.or(words, controls)) | 0x10000);
}

function lowered(bytes: v128): v128 {
  const capitals = i8x16.lt_u(i8x16.sub(bytes, i8x16.splat(0x41)), i8x16.splat(26));
  const nul = v128.and(i8x16.eq(bytes, i8x16.splat(0)), i8x16.splat(1));
  return v128.or(v128.or(bytes, nul), v128.and(capitals, i8x16.splat(0x20)));
}

/** The last eight bytes of a run of up to 16, the last one lowest. */
function lastBytes(bytes: v128, length: i32): u64 {
  const places = i8x16.sub(i8x16.splat(<i8>(length - 1)), i8x16(0, 1, 2, 3, 4, 5, 6, 7, 0, 0, 0, 0, 0, 0, 0, 0));
  return i64x2.extract_lane(i8x16.swizzle(bytes, places), 0);
}

function capitalsOf(bytes: v128, length: i32): i32 {
  const capitals = i8x16.bitmask(i8x16.lt_u(i8x16.sub(bytes, i8x16.splat(0x41)), i8x16.splat(26)));
  return popcnt(capitals & ((1 << length) - 1));
}

function lower(at: usize): u32 {
  return <u32>load<u8>(PIECES_LOWER + <usize>load<u8>(at));
}

function sameKey(key: usize, at: usize, end: usize): bool {
  for (; at < end; at++, key++) if (load<u8>(key) != lower(at)) return false;
  return true;
}

/**
 * Goes on at AT and writes ids and runs behind those that there are, until the text, the ids or the runs that were asked for are at their end (DONE),
 * a run is not in the cache (UNKNOWN: it is described in the state and counts as read), or it may go on behind this text (CUT: AT is its first byte).
 */
export function readPieces(): i32 {
  let at = PIECES_TEXT + <usize>load<i32>(AT);
  const end = PIECES_TEXT + <usize>load<i32>(TEXT_END);
  const maxIds = PIECES_IDS + ((<usize>load<i32>(MAX_IDS)) << 2);
  const maxRuns = PIECES_RUNS + ((<usize>load<i32>(MAX_RUNS)) << 2);
  const slots = <usize>load<i32>(SLOTS);
  const keys = PIECES_SLOTS + (slots << 5);
  const cached = keys + slots * KEY_BYTES;
  let out = PIECES_IDS + ((<usize>load<i32>(IDS)) << 2);
  let run = PIECES_RUNS + ((<usize>load<i32>(COUNT)) << 2);
  let answer = DONE;
  while (at < end && out < maxIds && run < maxRuns) {
    const gap = load<i32>(PIECES_GAPS + ((<usize>load<u8>(at)) << 2));
    if (gap != RUN) {
      at++;
      if (gap >= 0) {
        store<i32>(out, gap);
        out += 4;
      }
      continue;
    }
    const bytes = v128.load(at);
    let length = runLength(bytes);
    let key: u64 = 0;
    let capitals = 0;
    let runEnd = at + <usize>length;
    if (length < 16) {
      key = lastBytes(lowered(bytes), length);
      capitals = capitalsOf(bytes, length);
    } else {
      while (load<i32>(PIECES_GAPS + ((<usize>load<u8>(runEnd)) << 2)) == RUN) runEnd++;
      length = <i32>(runEnd - at);
      for (let i = at; i < runEnd; i++) {
        const byte = lower(i);
        key = (key << 8) | <u64>byte;
        capitals += <i32>((<u32>load<u8>(i) ^ byte) >> 5);
      }
    }
    if (runEnd == end && !load<i32>(LAST)) {
      answer = CUT;
      break;
    }
    let hash = (<u32>key * 0x9e3779b1) ^ ((<u32>(key >> 32) + <u32>length) * 0x85ebca6b);
    for (let i = at; i + 8 < runEnd; i++) hash = (hash ^ lower(i)) * 0x01000193;
    hash ^= hash >> 15;

    let probe = <usize>hash & (slots - 1);
    let slot = PIECES_SLOTS + (probe << 5);
    let shape: u32 = 0;
    if (length <= MAX_CACHED) {
      while (true) {
        shape = load<u32>(slot, 8);
        if (!shape) break;
        if (load<u64>(slot) == key && <i32>(shape >> 8) == length) {
          if (length <= 8) break;
          if (load<u32>(slot, 20) == hash && sameKey(keys + <usize>load<u32>(slot, 24), at, runEnd)) break;
        }
        probe = (probe + 1) & (slots - 1);
        slot = PIECES_SLOTS + (probe << 5);
      }
    }
    store<i32>(run, <i32>(at - PIECES_TEXT));
    store<i32>(run + RUNS * 4, <i32>(runEnd - PIECES_TEXT));
    store<i32>(run + RUNS * 8, hash);
    store<i32>(run + RUNS * 16, capitals);
    at = runEnd;
    if (!shape) {
      store<i32>(RUN_END, <i32>(runEnd - PIECES_TEXT));
      store<u64>(KEY, key);
      store<u32>(HASH, hash);
      store<i32>(PROBE, <i32>probe);
      answer = UNKNOWN;
      break;
    }
    store<i32>(run + RUNS * 12, load<i32>(slot, 16));
    run += 4;
    const ids = shape & 255;
    if (ids == 1) {
      store<i32>(out, load<i32>(slot, 12));
      out += 4;
    } else {
      const from = cached + ((<usize>load<u32>(slot, 12)) << 2);
      for (let i: usize = 0; i < ids && out < maxIds; i++, out += 4) store<i32>(out, load<i32>(from + (i << 2)));
    }
  }
  store<i32>(AT, <i32>(at - PIECES_TEXT));
  store<i32>(IDS, <i32>((out - PIECES_IDS) >> 2));
  store<i32>(COUNT, <i32>((run - PIECES_RUNS) >> 2));
  return answer;
}
