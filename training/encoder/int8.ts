/** A matrix as int8 with a scale for each row or column: number ≈ scale · int8, never −128, so that nothing is cut on one side. */
export interface Quantized {
  readonly values: Int8Array;
  readonly scales: Float32Array;
}

const GREATEST = 127;

export function quantizeRows(matrix: Float32Array, width: number): Quantized {
  return quantize(matrix, matrix.length / width, (i) => Math.floor(i / width));
}

export function quantizeColumns(matrix: Float32Array, width: number): Quantized {
  return quantize(matrix, width, (i) => i % width);
}

function quantize(matrix: Float32Array, count: number, groupOf: (index: number) => number): Quantized {
  const scales = new Float32Array(count);
  for (let i = 0; i < matrix.length; i++) {
    const group = groupOf(i);
    scales[group] = Math.max(scales[group]!, Math.abs(matrix[i]!));
  }
  for (let group = 0; group < count; group++) scales[group] = scales[group]! / GREATEST || 1;
  const values = new Int8Array(matrix.length);
  for (let i = 0; i < matrix.length; i++) {
    // A scale is rounded to float32, so the greatest number may come out a hair above 127.
    values[i] = Math.max(-GREATEST, Math.min(GREATEST, Math.round(matrix[i]! / scales[groupOf(i)]!)));
  }
  return { values, scales };
}
