// Text to sketch, in pieces of any number: fold, tokens, shingles, sketch.
import { foldUtf16, foldUtf8, setFoldDigits } from './fold';
import { FOLDED, PIECE } from './layout';
import { collectShingles, resetShingles, setShingleWeights, shingleCount } from './shingles';
import { setSketch, writeSketch } from './sketch';
import { exactKey, resetTokens, setTokenSeeds, tokenize } from './tokens';

let minShingles: i32 = 20;
let unfinished: usize = 0;

/** Once for an instance, before all else. The four seeds are independent 64-bit numbers. */
export function configure(
  seedToken: u64,
  seedExact: u64,
  seedRow: u64,
  seedBand: u64,
  shingleTokens: i32,
  unsegmentedShingleTokens: i32,
  bands: i32,
  rowsPerBand: i32,
  rows: i32,
  minimum: i32,
  foldDigits: bool,
): void {
  setTokenSeeds(seedToken, seedExact);
  setShingleWeights(shingleTokens, unsegmentedShingleTokens);
  setSketch(seedRow, seedBand, bands, rowsPerBand, rows);
  setFoldDigits(foldDigits);
  minShingles = minimum;
}

export function begin(): void {
  unfinished = 0;
  resetTokens();
  resetShingles();
}

/** Takes `length` bytes of UTF-8 at TEXT, at most PIECE, that end between two code points. */
export function feedUtf8(length: i32, last: bool): void {
  if (length > PIECE) unreachable();
  unfinished = tokenize(foldUtf8(length, FOLDED + unfinished), last);
  collectShingles();
}

/** Takes `units` units of UTF-16 at TEXT, at most PIECE / 2, that end between two code points. */
export function feedUtf16(units: i32, last: bool): void {
  if (units > PIECE >> 1) unreachable();
  unfinished = tokenize(foldUtf16(units, FOLDED + unfinished), last);
  collectShingles();
}

/** Writes the sketch at SKETCH; returns the count of distinct shingles. */
export function finish(): i32 {
  const count = shingleCount();
  writeSketch(count, count >= minShingles, exactKey());
  return count;
}
