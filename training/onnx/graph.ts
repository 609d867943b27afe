/// <reference lib="esnext.float16" />
import { type Attribute, type Model, type Node, type Tensor, writeModel } from './model.ts';

/** A graph being built: each call adds one part and returns the name by which others refer to it. */
export interface GraphBuilder {
  /** Adds numbers under a name of their own. A name that is there already must not come again. */
  constant(name: string, data: Tensor['data'], dims?: readonly number[]): string;
  /** Adds an operator and returns its only output's name: `name` where it is given. */
  node(op: string, inputs: readonly string[], attributes?: Readonly<Record<string, Attribute>>, name?: string): string;
  /** Adds an operator of several outputs, and returns the names of those in the order of `outputs`. */
  nodes<const O extends readonly string[]>(
    op: string,
    inputs: readonly string[],
    outputs: O,
  ): { [K in keyof O]: string };
  write(model: Omit<Model, 'nodes' | 'initializers'>): Uint8Array<ArrayBuffer>;
}

export function createGraph(): GraphBuilder {
  const nodes: Node[] = [];
  const initializers: Record<string, Tensor> = {};
  return {
    constant(name, data, dims = data.length === 1 ? [] : [data.length]) {
      if (name in initializers) throw new RangeError(`constant ${name}; there already; give it another name`);
      initializers[name] = { dims, data };
      return name;
    },
    node(op, inputs, attributes = {}, name = `${op}_${nodes.length}`) {
      nodes.push({ op, inputs, outputs: [name], attributes });
      return name;
    },
    nodes(op, inputs, outputs) {
      const number = nodes.length;
      const names = outputs.map((output) => `${op}_${number}_${output}`);
      nodes.push({ op, inputs, outputs: names });
      return names as { [K in keyof typeof outputs]: string };
    },
    write: (model) => writeModel({ ...model, nodes, initializers }),
  };
}
