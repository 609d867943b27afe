/** Int8 rows of `columns` heads with one scale for the entries and one for the pairs of each head. */
export interface QuantizedTable {
  readonly bytes: Int8Array;
  readonly unigramScale: readonly number[];
  readonly bigramScale: readonly number[];
}

/**
 * Scales by the greatest weight, never by a percentile: the greatest weights are the slurs, and clipping them costs precision where it
 * matters most.
 */
export function quantize(heads: readonly Float64Array[], vocabulary: number): QuantizedTable {
  const columns = heads.length;
  const rows = heads[0]!.length;
  const bytes = new Int8Array(rows * columns);
  const scaleOf = (weights: Float64Array): number =>
    weights.reduce((most, w) => Math.max(most, Math.abs(w)), 0) / 127 || 1;
  const unigramScale = heads.map((w) => significant(scaleOf(w.subarray(0, vocabulary))));
  const bigramScale = heads.map((w) => significant(scaleOf(w.subarray(vocabulary))));
  for (const [k, weights] of heads.entries()) {
    for (let row = 0; row < rows; row++) {
      const scale = row < vocabulary ? unigramScale[k]! : bigramScale[k]!;
      bytes[row * columns + k] = Math.max(-127, Math.min(127, Math.round(weights[row]! / scale)));
    }
  }
  return { bytes, unigramScale, bigramScale };
}

/** Numbers of a manifest have eight significant digits. */
export function significant(value: number): number {
  return Number(value.toPrecision(8));
}
