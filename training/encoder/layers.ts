/// <reference lib="esnext.float16" />
import type { GraphBuilder } from '../onnx/graph.ts';
import { tensorTypes } from '../onnx/model.ts';
import type { Bert, BertShape, Dense, Layer, Norm } from './bert.ts';
import type { Arithmetic } from './precision.ts';

/** Added to the attention on padding: e^−10000 is 0 in every precision, and −10000 is a float16. */
const MASKED = -10_000;
const SHORTEST = 1e-12;

/** A graph being written in one precision, with the small constants that its parts share. */
export interface Writer {
  readonly graph: GraphBuilder;
  readonly math: Arithmetic;
  /** Numbers of axes or places, int64. */
  readonly axes: (...values: readonly number[]) => string;
  /** A number of the type of the values. */
  readonly number: (value: number) => string;
  readonly cast: (x: string, to: keyof typeof tensorTypes) => string;
  /** Between the type of the values and float32. */
  readonly toFloat: (x: string) => string;
  readonly fromFloat: (x: string) => string;
}

export function createWriter(graph: GraphBuilder, math: Arithmetic): Writer {
  const made = new Set<string>();
  const once = (name: string, data: BigInt64Array | Float32Array | Float16Array, dims: number[]): string => {
    if (!made.has(name)) graph.constant(name, data, dims);
    made.add(name);
    return name;
  };
  const cast: Writer['cast'] = (x, to) => graph.node('Cast', [x], { to: { int: tensorTypes[to] } });
  const half = math.values === 'float16';
  return {
    graph,
    math,
    axes: (...values) => once(`axes${values.join('_')}`, BigInt64Array.from(values, BigInt), [values.length]),
    number: (value) => once(`number${value}`, math.numbers([value]), []),
    cast,
    toFloat: (x) => (half ? cast(x, 'float32') : x),
    fromFloat: (x) => (half ? cast(x, 'float16') : x),
  };
}

/** What the layers need to know of the input. */
export interface Frame {
  readonly shape: BertShape;
  /** Tokens of a row: int64 [1]. */
  readonly sequence: string;
  /** Which tokens are not padding: bool [batch, sequence]. */
  readonly live: string;
  /** 0 for these and MASKED for padding: [batch, 1, 1, sequence]. */
  readonly mask: string;
  /** Shapes that cut a row by heads and join it again. */
  readonly split: string;
  readonly merge: string;
}

export function frame({ graph, axes, number, cast }: Writer, shape: BertShape): Frame {
  const sequence = graph.node('Slice', [graph.node('Shape', ['input_ids']), axes(1), axes(2), axes(0)]);
  const places = graph.node('Range', [
    graph.constant('first', Int32Array.of(0), []),
    cast(graph.node('Squeeze', [sequence, axes(0)]), 'int32'),
    graph.constant('step', Int32Array.of(1), []),
  ]);
  const live = graph.node('Less', [places, graph.node('Unsqueeze', ['lengths', axes(1)])]);
  const mask = graph.node('Where', [graph.node('Unsqueeze', [live, axes(1, 2)]), number(0), number(MASKED)]);
  const [heads, width, hidden] = [shape.heads, shape.hidden / shape.heads, shape.hidden].map(BigInt);
  const split = graph.constant('split', BigInt64Array.of(0n, 0n, heads!, width!));
  const merge = graph.constant('merge', BigInt64Array.of(0n, 0n, hidden!));
  return { shape, sequence, live, mask, split, merge };
}

/** Words and positions of `input_ids`, normalised: [batch, sequence, hidden]. */
export function embedded(writer: Writer, { shape, sequence }: Frame, bert: Bert): string {
  const { graph, math, axes } = writer;
  const words = math.rows('words', bert.words, shape.hidden, 'input_ids');
  const table = graph.constant('positions', math.numbers(bert.positions), [shape.positions, shape.hidden]);
  const rows = graph.node('Slice', [table, axes(0), sequence, axes(0)]);
  const sum = graph.node('Add', [words, graph.node('Unsqueeze', [rows, axes(0)])]);
  return normalised(writer, 'norm', bert.norm, sum, shape.epsilon);
}

/** One layer over x: attention and feed-forward, each added to what it was given and normalised. */
export function layered(writer: Writer, at: Frame, name: string, layer: Layer, x: string): string {
  const { graph, math } = writer;
  const { epsilon } = at.shape;
  const [seen] = math.dense(`${name}.attention`, attended(writer, at, `${name}.self`, layer, x), [layer.attention]);
  const y = normalised(writer, `${name}.attention.norm`, layer.attentionNorm, graph.node('Add', [seen!, x]), epsilon);
  const [wide] = math.dense(`${name}.intermediate`, y, [layer.intermediate]);
  const [narrow] = math.dense(`${name}.output`, gelu(writer, wide!), [layer.output]);
  return normalised(writer, `${name}.output.norm`, layer.outputNorm, graph.node('Add', [narrow!, y]), epsilon);
}

function attended({ graph, math }: Writer, at: Frame, name: string, layer: Layer, x: string): string {
  const { shape, mask, split, merge } = at;
  // The scale 1 / √width is in the query's weights already.
  const query = scaled(layer.query, 1 / Math.sqrt(shape.hidden / shape.heads));
  const [q, k, v] = math.dense(name, x, [query, layer.key, layer.value]);
  const byHead = (one: string, order: readonly number[]): string =>
    graph.node('Transpose', [graph.node('Reshape', [one, split])], { perm: { ints: order } });
  const scores = graph.node('MatMul', [byHead(q!, [0, 2, 1, 3]), byHead(k!, [0, 2, 3, 1])]);
  const shares = graph.node('Softmax', [graph.node('Add', [scores, mask])], { axis: { int: -1 } });
  const mixed = graph.node('MatMul', [shares, byHead(v!, [0, 2, 1, 3])]);
  return graph.node('Reshape', [graph.node('Transpose', [mixed], { perm: { ints: [0, 2, 1, 3] } }), merge]);
}

/** x · ½ · (1 + erf(x / √2)), in the order that onnxruntime knows as one operator. */
function gelu({ graph, number }: Writer, x: string): string {
  const erf = graph.node('Erf', [graph.node('Div', [x, number(Math.SQRT2)])]);
  return graph.node('Mul', [graph.node('Mul', [x, graph.node('Add', [erf, number(1)])]), number(0.5)]);
}

function normalised(writer: Writer, name: string, { gain, bias }: Norm, x: string, epsilon: number): string {
  const { graph, toFloat, fromFloat } = writer;
  const inputs = [toFloat(x), graph.constant(`${name}.gain`, gain), graph.constant(`${name}.bias`, bias)];
  return fromFloat(graph.node('LayerNormalization', inputs, { axis: { int: -1 }, epsilon: { float: epsilon } }));
}

/** The mean over the tokens that are not padding, of length 1, as output `embedding`. */
export function pooled({ graph, axes, cast, toFloat }: Writer, { live }: Frame, x: string): string {
  const count = graph.node('Unsqueeze', [cast('lengths', 'float32'), axes(1)]);
  const share = graph.node('Unsqueeze', [graph.node('Div', [cast(live, 'float32'), count]), axes(1)]);
  const mean = graph.node('Squeeze', [graph.node('MatMul', [share, toFloat(x)]), axes(1)]);
  const length = graph.node('ReduceL2', [mean], { axes: { ints: [1] }, keepdims: { int: 1 } });
  const divisor = graph.node('Max', [length, graph.constant('shortest', Float32Array.of(SHORTEST), [])]);
  return graph.node('Div', [mean, divisor], {}, 'embedding');
}

function scaled(map: Dense, factor: number): Dense {
  return { ...map, weight: map.weight.map((w) => w * factor), bias: map.bias.map((b) => b * factor) };
}
