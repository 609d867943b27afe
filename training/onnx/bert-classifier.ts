import { createGraph, type GraphBuilder } from './graph.ts';
import { tensorTypes } from './model.ts';

/** Sizes of a `BertForSequenceClassification` of the `transformers` package. */
export interface ClassifierShape {
  readonly vocabulary: number;
  readonly positions: number;
  readonly hidden: number;
  readonly intermediate: number;
  readonly heads: number;
  readonly layers: number;
  readonly labels: number;
}

/** bert-base, as FineWeb-Edu's classifier (one label) and toxic-bert (six) have it. */
export const bertBase: Omit<ClassifierShape, 'labels'> = {
  vocabulary: 30_522,
  positions: 512,
  hidden: 768,
  intermediate: 3072,
  heads: 12,
  layers: 12,
};

/** What a masked place is lowered by: the least float32, as exporters write it. */
const MASKED = -3.4028234663852886e38;

/**
 * A BERT classifier with random weights, node by node as exporters write it: int64 inputs `input_ids`, `attention_mask` and `token_type_ids`,
 * the pooler over [CLS], and `logits` [batch, labels]. For tests and benches of what a user brings along; the same seed gives the same bytes.
 */
export function bertClassifier(shape: ClassifierShape, random: () => number): Uint8Array<ArrayBuffer> {
  const { vocabulary, positions, hidden, labels } = shape;
  const graph = createGraph();
  const weights = createWeights(graph, random);
  const ints = (name: string, ...values: readonly number[]): string =>
    graph.constant(name, BigInt64Array.from(values, BigInt), [values.length]);
  const one = ints('axis1', 1);

  const words = graph.node('Gather', [weights('embeddings.word', [vocabulary, hidden], 1), 'input_ids']);
  const types = graph.node('Gather', [weights('embeddings.type', [2, hidden], 0.1), 'token_type_ids']);
  const length = graph.node('Slice', [graph.node('Shape', ['input_ids']), one, ints('axis2', 2), ints('axis0', 0)]);
  const all = graph.constant(
    'position_ids',
    BigInt64Array.from({ length: positions }, (_, i) => BigInt(i)),
    [1, positions],
  );
  const places = graph.node('Slice', [all, 'axis0', length, one]);
  const position = graph.node('Gather', [weights('embeddings.position', [positions, hidden], 0.3), places]);
  let x = norm(graph, weights, 'embeddings', hidden, graph.node('Add', [graph.node('Add', [words, types]), position]));

  const wide = graph.node('Unsqueeze', ['attention_mask', ints('axes12', 1, 2)]);
  const mask = graph.node('Cast', [wide], { to: { int: tensorTypes.float32 } });
  const inverted = graph.node('Sub', [graph.constant('one', Float32Array.of(1), []), mask]);
  const bias = graph.node('Mul', [inverted, graph.constant('masked', Float32Array.of(MASKED), [])]);
  ints('split', 0, 0, shape.heads, hidden / shape.heads);
  ints('merge', 0, 0, hidden);
  graph.constant('scale', Float32Array.of(Math.sqrt(hidden / shape.heads)), []);
  graph.constant('sqrt2', Float32Array.of(Math.SQRT2), []);
  graph.constant('half', Float32Array.of(0.5), []);
  for (let i = 0; i < shape.layers; i++) x = layer(graph, weights, `layer.${i}`, shape, x, bias);

  const first = graph.node('Gather', [x, graph.constant('cls', BigInt64Array.of(0n), [])], { axis: { int: 1 } });
  const pooled = graph.node('Tanh', [gemm(graph, weights, 'pooler', hidden, hidden, first)]);
  gemm(graph, weights, 'classifier', hidden, labels, pooled, 'logits');
  const dims = ['batch_size', 'sequence_length'];
  return graph.write({
    inputs: ['input_ids', 'attention_mask', 'token_type_ids'].map((name) => ({ name, type: 'int64', dims })),
    outputs: [{ name: 'logits', type: 'float32', dims: ['batch_size', labels] }],
  });
}

/** Adds a tensor of uniform numbers around zero, of this deviation. */
type AddWeights = (name: string, dims: readonly number[], deviation: number) => string;

function createWeights(graph: GraphBuilder, random: () => number): AddWeights {
  return (name, dims, deviation) => {
    const count = dims.reduce((a, b) => a * b, 1);
    const spread = deviation * Math.sqrt(12);
    return graph.constant(
      name,
      Float32Array.from({ length: count }, () => spread * (random() - 0.5)),
      dims,
    );
  };
}

function layer(
  graph: GraphBuilder,
  weights: AddWeights,
  name: string,
  { hidden, intermediate }: ClassifierShape,
  x: string,
  bias: string,
): string {
  const dense = (part: string, from: number, to: number, input: string): string => {
    const product = graph.node('MatMul', [input, weights(`${name}.${part}.weight`, [from, to], 1 / Math.sqrt(from))]);
    return graph.node('Add', [weights(`${name}.${part}.bias`, [to], 0.02), product]);
  };
  const byHead = (part: string, perm: readonly number[]): string => {
    const split = graph.node('Reshape', [dense(part, hidden, hidden, x), 'split']);
    return graph.node('Transpose', [split], { perm: { ints: perm } });
  };
  const products = graph.node('MatMul', [byHead('query', [0, 2, 1, 3]), byHead('key', [0, 2, 3, 1])]);
  const scores = graph.node('Add', [graph.node('Div', [products, 'scale']), bias]);
  const mixed = graph.node('MatMul', [
    graph.node('Softmax', [scores], { axis: { int: -1 } }),
    byHead('value', [0, 2, 1, 3]),
  ]);
  const merged = graph.node('Reshape', [graph.node('Transpose', [mixed], { perm: { ints: [0, 2, 1, 3] } }), 'merge']);
  const seen = graph.node('Add', [dense('attention', hidden, hidden, merged), x]);
  const y = norm(graph, weights, `${name}.attention`, hidden, seen);
  const wide = dense('intermediate', hidden, intermediate, y);
  const erf = graph.node('Add', [graph.node('Erf', [graph.node('Div', [wide, 'sqrt2'])]), 'one']);
  const gelu = graph.node('Mul', [graph.node('Mul', [wide, erf]), 'half']);
  return norm(
    graph,
    weights,
    `${name}.output`,
    hidden,
    graph.node('Add', [dense('output', intermediate, hidden, gelu), y]),
  );
}

function norm(graph: GraphBuilder, weights: AddWeights, name: string, hidden: number, x: string): string {
  const gain = graph.constant(`${name}.norm.gain`, new Float32Array(hidden).fill(1));
  return graph.node('LayerNormalization', [x, gain, weights(`${name}.norm.bias`, [hidden], 0.02)], {
    axis: { int: -1 },
    epsilon: { float: 1e-12 },
  });
}

function gemm(
  graph: GraphBuilder,
  weights: AddWeights,
  name: string,
  from: number,
  to: number,
  x: string,
  out?: string,
) {
  const inputs = [x, weights(`${name}.weight`, [to, from], 1 / Math.sqrt(from)), weights(`${name}.bias`, [to], 0.02)];
  return graph.node('Gemm', inputs, { alpha: { float: 1 }, beta: { float: 1 }, transB: { int: 1 } }, out);
}
