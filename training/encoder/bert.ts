import { ConfigError } from '../../src/errors.ts';
import type { Weights } from '../onnx/safetensors.ts';

/** The sizes of a BERT encoder with GELU (Devlin et al. 2019). */
export interface BertShape {
  readonly vocabulary: number;
  /** The longest window, with [CLS] and [SEP]. */
  readonly positions: number;
  readonly hidden: number;
  readonly intermediate: number;
  readonly heads: number;
  readonly layers: number;
  readonly epsilon: number;
}

/** all-MiniLM-L6-v2. */
export const miniLm: BertShape = {
  vocabulary: 30_522,
  positions: 512,
  hidden: 384,
  intermediate: 1536,
  heads: 12,
  layers: 6,
  epsilon: 1e-12,
};

/** A linear map x ↦ x · weight + bias; the weight has a row for each input. */
export interface Dense {
  readonly inputs: number;
  readonly outputs: number;
  readonly weight: Float32Array<ArrayBuffer>;
  readonly bias: Float32Array<ArrayBuffer>;
}

/** Layer normalisation: what deviates from the mean, in deviations, times gain, plus bias. */
export interface Norm {
  readonly gain: Float32Array<ArrayBuffer>;
  readonly bias: Float32Array<ArrayBuffer>;
}

export interface Layer {
  readonly query: Dense;
  readonly key: Dense;
  readonly value: Dense;
  readonly attention: Dense;
  readonly attentionNorm: Norm;
  readonly intermediate: Dense;
  readonly output: Dense;
  readonly outputNorm: Norm;
}

export interface Bert {
  readonly shape: BertShape;
  /** A row for each vocabulary entry. */
  readonly words: Float32Array<ArrayBuffer>;
  /** A row for each position, the vector of the first (and here only) sentence added to each. */
  readonly positions: Float32Array<ArrayBuffer>;
  readonly norm: Norm;
  readonly layers: readonly Layer[];
}

/** Finds the tensors by the names of the `transformers` package. Throws a ConfigError when one is missing or of another shape. */
export function readBert(tensors: ReadonlyMap<string, Weights>, shape: BertShape): Bert {
  const take = (name: string, ...dims: readonly number[]): Float32Array<ArrayBuffer> => {
    const found = tensors.get(name) ?? tensors.get(`bert.${name}`);
    if (found?.dims.join() === dims.join()) return found.data;
    throw new ConfigError(
      'encoder-architecture',
      `weights ${name}; ${found === undefined ? 'not there' : found.dims.join(' × ')}, not ${dims.join(' × ')}; give the weights of the encoder that is named`,
    );
  };
  const { hidden, intermediate } = shape;
  const dense = (name: string, inputs: number, outputs: number): Dense => ({
    inputs,
    outputs,
    weight: transposed(take(`${name}.weight`, outputs, inputs), outputs, inputs),
    bias: take(`${name}.bias`, outputs),
  });
  const norm = (name: string): Norm => ({ gain: take(`${name}.weight`, hidden), bias: take(`${name}.bias`, hidden) });
  const sentence = take('embeddings.token_type_embeddings.weight', 2, hidden);
  return {
    shape,
    words: take('embeddings.word_embeddings.weight', shape.vocabulary, hidden),
    positions: take('embeddings.position_embeddings.weight', shape.positions, hidden).map(
      (value, i) => value + sentence[i % hidden]!,
    ),
    norm: norm('embeddings.LayerNorm'),
    layers: Array.from({ length: shape.layers }, (_, i): Layer => {
      const layer = `encoder.layer.${i}`;
      return {
        query: dense(`${layer}.attention.self.query`, hidden, hidden),
        key: dense(`${layer}.attention.self.key`, hidden, hidden),
        value: dense(`${layer}.attention.self.value`, hidden, hidden),
        attention: dense(`${layer}.attention.output.dense`, hidden, hidden),
        attentionNorm: norm(`${layer}.attention.output.LayerNorm`),
        intermediate: dense(`${layer}.intermediate.dense`, hidden, intermediate),
        output: dense(`${layer}.output.dense`, intermediate, hidden),
        outputNorm: norm(`${layer}.output.LayerNorm`),
      };
    }),
  };
}

/** PyTorch stores a row for each output; a product x · W wants one for each input. */
function transposed(rows: Float32Array, height: number, width: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(rows.length);
  for (let i = 0; i < height; i++) for (let j = 0; j < width; j++) out[j * height + i] = rows[i * width + j]!;
  return out;
}
