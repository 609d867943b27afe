import { createGraph, type GraphBuilder } from '../onnx/graph.ts';
import type { Port } from '../onnx/model.ts';
import type { Bert, Dense } from './bert.ts';
import { createWriter, embedded, frame, layered, pooled } from './layers.ts';
import { arithmetic, type Precision } from './precision.ts';

/** A head over the embedding: maps one after another, with ReLU between them. */
export type Head = readonly Dense[];

/**
 * The encoder as one ONNX graph. Inputs: `input_ids` int32 [batch, sequence] and `lengths` int32 [batch], the tokens of each row that are not
 * padding. Outputs: `embedding` float32 [batch, hidden], the mean over these tokens, of length 1; `logits` float32 [batch, outputs of all heads].
 * Layer normalisation, pooling and heads are float32 in every precision.
 */
export function encoderGraph(bert: Bert, heads: readonly Head[], precision: Precision): Uint8Array<ArrayBuffer> {
  const graph = createGraph();
  const writer = createWriter(graph, arithmetic(graph, precision));
  const at = frame(writer, bert.shape);
  let x = embedded(writer, at, bert);
  for (const [i, layer] of bert.layers.entries()) x = layered(writer, at, `layer${i}`, layer, x);
  const embedding = pooled(writer, at, x);
  const logits = heads.map((head, i) => headLogits(graph, `head${i}`, head, embedding));
  if (heads.length > 0) graph.node('Concat', logits, { axis: { int: 1 } }, 'logits');

  const columns = heads.reduce((sum, head) => sum + head.at(-1)!.outputs, 0);
  const outputs: Port[] = [{ name: embedding, type: 'float32', dims: ['batch', bert.shape.hidden] }];
  if (heads.length > 0) outputs.push({ name: 'logits', type: 'float32', dims: ['batch', columns] });
  return graph.write({
    inputs: [
      { name: 'input_ids', type: 'int32', dims: ['batch', 'sequence'] },
      { name: 'lengths', type: 'int32', dims: ['batch'] },
    ],
    outputs,
  });
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
