/** Output lines as Avro values: what is open-ended stays the JSON text that it is, byte for byte. */
import type { Type, types } from 'avsc';
import { scanObject } from '../operators/decode/json-scan.ts';
import { PREFIX_BYTES, writePrefix } from './wire.ts';

export type OutputKind = 'record' | 'dead-letter';

/** Members whose value is JSON text in Avro. */
const jsonMembers: Readonly<Record<OutputKind, ReadonlySet<string>>> = {
  record: new Set(['metadata', 'signals']),
  'dead-letter': new Set(),
};

/** Nullable members that a record without them leaves out. */
const absent: Readonly<Record<OutputKind, object>> = {
  record: { url: null, timestamp: null, source: null, license: null, metadata: null },
  'dead-letter': {},
};

export type EncodeLine = (line: Buffer) => Buffer;

/**
 * Writes output lines (JSON, with or without the line feed) as messages of the wire format.
 * The result throws an Error where a line does not fit the type.
 */
export function avroEncoder(kind: OutputKind, type: Type, schemaId: number): EncodeLine {
  const known = membersOf(type);
  const inside = new Map(
    (type as types.RecordType).fields
      .filter((field) => field.type.typeName === 'record')
      .map((field) => [field.name, membersOf(field.type)]),
  );
  return (line) => {
    const value = avroValue(kind, line.toString(), known, inside);
    // A value takes less room in Avro than in JSON, but for short lines with many numbers.
    const message = Buffer.allocUnsafe(PREFIX_BYTES + line.length + 64);
    const end = type.encode(value, message, PREFIX_BYTES);
    const whole =
      end >= 0 ? message.subarray(0, end) : Buffer.concat([message.subarray(0, PREFIX_BYTES), type.toBuffer(value)]);
    writePrefix(whole, schemaId);
    return whole;
  };
}

type Members = ReadonlySet<string>;

const membersOf = (type: Type): Members => new Set((type as types.RecordType).fields.map(({ name }) => name));

function avroValue(kind: OutputKind, line: string, known: Members, inside: ReadonlyMap<string, Members>): object {
  const value: Record<string, unknown> = { ...absent[kind] };
  for (const { key, start, end } of scanObject(line).members) {
    requireKnown(key, known);
    const text = line.slice(start, end);
    value[key] = jsonMembers[kind].has(key) ? text : memberValue(key, text);
    const members = inside.get(key);
    if (members !== undefined) for (const name in value[key] as object) requireKnown(name, members);
  }
  return value;
}

/** avsc would leave it out without a word. */
function requireKnown(name: string, members: Members): void {
  if (!members.has(name)) throw new Error(`member "${name}" is not in the schema`);
}

/** Long integers as avsc takes them here; what is of another type goes on as it is, and is refused there. */
function memberValue(key: string, text: string): unknown {
  const value = JSON.parse(text) as unknown;
  if (key === 'valueBytes') return typeof value === 'number' ? BigInt(value) : value;
  if (key !== 'position' || typeof value !== 'object' || value === null || !('offset' in value)) return value;
  return { ...value, offset: typeof value.offset === 'string' ? BigInt(value.offset) : value.offset };
}
