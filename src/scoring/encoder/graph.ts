import type { InferenceSession } from 'onnxruntime-node';
import { ConfigError } from '../../errors.ts';
import type { EncoderManifest } from '../manifest-encoder.ts';

type Ports = readonly InferenceSession.ValueMetadata[];
type Tensor = InferenceSession.TensorValueMetadata;
type Model = EncoderManifest['model'];

/** What the manifest says of a graph's tensors against what the graph says. Throws a ConfigError for the first thing that differs. */
export function checkGraph(model: Model, columns: number, inputs: Ports, outputs: Ports): void {
  const { ids, lengths, attentionMask, tokenTypes, type } = model.inputs;
  const ranks = new Map([[ids, 2]]);
  if (lengths !== undefined) ranks.set(lengths, 1);
  if (attentionMask !== undefined) ranks.set(attentionMask, 2);
  if (tokenTypes !== undefined) ranks.set(tokenTypes, 2);
  for (const [name, rank] of ranks) checkInput(model, tensorOf(model, 'input', name, inputs), type, rank);
  const unknown = inputs.find(({ name }) => !ranks.has(name));
  if (unknown !== undefined) {
    throw wrong(
      model,
      `input ${unknown.name} is not in the manifest`,
      'name it under model.inputs, or export without it',
    );
  }
  checkOutput(model, tensorOf(model, 'output', model.output, outputs), columns);
}

function tensorOf(model: Model, kind: string, name: string, ports: Ports): Tensor {
  const port = ports.find((one) => one.name === name);
  const names = ports.map((one) => one.name).join(', ');
  if (port === undefined) throw wrong(model, `no ${kind} ${name}`, `name one of ${names}`);
  if (!port.isTensor) throw wrong(model, `${kind} ${name} is no tensor`, `name one of ${names}`);
  return port;
}

function checkInput(model: Model, { name, type, shape }: Tensor, wanted: string, rank: number): void {
  if (type !== wanted) throw wrong(model, `input ${name} takes ${type}, not ${wanted}`, 'correct model.inputs.type');
  if (shape.length !== rank)
    throw wrong(model, `input ${name} has ${shape.length} dimensions, not ${rank}`, 'name the right input');
  const fixed = shape.find((size) => typeof size === 'number');
  if (fixed === undefined) return;
  throw wrong(
    model,
    `input ${name} takes ${shape.join(' × ')} only`,
    'export with dynamic axes for windows and tokens',
  );
}

function checkOutput(model: Model, { name, type, shape }: Tensor, columns: number): void {
  if (type !== 'float32')
    throw wrong(model, `output ${name} is ${type}`, 'export with a cast of the output to float32');
  const flat = shape.length === 1 && columns === 1;
  if (shape.length !== 2 && !flat)
    throw wrong(
      model,
      `output ${name} is ${shape.join(' × ') || 'of no known shape'}, not windows × ${columns}`,
      'name the tensor of scores',
    );
  const width = shape[1];
  if (typeof width !== 'number' || width === columns) return;
  throw wrong(
    model,
    `output ${name} has ${width} columns and the manifest ${columns}`,
    'name every column under outputs, or say model.columns',
  );
}

export function wrong({ file }: Pick<Model, 'file'>, actual: string, remedy: string, cause?: unknown): ConfigError {
  return new ConfigError('scorer-graph', `graph ${file}; ${actual}; ${remedy}`, { cause });
}
