/// <reference lib="esnext.float16" />
import { bytes, float, integer, join, type Message, message, string, toBytes } from './protobuf.ts';

/** Numbers of `TensorProto.DataType` in onnx.proto. */
export const tensorTypes = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, bool: 9, float16: 10 } as const;
export type TensorType = keyof typeof tensorTypes;

/** Numbers that are part of the model, row-major. No dimensions: a scalar. */
export interface Tensor {
  readonly dims: readonly number[];
  readonly data: Float32Array | Float16Array | Int8Array | Uint8Array | Int32Array | BigInt64Array;
}

/** An input or output of the graph; a dimension with a name may have any size. */
export interface Port {
  readonly name: string;
  readonly type: TensorType;
  readonly dims: readonly (number | string)[];
}

/** JavaScript has one kind of number and ONNX two, so an attribute says which it is. */
export type Attribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly ints: readonly number[] }
  | { readonly text: string };

export interface Node {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** Of the operator: nothing for ONNX's own. */
  readonly domain?: string;
}

export interface Model {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly nodes: readonly Node[];
  readonly initializers: Readonly<Record<string, Tensor>>;
  readonly opset?: number;
  /** Operators of other domains by version, such as `com.microsoft`. */
  readonly domains?: Readonly<Record<string, number>>;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** What onnxruntime 1.30 reads and older ones do too. */
const OPSET = 17;
const IR_VERSION = 8;

/** The bytes of an ONNX file (onnx.proto, IR version 8): fields in order of their numbers, so the same model gives the same bytes. */
export function writeModel(model: Model): Uint8Array<ArrayBuffer> {
  return toBytes(
    join([
      integer(1, IR_VERSION),
      string(2, 'riffle'),
      message(7, graph(model)),
      ...Object.entries({ '': model.opset ?? OPSET, ...model.domains }).map(([domain, version]) =>
        message(8, [string(1, domain), integer(2, version)]),
      ),
      ...Object.entries(model.metadata ?? {}).map(([key, value]) => message(14, [string(1, key), string(2, value)])),
    ]),
  );
}

function graph({ nodes, initializers, inputs, outputs }: Model): Message[] {
  return [
    ...nodes.map((one, i) => message(1, node(one, i))),
    string(2, 'graph'),
    ...Object.entries(initializers).map(([name, tensor]) => message(5, initializer(name, tensor))),
    ...inputs.map((one) => message(11, port(one))),
    ...outputs.map((one) => message(12, port(one))),
  ];
}

function node({ op, inputs, outputs, attributes, domain }: Node, number: number): Message[] {
  return [
    ...inputs.map((name) => string(1, name)),
    ...outputs.map((name) => string(2, name)),
    string(3, `${number}.${op}`),
    string(4, op),
    ...Object.entries(attributes ?? {}).map(([name, value]) => message(5, [string(1, name), ...attribute(value)])),
    ...(domain === undefined ? [] : [string(7, domain)]),
  ];
}

/** The value, and in field 20 which kind it is. */
function attribute(value: Attribute): Message[] {
  if ('float' in value) return [float(2, value.float), integer(20, 1)];
  if ('int' in value) return [integer(3, value.int), integer(20, 2)];
  if ('text' in value) return [string(4, value.text), integer(20, 3)];
  return [...value.ints.map((one) => integer(8, one)), integer(20, 7)];
}

function initializer(name: string, { dims, data }: Tensor): Message[] {
  const count = dims.reduce((product, dim) => product * dim, 1);
  if (count !== data.length) {
    throw new RangeError(`tensor ${name}; ${data.length} numbers for dimensions ${dims.join(' × ')}; give ${count}`);
  }
  return [
    ...dims.map((dim) => integer(1, dim)),
    integer(2, tensorTypes[typeOf(data)]),
    string(8, name),
    // Little-endian, as is every machine that onnxruntime-node runs on.
    bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  ];
}

function typeOf(data: Tensor['data']): TensorType {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Float16Array) return 'float16';
  if (data instanceof Int8Array) return 'int8';
  if (data instanceof Uint8Array) return 'uint8';
  return data instanceof Int32Array ? 'int32' : 'int64';
}

function port({ name, type, dims }: Port): Message[] {
  const shape = dims.map((dim) => message(1, [typeof dim === 'number' ? integer(1, dim) : string(2, dim)]));
  return [string(1, name), message(2, [message(1, [integer(1, tensorTypes[type]), message(2, shape)])])];
}
