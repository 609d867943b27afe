import type { EmbeddingManifest } from './manifest-embedding.ts';
import type { TableScorer } from './table.ts';

/** Writes the mean of the vectors of `ids[from, to)`, in units of the table's scale or of length 1, into `vector`. */
export type Embed = (ids: Int32Array, from: number, to: number, vector: Float64Array) => void;

/** Token vectors of a table of int8 (static embeddings: Tulkens and van Dongen 2024, model2vec): a text is the mean of its tokens. */
export function createEmbed(
  { table: { dimensions, scale }, normalise }: Pick<EmbeddingManifest, 'table' | 'normalise'>,
  table: Int8Array,
): Embed {
  // 512 tokens of 127 stay far inside 32 bits, and sums of integers need no order.
  const sums = new Int32Array(dimensions);
  return (ids, from, to, vector) => {
    sums.fill(0);
    for (let i = from; i < to; i++) {
      const row = ids[i]! * dimensions;
      for (let d = 0; d < dimensions; d++) sums[d]! += table[row + d]!;
    }
    let factor = scale / (to - from);
    if (normalise) {
      let squares = 0;
      for (let d = 0; d < dimensions; d++) squares += sums[d]! * sums[d]!;
      // Vectors that cancel out have no direction: they stay zero.
      factor = squares === 0 ? 0 : 1 / Math.sqrt(squares);
    }
    for (let d = 0; d < dimensions; d++) vector[d] = sums[d]! * factor;
  };
}

/** Linear heads on the mean vector: logit = bias + weights · vector, of each window; the greatest counts. Holds scratch space. */
export function createEmbeddingScorer(manifest: EmbeddingManifest, table: Int8Array): TableScorer {
  const { window, outputs } = manifest;
  const embed = createEmbed(manifest, table);
  const vector = new Float64Array(manifest.table.dimensions);
  const heads = outputs.map(({ bias, weights }) => ({ bias, weights: Float64Array.from(weights) }));

  return (ids, count, logits) => {
    logits.fill(Number.NEGATIVE_INFINITY);
    for (let from = 0; from < count; from += window.tokens) {
      const to = Math.min(count, from + window.tokens);
      if (from > 0 && to - from < window.minTokens) break;
      embed(ids, from, to, vector);
      for (const [k, { bias, weights }] of heads.entries()) {
        let logit = bias;
        for (let d = 0; d < weights.length; d++) logit += weights[d]! * vector[d]!;
        // Not `>`: a NaN must come out, not lose every comparison.
        if (!(logit <= logits[k]!)) logits[k] = logit;
      }
    }
  };
}
