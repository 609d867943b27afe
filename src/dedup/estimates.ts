/**
 * The formulas of near-duplicate detection, apart from the code that they are the theory of.
 */

/**
 * Jaccard similarity from `equal` of `rows` 4-bit sketch rows: of the rows that differ one in 16 agrees by chance
 * (b-bit minwise hashing: Li and König, WWW 2010, theorem 1, for sets that are small beside the universe).
 */
export function similarityOf(equal: number, rows: number): number {
  const chance = 1 / 16;
  return Math.max(0, (equal / rows - chance) / (1 - chance));
}

/** The least number of equal rows with at least this estimated similarity, both taken as 32-bit floats. */
export function equalRowsFor(similarity: number, rows: number): number {
  let equal = 0;
  while (equal < rows && Math.fround(similarityOf(equal, rows)) < Math.fround(similarity)) equal++;
  return equal;
}

/** |A ∩ B| / |A| from J = |A ∩ B| / |A ∪ B| and the sizes of both; at most 1, for J is an estimate. */
export function containmentOf(similarity: number, sizeA: number, sizeB: number): number {
  const common = (similarity / (1 + similarity)) * (sizeA + sizeB);
  return Math.min(1, common / sizeA);
}

/** Similarity of which `votes` of `bands` bands with `rows` rows each are expected to agree. */
export function similarityOfVotes(votes: number, bands: number, rows: number): number {
  return (votes / bands) ** (1 / rows);
}

const LANES = 8;
const LANE_BITS = 64;
const BLOCK_BITS = LANES * LANE_BITS;

/** Blocks for so many keys with so many bits each, in whole slices. */
export function blocksFor(keys: number, bitsPerKey: number, slices: number): number {
  return Math.ceil((keys * bitsPerKey) / BLOCK_BITS / slices) * slices;
}

/** Share of bits set after a mean of `keysPerBlock` keys: each sets one bit in every lane. */
export function expectedFill(keysPerBlock: number): number {
  return 1 - Math.exp(-keysPerBlock / LANE_BITS);
}

/**
 * Chance that a key never inserted is found: a block with n keys answers yes with (1 - (63/64)^n)^8, and n is Poisson with the mean that
 * such a fill comes from (Putze, Sanders, Singler 2007, section 3).
 */
export function falsePositiveRate(fill: number): number {
  if (fill >= 1) return 1;
  const mean = -LANE_BITS * Math.log1p(-fill);
  let probability = Math.exp(-mean);
  let rate = 0;
  for (let n = 1; n <= mean + 20 * Math.sqrt(mean) + 40; n++) {
    probability *= mean / n;
    rate += probability * (1 - (1 - 1 / LANE_BITS) ** n) ** LANES;
  }
  return rate;
}
