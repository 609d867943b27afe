/** The committed schemas against the types that output records are made of, and the two formats against each other. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DocumentHead, SourcePosition } from '../model/record.ts';
import type { Decision } from '../pruning/decide.ts';
import { deadLetterColumns, recordColumns } from '../routing/export-columns.ts';
import type { Problem } from '../stages/dead-letter.ts';
import { schemaOf } from './subjects.ts';

interface AvroField {
  readonly name: string;
  readonly type: unknown;
  readonly default?: unknown;
}
interface AvroRecord {
  readonly fields: readonly AvroField[];
}
interface JsonObject {
  readonly properties: Readonly<Record<string, JsonObject>>;
  readonly required: readonly string[];
  readonly additionalProperties?: boolean;
}

const kinds = ['raw', 'record', 'dead-letter'] as const;
const avroOf = (kind: (typeof kinds)[number]) => JSON.parse(schemaOf(kind, 'avro').schema) as AvroRecord;
const jsonOf = (kind: (typeof kinds)[number]) => JSON.parse(schemaOf(kind, 'json').schema) as JsonObject;

const isRecord = (type: unknown): type is AvroRecord => typeof type === 'object' && type !== null && 'fields' in type;
const isNullable = (type: unknown): boolean => Array.isArray(type) && type.includes('null');

/** Paths of all members, those of records inside included; `?` where it may be missing. */
function avroMembers({ fields }: AvroRecord, prefix = ''): string[] {
  return fields.flatMap(({ name, type }) => [
    `${prefix}${name}`,
    ...(isRecord(type) ? avroMembers(type, `${prefix}${name}.`) : []),
  ]);
}

function jsonMembers({ properties }: JsonObject, prefix = ''): string[] {
  return Object.entries(properties).flatMap(([name, member]) => [
    `${prefix}${name}`,
    ...('properties' in member ? jsonMembers(member, `${prefix}${name}.`) : []),
  ]);
}

for (const kind of kinds)
  test(`${kind}: Avro and JSON Schema have the same members in the same order`, () => {
    assert.deepEqual(avroMembers(avroOf(kind)), jsonMembers(jsonOf(kind)));
  });

test('what JSON may leave out, or set to null, is nullable with a default in Avro, and nothing else is', () => {
  for (const kind of ['record', 'dead-letter'] as const)
    for (const { name, type, default: fallback } of avroOf(kind).fields) {
      const { required, properties } = jsonOf(kind);
      const optional = !required.includes(name) || JSON.stringify(properties[name]).includes('"null"');
      const inside = isRecord(type);
      assert.equal(isNullable(type), optional && !inside, `${kind} ${name}`);
      assert.equal(fallback, isNullable(type) ? null : undefined, `${kind} ${name}`);
    }
});

test('no object of an output takes a member that is not listed, but for metadata, signals and headers', () => {
  const walk = (object: JsonObject, path: string): string[] => [
    ...('properties' in object && object.additionalProperties !== false ? [path] : []),
    ...Object.entries(object.properties ?? {}).flatMap(([name, member]) => walk(member, `${path}.${name}`)),
  ];
  assert.deepEqual(walk(jsonOf('record'), ''), []);
  assert.deepEqual(walk(jsonOf('dead-letter'), ''), []);
});

// A member that is added to one of these types, or taken away, does not compile here.
const head = {
  id: 0,
  url: 0,
  text: 0,
  timestamp: 0,
  source: 0,
  license: 0,
  metadataJson: 0,
} satisfies Record<keyof DocumentHead, 0>;
const decision = {
  outcome: 0,
  topic: 0,
  reason: 0,
  value: 0,
  limit: 0,
  failed: 0,
  policy: 0,
  probability: 0,
  draw: 0,
} satisfies Record<Exclude<keyof Decision, 'control'> | 'policy', 0>;
const position = { topic: 0, partition: 0, offset: 0 } satisfies Record<keyof SourcePosition, 0>;
const problem = { stage: 0, operator: 0, code: 0, message: 0 } satisfies Record<keyof Problem, 0>;

const inside = (name: string, members: object) => [name, ...Object.keys(members).map((member) => `${name}.${member}`)];

test('a record has the members of the model', () => {
  const document = Object.keys(head).map((name) => (name === 'metadataJson' ? 'metadata' : name));
  assert.deepEqual(avroMembers(avroOf('record')), [
    ...document,
    'signals',
    ...inside('decision', decision),
    ...inside('position', position),
  ]);
});

test('records and dead letters have the columns of the Parquet export', () => {
  const columns = (list: typeof recordColumns) => list.map(({ name }) => name).toSorted();
  const leaves = (members: readonly string[]) =>
    members.filter((name) => !members.some((other) => other.startsWith(`${name}.`))).toSorted();
  const withoutPosition = (members: readonly string[]) => members.filter((name) => !name.startsWith('position.'));
  assert.deepEqual(leaves(withoutPosition(avroMembers(avroOf('record')))), columns(recordColumns));
  assert.deepEqual(leaves(withoutPosition(avroMembers(avroOf('dead-letter')))), columns(deadLetterColumns));
  assert.deepEqual(
    avroMembers(avroOf('dead-letter')).filter((name) => name.startsWith('error')),
    inside('error', problem),
  );
});
