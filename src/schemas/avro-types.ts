/** Avro types as the registry's own serializers make them (references between schemas followed), with exact long integers. */
import type { AvroDeserializer, Client, SchemaInfo } from '@confluentinc/schemaregistry';
import type avsc from 'avsc';

export interface AvroTypes {
  /** For reading: every union value names its branch. */
  reading(schema: SchemaInfo): Promise<avsc.Type>;
  /** For writing: plain values. */
  writing(schema: SchemaInfo): Promise<avsc.Type>;
}

/** Logical types that reading turns into what a raw record's JSON has; all others are read as what they stand on. */
const LOGICAL = [
  'json',
  'date',
  'timestamp-millis',
  'timestamp-micros',
  'local-timestamp-millis',
  'local-timestamp-micros',
];

export function avroTypes(
  client: Client,
  { AvroDeserializer: Deserializer, SerdeType }: typeof import('@confluentinc/schemaregistry'),
  avro: typeof avsc,
): AvroTypes {
  const long = exactLong(avro);
  const isLong = (schema: unknown): boolean =>
    schema === 'long' ||
    (typeof schema === 'object' && schema !== null && 'type' in schema && schema.type === 'long' && !isKept(schema));
  const isKept = (schema: object): boolean => 'logicalType' in schema && LOGICAL.includes(String(schema.logicalType));
  const typeHook = (schema: unknown) => (isLong(schema) ? long : undefined);
  // avsc declares the hook as always giving a type; by its documentation it may give none.
  const hook = typeHook as (schema: avsc.Schema) => avsc.Type;
  const logicalTypes = Object.fromEntries(LOGICAL.map((name) => [name, keptType(avro)]));

  const type = async (from: AvroDeserializer, schema: SchemaInfo) => (await from.toType(schema))[0];
  const reader = new Deserializer(client, SerdeType.VALUE, { typeHook: hook, logicalTypes, wrapUnions: true });
  const writer = new Deserializer(client, SerdeType.VALUE, { typeHook: hook });
  return { reading: (schema) => type(reader, schema), writing: (schema) => type(writer, schema) };
}

/** avsc refuses integers above 2^53 unless it is told how to hold them. */
function exactLong(avro: typeof avsc): avsc.Type {
  // oxlint-disable-next-line no-underscore-dangle -- the name that avsc documents
  return avro.types.LongType.__with({
    fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
    toBuffer: (value: bigint) => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64LE(value);
      return bytes;
    },
    fromJSON: BigInt,
    toJSON: Number,
    isValid: (value: unknown) => typeof value === 'bigint' && BigInt.asIntN(64, value) === value,
    compare: (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0),
  });
}

/** The value stays what it is; only its logical type is remembered. */
function keptType(avro: typeof avsc) {
  return class Kept extends avro.types.LogicalType {
    protected override _fromValue(value: unknown): unknown {
      return value;
    }
    protected override _toValue(value: unknown): unknown {
      return value;
    }
  };
}
