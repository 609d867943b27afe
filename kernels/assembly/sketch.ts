// Shingles to sketch rows, band keys and the 4-bit rows that verify.
import { K1, K2, scale } from './hash';
import { ROWS, SHINGLES, SKETCH } from './layout';

let bands: i32 = 24;
let rowsPerBand: i32 = 5;
let rows: i32 = 240;
let seedRow: u64 = 0;
let seedBand: u64 = 0;

export function setSketch(row: u64, band: u64, bandCount: i32, rowsInBand: i32, rowCount: i32): void {
  seedRow = row;
  seedBand = band;
  bands = bandCount;
  rowsPerBand = rowsInBand;
  rows = rowCount;
}

function roundSeed(round: i32): u64 {
  return ((<u64>(<u32>(round + 1) * 0x9e3779b1)) << 32) ^ seedRow;
}

function spread(shingle: u32, seed: u64): u64 {
  const x = (seed ^ <u64>shingle) * K1;
  return (x ^ (x >> 29)) * K2;
}

/**
 * Fast Similarity Sketching (Dahlgaard, Knudsen, Thorup: Fast Similarity Sketching, FOCS 2017, algorithm 1). In round i every shingle draws a row and
 * a value i + u; each row keeps its least; when no row is empty a further round cannot change anything. Rounds from `rows` on fill row by row.
 * A value is one u64, round above 32-bit hash, so that "least" is one comparison.
 */
export function fillRows(count: i32): void {
  const end = SHINGLES + ((<usize>count) << 2);
  for (let i = 0; i < rows; i++) store<u64>(ROWS + ((<usize>i) << 3), u64.MAX_VALUE);
  let empty = rows;
  for (let round = 0; empty > 0 && round < rows; round++) {
    const seed = roundSeed(round);
    const high = (<u64>round) << 32;
    for (let at = SHINGLES; at < end; at += 4) {
      const x = spread(load<u32>(at), seed);
      const row = ROWS + ((<usize>scale(x >> 32, rows)) << 3);
      const value = high | ((x * K1) >> 32);
      const old = load<u64>(row);
      empty -= i32(old == u64.MAX_VALUE);
      store<u64>(row, value < old ? value : old);
    }
  }
  for (let i = 0; empty > 0 && i < rows; i++) {
    const row = ROWS + ((<usize>i) << 3);
    if (load<u64>(row) != u64.MAX_VALUE) continue;
    const seed = roundSeed(rows + i);
    let least: u64 = u64.MAX_VALUE;
    for (let at = SHINGLES; at < end; at += 4) {
      const value = (spread(load<u32>(at), seed) * K1) >> 32;
      least = value < least ? value : least;
    }
    store<u64>(row, ((<u64>(rows + i)) << 32) | least);
    empty--;
  }
}

/** All rows of a band mixed into 64 bits; a mere sum of rows would leave about 26. */
export function writeBandKeys(): void {
  let row = ROWS;
  for (let band = 0; band < bands; band++) {
    let h = seedBand ^ (<u64>(band + 1) * K2);
    for (let i = 0; i < rowsPerBand; i++, row += 8) {
      h = (h ^ load<u64>(row)) * K1;
      h ^= h >> 32;
    }
    h *= K2;
    store<u64>(SKETCH + ((<usize>band) << 3), h ^ (h >> 29));
  }
}

/** The top 4 bits of each row's hash (b-bit minwise hashing: Li and König, WWW 2010), two in a byte. */
export function writeNibbles(): void {
  const out = SKETCH + <usize>(bands << 3);
  for (let i = 0; i < rows; i += 2) {
    const low = (load<u64>(ROWS + ((<usize>i) << 3)) * K1) >> 60;
    const high = (load<u64>(ROWS + ((<usize>i) << 3), 8) * K1) >> 60;
    store<u8>(out + (<usize>i >> 1), <u8>(low | (high << 4)));
  }
}

/** Keys and rows are 0 when there are too few shingles for them. */
export function writeSketch(count: i32, known: bool, exact: u64): void {
  const tail = SKETCH + <usize>((bands << 3) + (rows >> 1));
  if (known) {
    fillRows(count);
    writeBandKeys();
    writeNibbles();
  } else memory.fill(SKETCH, 0, tail - SKETCH);
  store<u64>(tail, exact);
  store<u64>(tail, <u64>count, 8);
}
