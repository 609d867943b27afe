/// <reference lib="esnext.float16" />
import type { GraphBuilder } from '../onnx/graph.ts';
import { tensorTypes } from '../onnx/model.ts';
import type { Dense } from './bert.ts';
import { quantizeColumns, quantizeRows } from './int8.ts';

export const precisions = ['fp32', 'fp16', 'int8'] as const;
export type Precision = (typeof precisions)[number];

/** How a precision writes the parts of a graph that differ by it. */
export interface Arithmetic {
  /** What the values between the parts are. */
  readonly values: 'float32' | 'float16';
  /** Constants of that type. */
  numbers(values: Float32Array | readonly number[]): Float32Array | Float16Array;
  /** x · weight + bias, for each of `maps` over the same x. */
  dense(name: string, x: string, maps: readonly Dense[]): string[];
  /** Rows of a table of `width` numbers each. */
  rows(name: string, table: Float32Array, width: number, ids: string): string;
}

export function arithmetic(graph: GraphBuilder, precision: Precision): Arithmetic {
  switch (precision) {
    case 'fp32':
      return floats(graph, 'float32', (values) => Float32Array.from(values));
    case 'fp16':
      return floats(graph, 'float16', (values) => Float16Array.from(values));
    case 'int8':
      return integers(graph);
  }
}

function floats(graph: GraphBuilder, values: Arithmetic['values'], numbers: Arithmetic['numbers']): Arithmetic {
  return {
    values,
    numbers,
    dense: (name, x, maps) =>
      maps.map(({ inputs, outputs, weight, bias }, i) => {
        const w = graph.constant(`${name}.${i}.weight`, numbers(weight), [inputs, outputs]);
        return graph.node('Add', [graph.node('MatMul', [x, w]), graph.constant(`${name}.${i}.bias`, numbers(bias))]);
      }),
    rows: (name, table, width, ids) =>
      graph.node('Gather', [graph.constant(name, numbers(table), [table.length / width, width]), ids]),
  };
}

/**
 * Matrix products over int8: weights with a scale for each column, fixed; activations with one for all that a product is given
 * (DynamicQuantizeLinear), in the order of operators that onnxruntime runs as one. The scale of the activations spans a batch, so windows of
 * such a graph are run one at a time; a scale for each token would cost half of the speed.
 */
function integers(graph: GraphBuilder): Arithmetic {
  const numbers: Arithmetic['numbers'] = (values) => Float32Array.from(values);
  const toFloat = (x: string): string => graph.node('Cast', [x], { to: { int: tensorTypes.float32 } });
  return {
    values: 'float32',
    numbers,
    dense(name, x, maps) {
      const [q, scale, zero] = graph.nodes('DynamicQuantizeLinear', [x], ['q', 'scale', 'zero']);
      return maps.map(({ inputs, outputs, weight, bias }, i) => {
        const { values, scales } = quantizeColumns(weight, outputs);
        const w = graph.constant(`${name}.${i}.weight`, values, [inputs, outputs]);
        const sums = toFloat(graph.node('MatMulInteger', [q, w, zero]));
        const step = graph.node('Mul', [scale, graph.constant(`${name}.${i}.scale`, scales)]);
        return graph.node('Add', [graph.node('Mul', [sums, step]), graph.constant(`${name}.${i}.bias`, numbers(bias))]);
      });
    },
    rows(name, table, width, ids) {
      const { values, scales } = quantizeRows(table, width);
      const rows = toFloat(graph.node('Gather', [graph.constant(name, values, [scales.length, width]), ids]));
      const steps = graph.node('Gather', [graph.constant(`${name}.scale`, scales, [scales.length, 1]), ids]);
      return graph.node('Mul', [rows, steps]);
    },
  };
}
