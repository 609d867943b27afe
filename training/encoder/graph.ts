/// <reference lib="esnext.float16" />
import { createGraph, type GraphBuilder } from '../onnx/graph.ts';
import { tensorTypes } from '../onnx/model.ts';
import type { Bert, Dense, Layer, Norm } from './bert.ts';
import { type Arithmetic, arithmetic, type Precision } from './precision.ts';

/** A head over the embedding: maps one after another, with ReLU between them. */
export type Head = readonly Dense[];

/** Added to the attention on padding: e^−10000 is 0 in every precision, and −10000 is a float16. */
const MASKED = -10_000;
const SHORTEST = 1e-12;

/**
 * The encoder as one ONNX graph. Inputs: `input_ids` int32 [batch, sequence] and `lengths` int32 [batch], the tokens of each row that are not
 * padding. Outputs: `embedding` float32 [batch, hidden], the mean over these tokens, of length 1; `logits` float32 [batch, outputs of all heads].
 * Layer normalisation, pooling and heads are float32 in every precision.
 */
export function encoderGraph(bert: Bert, heads: readonly Head[], precision: Precision): Uint8Array<ArrayBuffer> {
  const graph = createGraph();
  const parts = encoderParts(graph, bert, arithmetic(graph, precision));
  let x = parts.embed();
  for (const [i, layer] of bert.layers.entries()) x = parts.layer(`layer${i}`, layer, x);
  const embedding = parts.pool(x);
  const outputs = heads.map((head, i) => headLogits(graph, `head${i}`, head, embedding));
  if (heads.length > 0) graph.node('Concat', outputs, { axis: { int: 1 } }, 'logits');
  const columns = heads.reduce((sum, head) => sum + head.at(-1)!.outputs, 0);
  const { hidden } = bert.shape;
  return graph.write({
    inputs: [
      { name: 'input_ids', type: 'int32', dims: ['batch', 'sequence'] },
      { name: 'lengths', type: 'int32', dims: ['batch'] },
    ],
    outputs: [
      { name: 'embedding', type: 'float32', dims: ['batch', hidden] },
      ...(heads.length > 0 ? [{ name: 'logits', type: 'float32', dims: ['batch', columns] } as const] : []),
    ],
  });
}

interface Parts {
  /** Words and positions of `input_ids`, normalised: [batch, sequence, hidden]. */
  embed(): string;
  layer(name: string, layer: Layer, x: string): string;
  pool(x: string): string;
}

function encoderParts(graph: GraphBuilder, bert: Bert, math: Arithmetic): Parts {
  const { hidden, heads, epsilon, positions } = bert.shape;
  const width = hidden / heads;
  const axis = (...values: readonly number[]): string =>
    constantOnce(`axes${values.join('_')}`, BigInt64Array.from(values, BigInt), [values.length]);
  const number = (value: number): string => constantOnce(`number${value}`, math.numbers([value]), []);
  const made = new Set<string>();
  function constantOnce(name: string, data: BigInt64Array | Float32Array | Float16Array, dims: number[]): string {
    if (!made.has(name)) graph.constant(name, data, dims);
    made.add(name);
    return name;
  }
  const cast = (x: string, to: keyof typeof tensorTypes): string =>
    graph.node('Cast', [x], { to: { int: tensorTypes[to] } });
  const half = math.values === 'float16';
  const toFloat = (x: string): string => (half ? cast(x, 'float32') : x);
  const fromFloat = (x: string): string => (half ? cast(x, 'float16') : x);
  const norm = (name: string, { gain, bias }: Norm, x: string): string =>
    fromFloat(
      graph.node(
        'LayerNormalization',
        [toFloat(x), graph.constant(`${name}.gain`, gain), graph.constant(`${name}.bias`, bias)],
        { axis: { int: -1 }, epsilon: { float: epsilon } },
      ),
    );

  const sequence = graph.node('Slice', [graph.node('Shape', ['input_ids']), axis(1), axis(2), axis(0)]);
  const steps = graph.node('Range', [
    graph.constant('first', Int32Array.of(0), []),
    cast(graph.node('Squeeze', [sequence, axis(0)]), 'int32'),
    graph.constant('step', Int32Array.of(1), []),
  ]);
  /** Which tokens are not padding: bool [batch, sequence]. */
  const live = graph.node('Less', [steps, graph.node('Unsqueeze', ['lengths', axis(1)])]);
  const mask = graph.node('Where', [graph.node('Unsqueeze', [live, axis(1, 2)]), number(0), number(MASKED)]);
  const split = graph.constant('split', BigInt64Array.of(0n, 0n, BigInt(heads), BigInt(width)));
  const merge = graph.constant('merge', BigInt64Array.of(0n, 0n, BigInt(hidden)));

  function attention(name: string, layer: Layer, x: string): string {
    // The scale 1 / √width is in the query's weights already.
    const [q, k, v] = math.dense(name, x, [scaled(layer.query, 1 / Math.sqrt(width)), layer.key, layer.value]);
    const byHead = (one: string, order: readonly number[]): string =>
      graph.node('Transpose', [graph.node('Reshape', [one, split])], { perm: { ints: order } });
    const scores = graph.node('MatMul', [byHead(q!, [0, 2, 1, 3]), byHead(k!, [0, 2, 3, 1])]);
    const shares = graph.node('Softmax', [graph.node('Add', [scores, mask])], { axis: { int: -1 } });
    const mixed = graph.node('MatMul', [shares, byHead(v!, [0, 2, 1, 3])]);
    return graph.node('Reshape', [graph.node('Transpose', [mixed], { perm: { ints: [0, 2, 1, 3] } }), merge]);
  }

  /** x · ½ · (1 + erf(x / √2)), in the order that onnxruntime knows as one operator. */
  function gelu(x: string): string {
    const erf = graph.node('Erf', [graph.node('Div', [x, number(Math.SQRT2)])]);
    return graph.node('Mul', [graph.node('Mul', [x, graph.node('Add', [erf, number(1)])]), number(0.5)]);
  }

  return {
    embed() {
      const words = math.rows('words', bert.words, hidden, 'input_ids');
      const table = graph.constant('positions', math.numbers(bert.positions), [positions, hidden]);
      const rows = graph.node('Slice', [table, axis(0), sequence, axis(0)]);
      return norm('norm', bert.norm, graph.node('Add', [words, graph.node('Unsqueeze', [rows, axis(0)])]));
    },
    layer(name, layer, x) {
      const [seen] = math.dense(`${name}.attention`, attention(`${name}.self`, layer, x), [layer.attention]);
      const y = norm(`${name}.attention.norm`, layer.attentionNorm, graph.node('Add', [seen!, x]));
      const [wide] = math.dense(`${name}.intermediate`, y, [layer.intermediate]);
      const [narrow] = math.dense(`${name}.output`, gelu(wide!), [layer.output]);
      return norm(`${name}.output.norm`, layer.outputNorm, graph.node('Add', [narrow!, y]));
    },
    pool(x) {
      const count = graph.node('Unsqueeze', [cast('lengths', 'float32'), axis(1)]);
      const share = graph.node('Unsqueeze', [graph.node('Div', [cast(live, 'float32'), count]), axis(1)]);
      const mean = graph.node('Squeeze', [graph.node('MatMul', [share, toFloat(x)]), axis(1)]);
      const length = graph.node('ReduceL2', [mean], { axes: { ints: [1] }, keepdims: { int: 1 } });
      const divisor = graph.node('Max', [length, graph.constant('shortest', Float32Array.of(SHORTEST), [])]);
      return graph.node('Div', [mean, divisor], {}, 'embedding');
    },
  };
}

function headLogits(graph: GraphBuilder, name: string, head: Head, embedding: string): string {
  let x = embedding;
  for (const [i, { inputs, outputs, weight, bias }] of head.entries()) {
    if (i > 0) x = graph.node('Relu', [x]);
    const product = graph.node('MatMul', [x, graph.constant(`${name}.${i}.weight`, weight, [inputs, outputs])]);
    x = graph.node('Add', [product, graph.constant(`${name}.${i}.bias`, bias, [outputs])]);
  }
  return x;
}

function scaled(map: Dense, factor: number): Dense {
  return { ...map, weight: map.weight.map((w) => w * factor), bias: map.bias.map((b) => b * factor) };
}
