/** Avro values as JSON text, so that a raw record in Avro goes the same way as one in JSON. */
import type { Type } from 'avsc';
import { isUtf8 } from 'node:buffer';

/** `value` as avsc reads it with long integers as bigint and all unions wrapped. */
export type ToJson = (value: unknown) => string;

/** What is looked at of avsc's types, whose own declarations know only one class each. */
interface Node {
  readonly typeName: string;
  readonly branchName?: string;
  readonly fields?: readonly { readonly name: string; readonly type: Node }[];
  readonly itemsType?: Node;
  readonly valuesType?: Node;
  readonly types?: readonly Node[];
  readonly underlyingType?: Node;
}

/** JSON text of values of one type. Members of the outermost record that are null are left out. */
export function avroToJson(type: Type): ToJson {
  const root = type as unknown as Node; // avsc declares the members of each type in a class of its own
  const known = new Map<Node, ToJson>();
  return root.typeName === 'record' ? recordWriter(root, known, true) : writerOf(root, known);
}

function writerOf(node: Node, known: Map<Node, ToJson>): ToJson {
  const done = known.get(node);
  if (done !== undefined) return done;
  // A type may contain itself.
  known.set(node, (value) => known.get(node)!(value));
  const write = newWriter(node, known);
  known.set(node, write);
  return write;
}

function newWriter(node: Node, known: Map<Node, ToJson>): ToJson {
  switch (node.typeName) {
    case 'record':
    case 'error':
      return recordWriter(node, known, false);
    case 'array': {
      const item = writerOf(node.itemsType!, known);
      return (value) => `[${(value as unknown[]).map(item).join(',')}]`;
    }
    case 'map': {
      const item = writerOf(node.valuesType!, known);
      return (value) =>
        `{${Object.entries(value as object)
          .map(([key, one]) => `${JSON.stringify(key)}:${item(one)}`)
          .join(',')}}`;
    }
    case 'union:wrapped': {
      const branches = new Map(
        node.types!.map((branch) => [branch.branchName ?? branch.typeName, writerOf(branch, known)]),
      );
      return (value) => {
        if (value === null) return 'null';
        const [name, inner] = Object.entries(value as object)[0]!;
        return branches.get(name)!(inner);
      };
    }
    case 'bytes':
    case 'fixed':
      return (value) => JSON.stringify(bytesText(value as Buffer));
    case 'long':
    case 'abstract:long':
      return String;
    case 'logical:json':
      return (value) => jsonText(value as string);
    case 'logical:date':
      return (value) => JSON.stringify(new Date((value as number) * 86_400_000).toISOString().slice(0, 10));
    case 'logical:timestamp-millis':
    case 'logical:local-timestamp-millis':
      return (value) => JSON.stringify(new Date(value as number).toISOString());
    case 'logical:timestamp-micros':
    case 'logical:local-timestamp-micros':
      return (value) => JSON.stringify(microsText(value as number));
    default:
      // null, boolean, int, float, double, string, enum
      return (value) => JSON.stringify(value);
  }
}

function recordWriter(node: Node, known: Map<Node, ToJson>, outermost: boolean): ToJson {
  const members = node.fields!.map(({ name, type }) => ({
    name,
    key: `${JSON.stringify(name)}:`,
    write: writerOf(type, known),
  }));
  return (value) => {
    const record = value as Record<string, unknown>;
    let json = '';
    for (const { name, key, write } of members) {
      if (outermost && record[name] === null) continue;
      json += `${json === '' ? '' : ','}${key}${write(record[name])}`;
    }
    return `{${json}}`;
  };
}

/** As in Parquet: text where it is UTF-8, else base64. */
const bytesText = (bytes: Buffer): string => bytes.toString(isUtf8(bytes) ? 'utf8' : 'base64');

/** @throws SyntaxError where it is none: the text would break the record's own. */
function jsonText(text: string): string {
  JSON.parse(text);
  return text;
}

function microsText(micros: number): string {
  const millis = Math.floor(micros / 1000);
  const rest = String(micros - millis * 1000).padStart(3, '0');
  return new Date(millis).toISOString().replace('Z', `${rest}Z`);
}
