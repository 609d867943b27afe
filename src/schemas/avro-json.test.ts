import assert from 'node:assert/strict';
import { test } from 'node:test';
import sr from '@confluentinc/schemaregistry';
import avsc from 'avsc';
import { avroToJson } from './avro-json.ts';
import { avroTypes } from './avro-types.ts';

const client = sr.SchemaRegistryClient.newClient({ baseURLs: ['mock://avro-json'] });
const types = avroTypes(client, sr, avsc);

/** Written by avsc with its own settings, read by ours. */
async function jsonOf(schema: object, value: unknown): Promise<string> {
  const bytes = avsc.Type.forSchema(schema as avsc.Schema).toBuffer(value);
  const type = await types.reading({ schemaType: 'AVRO', schema: JSON.stringify(schema) });
  return avroToJson(type)(type.fromBuffer(bytes));
}

const record = (...fields: object[]) => ({ type: 'record', name: 'R', fields });
const field = (type: unknown) => record({ name: 'v', type });

test('each Avro type has its JSON', async () => {
  const cases: [type: unknown, value: unknown, json: string][] = [
    ['boolean', true, 'true'],
    ['int', -5, '-5'],
    ['double', 0.1, '0.1'],
    ['double', Number.POSITIVE_INFINITY, 'null'],
    ['string', 'a"\n\u2028', '"a\\"\\n\u2028"'],
    ['bytes', Buffer.from('grün'), '"grün"'],
    ['bytes', Buffer.from([0xff, 0x00]), '"/wA="'],
    [{ type: 'fixed', name: 'F', size: 2 }, Buffer.from('ab'), '"ab"'],
    [{ type: 'enum', name: 'E', symbols: ['A', 'B'] }, 'B', '"B"'],
    [{ type: 'array', items: 'int' }, [1, 2], '[1,2]'],
    [{ type: 'array', items: 'int' }, [], '[]'],
    [{ type: 'map', values: 'string' }, { 'a b': 'c' }, '{"a b":"c"}'],
    [field(['null', 'int']), { v: 3 }, '{"v":3}'],
    [{ type: 'int', logicalType: 'date' }, 19_675, '"2023-11-14"'],
    [{ type: 'long', logicalType: 'timestamp-millis' }, 1_700_000_000_123, '"2023-11-14T22:13:20.123Z"'],
    [{ type: 'long', logicalType: 'timestamp-micros' }, 1_700_000_000_123_045, '"2023-11-14T22:13:20.123045Z"'],
    [{ type: 'long', logicalType: 'timestamp-micros' }, -1, '"1969-12-31T23:59:59.999999Z"'],
    [{ type: 'string', logicalType: 'json' }, '{"n":9007199254740993}', '{"n":9007199254740993}'],
    [{ type: 'string', logicalType: 'uuid' }, 'u', '"u"'],
  ];
  for (const [type, value, json] of cases)
    assert.equal(
      await jsonOf(record({ name: 'v', type: renamed(type) }), { v: value }),
      `{"v":${json}}`,
      JSON.stringify(type),
    );
});

const renamed = (type: unknown): unknown =>
  typeof type === 'object' && type !== null && 'name' in type && type.name === 'R' ? { ...type, name: 'Inner' } : type;

test('integers above 2^53 are exact', async () => {
  const type = avsc.Type.forSchema(field('long') as avsc.Schema, { typeHook: bigHook });
  const read = await types.reading({ schemaType: 'AVRO', schema: JSON.stringify(field('long')) });
  for (const value of [2n ** 63n - 1n, -(2n ** 63n), 9_007_199_254_740_993n])
    assert.equal(avroToJson(read)(read.fromBuffer(type.toBuffer({ v: value }))), `{"v":${value}}`);
});

/** The oracle writes the same zigzag varint from its definition (Avro specification, "Binary encoding"). */
// oxlint-disable-next-line no-underscore-dangle -- the name that avsc documents
const zigzag = avsc.types.LongType.__with(
  {
    fromBuffer: () => assert.fail('not read'),
    toBuffer: (value: bigint) => {
      let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
      const bytes: number[] = [];
      for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
      return Buffer.from([...bytes, Number(rest)]);
    },
    fromJSON: BigInt,
    toJSON: Number,
    isValid: (value: unknown) => typeof value === 'bigint',
    compare: () => 0,
  },
  true,
);
const bigHook = ((schema: unknown) => (schema === 'long' ? zigzag : undefined)) as (schema: avsc.Schema) => avsc.Type;

test('a union that JavaScript cannot tell apart keeps its branch', async () => {
  const one = (name: string, field: string) => ({ type: 'record', name, fields: [{ name: field, type: 'int' }] });
  const schema = field(['null', 'int', 'double', one('A', 'x'), one('B', 'y')]);
  assert.equal(await jsonOf(schema, { v: { int: 7 } }), '{"v":7}');
  assert.equal(await jsonOf(schema, { v: { B: { y: 1 } } }), '{"v":{"y":1}}');
  assert.equal(await jsonOf(schema, { v: null }), '{}');
});

test('null is left out of the record, and kept further in', async () => {
  const inner = { type: 'record', name: 'In', fields: [{ name: 'x', type: ['null', 'int'] }] };
  const schema = record({ name: 'a', type: ['null', 'int'] }, { name: 'b', type: inner });
  assert.equal(await jsonOf(schema, { a: null, b: { x: null } }), '{"b":{"x":null}}');
});

test('a type that contains itself', async () => {
  const schema = record({ name: 'n', type: 'int' }, { name: 'next', type: ['null', 'R'] });
  assert.equal(await jsonOf(schema, { n: 1, next: { n: 2, next: null } }), '{"n":1,"next":{"n":2,"next":null}}');
});

test('text that claims to be JSON and is none is refused', async () => {
  await assert.rejects(
    jsonOf(field({ type: 'string', logicalType: 'json' }), { v: '{"a":1},"text":"injected"' }),
    SyntaxError,
  );
});
