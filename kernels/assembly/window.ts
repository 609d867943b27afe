// The window: the last documents by name. A table of band keys says which document had a key first; rows beside it verify.
// An entry is a 28-bit fingerprint of the key above the 36-bit ordinal of the document, plus one so that 0 is a free place. A key may stand in
// either of two buckets of eight. Table and rows double as the window fills: a bucket splits by the next bit of the fingerprints.
import { scale } from './hash';

export const WINDOW_BATCH: i32 = 1024;
export const WINDOW_SKETCHES: usize = 0x1000;
/** u8: 0 asked, 1 inserted, 2 left out. Then what the document is: partition u32, offset u64. */
export const WINDOW_INSERTED: usize = 0xa0000;
export const WINDOW_PARTITIONS: usize = 0xa1000;
export const WINDOW_OFFSETS: usize = 0xa2000;
/**
 * Answers of 32 bytes: bands explained u32, equal rows i32 (-1 for no document), the named document's partition u32, shingles u32, offset u64,
 * and how many documents had taken a place before, u64.
 */
export const WINDOW_ANSWERS: usize = 0xb0000;
export const ANSWER_BYTES: i32 = 32;
export const WINDOW_TABLE: usize = 0x100000;

const FINGERPRINT_BITS: u32 = 28;
const ORDINAL_BITS: u64 = 36;
const ORDINAL_MASK: u64 = ((<u64>1) << 36) - 1;
const BUCKET_BYTES: usize = 64;
const MAX_CANDIDATES: i32 = 64;
const CANDIDATES: usize = 0x100;

let stride: i32 = 0;
let bands: i32 = 0;
let rowBytes: i32 = 0;
let minEqual: i32 = 0;
/** Documents of the full window, and buckets of the table before it first doubles. */
let capacity: u64 = 0;
let firstBuckets: u32 = 0;
/** How often the table has doubled, and how often it will have when the window is full. */
let level: i32 = 0;
let lastLevel: i32 = 0;
/** Ordinal of the next document that takes a place. */
let next: u64 = 0;

/** `equal` rows from which a document is a copy of an earlier one and takes no place of its own. Memory comes with the first batch. */
export function windowConfigure(
  sketchStride: i32,
  bandCount: i32,
  bytesOfRows: i32,
  equal: i32,
  documents: u32,
  buckets: u32,
  doublings: i32,
): void {
  stride = sketchStride;
  bands = bandCount;
  rowBytes = bytesOfRows;
  minEqual = equal;
  capacity = documents;
  firstBuckets = buckets;
  lastLevel = doublings;
}

export function windowNext(): u64 {
  return next;
}

export function windowLevel(): i32 {
  return level;
}

/** Continues from a snapshot: the host has put table and rows in place. */
export function windowRestore(ordinal: u64, doublings: i32): void {
  next = ordinal;
  level = doublings;
}

/** Bytes of memory that a table doubled `doublings` times needs, rows included. */
export function windowBytes(doublings: i32): u64 {
  return <u64>WINDOW_TABLE + buckets(doublings) * <u64>BUCKET_BYTES + placesAt(doublings) * <u64>recordBytes();
}

function buckets(doublings: i32): u64 {
  return (<u64>firstBuckets) << doublings;
}

/** Documents that have a place at this size; the whole capacity at the last one. */
function placesAt(doublings: i32): u64 {
  const shift = <u64>(lastLevel - doublings);
  return (capacity + (((<u64>1) << shift) - 1)) >> shift;
}

function rowsAt(doublings: i32): usize {
  return WINDOW_TABLE + <usize>buckets(doublings) * BUCKET_BYTES;
}

/** Rows, offset u64, partition u32, shingles u32. */
function recordBytes(): usize {
  return <usize>rowBytes + 16;
}

function recordOf(ordinal: u64): usize {
  return rowsAt(level) + <usize>(ordinal % capacity) * recordBytes();
}

/** Answers `count` documents in order; document i sees those before it. False when memory is at its end. */
export function windowDecide(count: i32): bool {
  for (let i = 0; i < count; i++) {
    const inserted = load<u8>(WINDOW_INSERTED + i);
    const answer = WINDOW_ANSWERS + <usize>(i * ANSWER_BYTES);
    store<u32>(answer, 0);
    store<i32>(answer, -1, 4);
    store<u64>(answer, next, 24);
    if (inserted == 2) continue;
    const sketch = WINDOW_SKETCHES + <usize>i * <usize>stride;
    const candidates = findCandidates(sketch, answer);
    const best = verify(sketch, candidates, answer);
    if (!inserted) continue;
    let owner = best;
    if (load<i32>(answer, 4) < minEqual) {
      if (next == placesAt(level) && level < lastLevel && !double()) return false;
      owner = next++;
      writeRecord(owner, sketch, i);
    }
    insertKeys(sketch, load<u32>(answer), owner);
  }
  return true;
}

/** First or second bucket of a key. The bits that choose it are not those of the fingerprint. */
function bucketOf(key: u64, second: bool): usize {
  const base = scale(second ? key >> 16 : key >> 32, firstBuckets);
  const split = (<u32>key & 0x0fffffff) >> (FINGERPRINT_BITS - level);
  return WINDOW_TABLE + (((<usize>base) << level) | <usize>split) * BUCKET_BYTES;
}

function isAlive(entry: u64): bool {
  return entry != 0 && ageOf(entry) <= capacity;
}

/** How many documents took a place since: 1 for the last one. Ordinals wrap around after 2^36 documents. */
function ageOf(entry: u64): u64 {
  return (next - ((entry & ORDINAL_MASK) - 1)) & ORDINAL_MASK;
}

/** Writes the live documents that share a band to CANDIDATES and the bands to the answer. */
function findCandidates(sketch: usize, answer: usize): i32 {
  touch(sketch);
  let mask: u32 = 0;
  let found = 0;
  for (let band = 0; band < bands; band++) {
    const key = load<u64>(sketch + ((<usize>band) << 3));
    const first = bucketOf(key, false);
    const second = bucketOf(key, true);
    let known = false;
    for (let side = 0; side < 2; side++) {
      const bucket = side ? second : first;
      for (let bits = matches(bucket, key); bits; bits &= bits - 1) {
        const entry = load<u64>(bucket + ((<usize>ctz(bits)) << 3));
        if (!isAlive(entry)) continue;
        known = true;
        found = addCandidate(next - ageOf(entry), found);
      }
    }
    mask |= (<u32>known) << band;
  }
  store<u32>(answer, mask);
  return found;
}

/** Starts all the cache misses of a document at once: none of these loads waits for another. */
function touch(sketch: usize): void {
  let all: u64 = 0;
  for (let band = 0; band < bands; band++) {
    const key = load<u64>(sketch + ((<usize>band) << 3));
    all ^= load<u64>(bucketOf(key, false)) ^ load<u64>(bucketOf(key, true));
  }
  store<u64>(CANDIDATES - 8, all);
}

/** Bit j: entry j of the bucket has the key's fingerprint. */
function matches(bucket: usize, key: u64): u32 {
  const wanted = i64x2.splat(key & 0x0fffffff);
  const shift = <i32>ORDINAL_BITS;
  const a = i64x2.bitmask(i64x2.eq(i64x2.shr_u(v128.load(bucket), shift), wanted));
  const b = i64x2.bitmask(i64x2.eq(i64x2.shr_u(v128.load(bucket, 16), shift), wanted));
  const c = i64x2.bitmask(i64x2.eq(i64x2.shr_u(v128.load(bucket, 32), shift), wanted));
  const d = i64x2.bitmask(i64x2.eq(i64x2.shr_u(v128.load(bucket, 48), shift), wanted));
  return <u32>(a | (b << 2) | (c << 4) | (d << 6));
}

function addCandidate(ordinal: u64, found: i32): i32 {
  for (let i = 0; i < found; i++) {
    if (load<u64>(CANDIDATES + ((<usize>i) << 3)) == ordinal) return found;
  }
  if (found == MAX_CANDIDATES) return found;
  store<u64>(CANDIDATES + ((<usize>found) << 3), ordinal);
  return found + 1;
}

/** Writes the candidate with most equal rows, the earliest of several, to the answer, and returns its ordinal. */
function verify(sketch: usize, candidates: i32, answer: usize): u64 {
  const rows = sketch + <usize>(bands << 3);
  let best: u64 = 0;
  let most = -1;
  for (let i = 0; i < candidates; i++) {
    const ordinal = load<u64>(CANDIDATES + ((<usize>i) << 3));
    const equal = equalRows(rows, recordOf(ordinal));
    if (equal > most || (equal == most && ordinal < best)) {
      most = equal;
      best = ordinal;
    }
  }
  if (candidates == 0) return 0;
  const record = recordOf(best) + <usize>rowBytes;
  store<i32>(answer, most, 4);
  store<u32>(answer, load<u32>(record, 8), 8);
  store<u32>(answer, load<u32>(record, 12), 12);
  store<u64>(answer, load<u64>(record), 16);
  return best;
}

/** How many 4-bit rows agree: the nibbles of a ^ b that are 0. */
function equalRows(a: usize, b: usize): i32 {
  let equal: i32 = 0;
  for (let i: usize = 0; i < <usize>rowBytes; i += 8) {
    let x = load<u64>(a + i) ^ load<u64>(b + i);
    x |= x >> 2;
    x |= x >> 1;
    equal += <i32>popcnt(~x & 0x1111111111111111);
  }
  return equal;
}

function writeRecord(ordinal: u64, sketch: usize, i: i32): void {
  const record = recordOf(ordinal);
  const rows = sketch + <usize>(bands << 3);
  memory.copy(record, rows, rowBytes);
  const tail = record + <usize>rowBytes;
  store<u64>(tail, load<u64>(WINDOW_OFFSETS + ((<usize>i) << 3)));
  store<u32>(tail, load<u32>(WINDOW_PARTITIONS + ((<usize>i) << 2)), 8);
  store<u32>(tail, load<u32>(rows + <usize>rowBytes, 8), 12);
}

/** Enters the keys that no live document has under `owner`: the document itself, or the earlier one that it is a copy of. */
function insertKeys(sketch: usize, explained: u32, owner: u64): void {
  const ordinal = (owner + 1) & ORDINAL_MASK;
  for (let band = 0; band < bands; band++) {
    if ((explained >> band) & 1) continue;
    const key = load<u64>(sketch + ((<usize>band) << 3));
    store<u64>(placeFor(bucketOf(key, false), bucketOf(key, true)), ((key & 0x0fffffff) << ORDINAL_BITS) | ordinal);
  }
}

/** A free place in the emptier bucket; without one, that of the oldest entry. */
function placeFor(first: usize, second: usize): usize {
  const freeFirst = freePlaces(first);
  const freeSecond = freePlaces(second);
  if (freeFirst | freeSecond) {
    return popcnt(freeSecond) > popcnt(freeFirst)
      ? second + ((<usize>ctz(freeSecond)) << 3)
      : first + ((<usize>ctz(freeFirst)) << 3);
  }
  const a = oldestPlace(first);
  const b = oldestPlace(second);
  return ageOf(load<u64>(b)) > ageOf(load<u64>(a)) ? b : a;
}

function freePlaces(bucket: usize): u32 {
  let free: u32 = 0;
  for (let j = 0; j < 8; j++) free |= (<u32>!isAlive(load<u64>(bucket + ((<usize>j) << 3)))) << j;
  return free;
}

function oldestPlace(bucket: usize): usize {
  let oldest = bucket;
  for (let at = bucket + 8; at < bucket + BUCKET_BYTES; at += 8) {
    if (ageOf(load<u64>(at)) > ageOf(load<u64>(oldest))) oldest = at;
  }
  return oldest;
}

/** Doubles table and rows in place, from the end down, so that nothing is overwritten before it has moved. */
function double(): bool {
  const missing = <i64>windowBytes(level + 1) - ((<i64>memory.size()) << 16);
  if (missing > 0 && memory.grow(<i32>((missing + 0xffff) >> 16)) < 0) return false;
  memory.copy(rowsAt(level + 1), rowsAt(level), <usize>placesAt(level) * recordBytes());
  const bit = ORDINAL_BITS + <u64>(FINGERPRINT_BITS - 1 - level);
  for (let b = <i64>buckets(level) - 1; b >= 0; b--) {
    const from = WINDOW_TABLE + <usize>b * BUCKET_BYTES;
    splitBucket(from, WINDOW_TABLE + <usize>(b << 1) * BUCKET_BYTES, bit);
  }
  level++;
  return true;
}

/** Entries of a bucket whose fingerprint has a 0 at `bit` go to `to`, the others to the bucket after it. */
function splitBucket(from: usize, to: usize, bit: u64): void {
  memory.copy(CANDIDATES, from, BUCKET_BYTES);
  memory.fill(to, 0, BUCKET_BYTES << 1);
  let left = to;
  let right = to + BUCKET_BYTES;
  for (let at = CANDIDATES; at < CANDIDATES + BUCKET_BYTES; at += 8) {
    const entry = load<u64>(at);
    if (entry == 0) continue;
    if ((entry >> bit) & 1) {
      store<u64>(right, entry);
      right += 8;
    } else {
      store<u64>(left, entry);
      left += 8;
    }
  }
}
