import { readFileSync } from 'node:fs';
import { ConfigError } from '../src/errors.ts';
import type { FeatureShape } from './features.ts';

const NAMES = ['embeddings.word_embeddings.weight', 'bert.embeddings.word_embeddings.weight'];
/** Length of the average vector: strong enough to matter beside the one-hot columns under the same penalty. */
const NORM = 1.5;

/** The input vectors of a BERT model's vocabulary, centred and scaled, from a safetensors file (eight bytes of header length, JSON, tensors). */
export function readEmbedding(file: string, vocabulary: number): NonNullable<FeatureShape['embedding']> {
  const bytes = readFileSync(file);
  const headerBytes = Number(bytes.readBigUInt64LE(0));
  const header: Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }> = JSON.parse(
    bytes.toString('utf8', 8, 8 + headerBytes),
  );
  const tensor = NAMES.map((name) => header[name]).find((one) => one !== undefined);
  const [entries, dense = 0] = tensor?.shape ?? [];
  if (tensor === undefined || tensor.dtype !== 'F32' || entries !== vocabulary) {
    throw new ConfigError(
      'training-data',
      `embedding ${file}; no float32 tensor ${NAMES[0]} of ${vocabulary} rows; give the model of the vocabulary`,
    );
  }
  const vectors = new Float32Array(vocabulary * dense);
  for (let i = 0; i < vectors.length; i++)
    vectors[i] = bytes.readFloatLE(8 + headerBytes + tensor.data_offsets[0] + 4 * i);
  let squares = 0;
  for (let d = 0; d < dense; d++) {
    let sum = 0;
    for (let row = 0; row < vocabulary; row++) sum += vectors[row * dense + d]!;
    for (let row = 0; row < vocabulary; row++) squares += (vectors[row * dense + d]! -= sum / vocabulary) ** 2;
  }
  const scale = NORM / Math.sqrt(squares / vocabulary);
  for (let i = 0; i < vectors.length; i++) vectors[i]! *= scale;
  return { dense, vectors };
}
