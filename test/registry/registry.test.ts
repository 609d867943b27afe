/** Schemas through a real registry: what Riffle writes is read by Confluent's own deserializers, and the other way round. */
import assert from 'node:assert/strict';
import { after, before, suite, test, type TestContext } from 'node:test';
import sr from '@confluentinc/schemaregistry';
import { type RunningRegistry, startRegistry } from '../../scripts/registry/registry.ts';
import { ConfigError, RecordError, TransientError } from '../../src/errors.ts';
import { decodeRecord } from '../../src/operators/decode/decode.ts';
import type { OutputKind } from '../../src/schemas/avro-record.ts';
import { schemaOf } from '../../src/schemas/subjects.ts';
import { skip } from '../../src/testing/shared.ts';
import { deadLetter, lineOf, record } from './outputs.ts';
import { doorTo, through } from './door.ts';
import { consume, freshClient, openAt, produce, registerAs } from './producer.ts';

const outputs: readonly (readonly [OutputKind, object])[] = [
  ['record', record],
  ['dead-letter', deadLetter],
];

function refusal(Class: typeof RecordError | typeof ConfigError | typeof TransientError, code: string, words: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof Class, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, words);
    return true;
  };
}

suite('a real registry', () => {
  let registry: RunningRegistry | undefined;
  let missing = '';
  before(async () => {
    registry = await startRegistry().catch((error: Error) => {
      missing = error.message;
      return undefined;
    });
  });
  after(() => registry?.stop());

  /** The registry's address; undefined, and the test skipped, where Java or Maven are missing. In CI that is a failure. */
  function address(t: TestContext): string | undefined {
    if (registry === undefined) skip(t, missing);
    return registry?.url;
  }

  for (const format of ['avro', 'json'] as const)
    for (const [kind, value] of outputs)
      test(`${format}: a ${kind} is registered, written, and read by a client that knows nothing`, async (t) => {
        const url = address(t);
        if (url === undefined) return;
        const topic = `write-${format}.${kind}`;
        const codec = await openAt(url, { format, subjects: new Map([[topic, kind]]) });
        const message = codec.encode(topic, lineOf(value));
        const read = JSON.parse(JSON.stringify(await consume(url, topic, format, message))) as Record<string, unknown>;
        assert.deepEqual(read, format === 'json' ? value : asInAvro(value));

        const client = freshClient(url);
        assert.deepEqual(await client.getAllVersions(`${topic}-value`), [1]);
        assert.equal(await client.getCompatibility(`${topic}-value`), 'BACKWARD');
        // Another process: nothing is registered anew.
        await openAt(url, { format, subjects: new Map([[topic, kind]]), autoRegister: false });
        assert.deepEqual(await client.getAllVersions(`${topic}-value`), [1]);
      });

  test('raw records in Avro and in JSON Schema become the same document as plain JSON', async (t) => {
    const url = address(t);
    if (url === undefined) return;
    const metadata = '{"n":9007199254740993}';
    const avro = { ...blank, id: 'a', text: 'ein Text', url: 'https://a.example/', metadata };
    const json = { id: 'a', url: 'https://a.example/', text: 'ein Text', metadata: { n: 1 } };
    const fromAvro = await produce(url, 'raw-avro', 'AVRO', JSON.parse(schemaOf('raw', 'avro').schema) as object, avro);
    const fromJson = await produce(url, 'raw-json', 'JSON', JSON.parse(schemaOf('raw', 'json').schema) as object, json);
    const codec = await openAt(url);
    const documentOf = async (message: Uint8Array) => {
      const bytes = await codec.decodeRaw(message);
      const { splice, ...document } = decodeRecord({ kind: 'json', bytes, offset: 0n, next: 1n }) as {
        splice?: object;
      };
      assert.ok(splice, 'its own bytes travel on');
      return { ...document, json: Buffer.from(bytes).toString() };
    };
    const document = { id: 'a', text: 'ein Text', url: 'https://a.example/' };
    const plain = (text: string) => `{"id":"a","url":"https://a.example/","text":"ein Text","metadata":${text}}`;
    assert.deepEqual(await documentOf(fromAvro.message), { ...document, json: plain(metadata) });
    assert.deepEqual(await documentOf(fromJson.message), { ...document, json: JSON.stringify(json) });
  });

  test('records written before and after a schema grew are both read', async (t) => {
    const url = address(t);
    if (url === undefined) return;
    const one = { type: 'record', name: 'Page', fields: [{ name: 'text', type: 'string' }] };
    const two = { ...one, fields: [...one.fields, { name: 'lang', type: ['null', 'string'], default: null }] };
    const before = await produce(url, 'evolved', 'AVRO', one, { text: 'old' });
    const codec = await openAt(url);
    const text = async (message: Uint8Array) => Buffer.from(await codec.decodeRaw(message)).toString();
    assert.equal(await text(before.message), '{"text":"old"}');
    const after = await produce(url, 'evolved', 'AVRO', two, { text: 'new', lang: 'en' });
    assert.notEqual(after.id, before.id);
    assert.equal(await text(after.message), '{"text":"new","lang":"en"}');
    assert.equal(await text(before.message), '{"text":"old"}');
  });

  test('an output schema may grow by a member with a default, and its old records are still read', async (t) => {
    const url = address(t);
    if (url === undefined) return;
    for (const format of ['avro', 'json'] as const) {
      const topic = `grown-${format}.rejected`;
      const codec = await openAt(url, { format, subjects: new Map([[topic, 'record']]) });
      const message = codec.encode(topic, lineOf(record));
      const client = freshClient(url);
      await registerAs(client, `${topic}-value`, grown(format));
      assert.deepEqual(await client.getAllVersions(`${topic}-value`), [1, 2]);
      await assert.rejects(registerAs(client, `${topic}-value`, demanding(format)), { status: 409 });
      const read = (await consume(url, topic, format, message)) as { id: string };
      assert.equal(read.id, record.id);
    }
  });

  test('BACKWARD allows and refuses what docs/reference/schemas.md says', async (t) => {
    const url = address(t);
    if (url === undefined) return;
    const client = freshClient(url);
    for (const format of ['avro', 'json'] as const) {
      const topic = `rules-${format}.rejected`;
      await openAt(url, { format, subjects: new Map([[topic, 'record']]) });
      for (const { what, schema, allowed } of changes(format))
        assert.equal(await client.testSubjectCompatibility(`${topic}-value`, schema), allowed, `${format}: ${what}`);
    }
  });

  test('a subject that holds something else ends the start, and says what differs', async (t) => {
    const url = address(t);
    if (url === undefined) return;
    const client = freshClient(url);
    const other = { type: 'record', name: 'Record', namespace: 'riffle', fields: [{ name: 'name', type: 'string' }] };
    await registerAs(client, 'taken-value', { schemaType: 'AVRO', schema: JSON.stringify(other) });
    await client.updateCompatibility('taken-value', sr.Compatibility.BACKWARD);
    const taken = { subjects: new Map([['taken', 'record' as const]]) };
    await assert.rejects(
      openAt(url, taken),
      refusal(
        ConfigError,
        'schema-incompatible',
        /^subject taken-value; .*only in the registry: name; only here: id, /,
      ),
    );
    await assert.rejects(
      openAt(url, { ...taken, format: 'json' }),
      refusal(ConfigError, 'schema-incompatible', /^subject taken-value; .*it is AVRO, not JSON/),
    );
    await assert.rejects(
      openAt(url, { ...taken, autoRegister: false }),
      refusal(ConfigError, 'schema-missing', /^subject taken-value at .*it has another schema/),
    );
    await assert.rejects(
      openAt(url, { subjects: new Map([['absent', 'record']]), autoRegister: false }),
      refusal(ConfigError, 'schema-missing', /^subject absent-value at .*it is not there/),
    );
  });

  test('magic byte, id and fit: a dead letter that names the schema', async (t) => {
    const url = address(t);
    if (url === undefined) return;
    const codec = await openAt(url);
    const { id, message } = await produce(url, 'fit', 'JSON', demandsText, { text: 'x' });
    await assert.rejects(codec.decodeRaw(Buffer.from('{"text":"x"}')), refusal(RecordError, 'schema.badMagic', /0x7b/));
    const foreign = Buffer.from(message);
    foreign.writeInt32BE(123_456, 1);
    await assert.rejects(codec.decodeRaw(foreign), refusal(RecordError, 'schema.unknownId', /schema 123456;/));
    const wrong = Buffer.concat([message.subarray(0, 5), Buffer.from('{}')]);
    await assert.rejects(
      codec.decodeRaw(wrong),
      refusal(RecordError, 'schema.mismatch', new RegExp(`schema ${id};.*required property 'text'`)),
    );
  });

  test('a registry that is down stops nothing that is known, and is asked again', async (t) => {
    const direct = address(t);
    if (direct === undefined) return;
    const door = await doorTo(registry!.port);
    t.after(() => door.close());
    const url = through(door, direct);
    const schema = { type: 'record', name: 'P', fields: [{ name: 'text', type: 'string' }] };
    const known = await produce(url, 'known', 'AVRO', schema, { text: 'known' });
    const later = await produce(url, 'later', 'AVRO', { ...schema, name: 'Q' }, { text: 'later' });
    const codec = await openAt(url);
    const text = async (message: Uint8Array) => Buffer.from(await codec.decodeRaw(message)).toString();
    assert.equal(await text(known.message), '{"text":"known"}');

    await door.close();
    const away = refusal(
      TransientError,
      'registry-unavailable',
      /no answer \(ECONN(REFUSED|RESET)\).*goes on by itself/,
    );
    assert.equal(await text(known.message), '{"text":"known"}');
    for (let attempt = 0; attempt < 3; attempt++) await assert.rejects(text(later.message), away);
    await assert.rejects(openAt(url, { subjects: new Map([['out', 'record']]) }), away);

    await door.open();
    assert.equal(await text(later.message), '{"text":"later"}');
  });
});

const demandsText = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  type: 'object',
  properties: { text: { type: 'string' } },
  required: ['text'],
};

const blank = {
  id: null,
  url: null,
  text: null,
  html: null,
  timestamp: null,
  source: null,
  license: null,
  metadata: null,
};

/** An output as Avro has it: nothing is absent, offsets are numbers, what is open-ended is text. */
function asInAvro(value: object): object {
  const { position, ...rest } = value as typeof record;
  const inAvro = { ...rest, position: { ...position, offset: Number(position.offset) } };
  if ('error' in value) return inAvro;
  const { metadata, signals } = rest;
  const texts = { metadata: JSON.stringify(metadata), signals: JSON.stringify(signals) };
  return { timestamp: null, source: null, license: null, ...inAvro, ...texts };
}

type Format = 'avro' | 'json';
interface Members {
  fields?: object[];
  properties?: Record<string, object>;
  required?: string[];
}

/** The schema of records with one member more: that old records need not have, or that they must. */
function changed(format: Format, change: (schema: Members) => void) {
  const { schemaType, schema } = schemaOf('record', format);
  const parsed = JSON.parse(schema) as Members;
  change(parsed);
  return { schemaType: schemaType!, schema: JSON.stringify(parsed) };
}

/** The rules for both formats, one change each. */
function changes(format: Format) {
  const edit = (change: (schema: Members) => void) => changed(format, change);
  const field = (schema: Members, name: string) =>
    schema.fields?.find((one) => (one as { name: string }).name === name);
  const rename = (schema: Members) => {
    Object.assign(field(schema, 'id') ?? {}, { name: 'key' });
    if (schema.properties) {
      const { id, ...others } = schema.properties;
      schema.properties = { ...others, key: id! };
      schema.required = schema.required!.map((name) => (name === 'id' ? 'key' : name));
    }
  };
  const remove = (schema: Members) => {
    schema.fields = schema.fields?.filter((one) => (one as { name: string }).name !== 'license') as object[];
    delete schema.properties?.license;
  };
  const retype = (type: unknown, json: object) => (schema: Members) => {
    Object.assign(field(schema, 'text') ?? {}, { type });
    if (schema.properties) schema.properties.text = json;
  };
  return [
    { what: 'a member with a default', schema: grown(format), allowed: true },
    { what: 'a member that must be there', schema: demanding(format), allowed: false },
    { what: 'a renamed member', schema: edit(rename), allowed: false },
    { what: 'a member left out', schema: edit(remove), allowed: format === 'avro' },
    { what: 'another type', schema: edit(retype('int', { type: 'integer' })), allowed: false },
    {
      what: 'one more type',
      schema: edit(retype(['string', 'null'], { type: ['string', 'null'] })),
      allowed: true,
    },
  ];
}

const grown = (format: Format) =>
  changed(format, (schema) => {
    schema.fields?.push({ name: 'cluster', type: ['null', 'int'], default: null });
    if (schema.properties) schema.properties.cluster = { type: 'integer' };
  });

const demanding = (format: Format) =>
  changed(format, (schema) => {
    schema.fields?.push({ name: 'must', type: 'int' });
    if (schema.properties) schema.properties.must = { type: 'integer' };
    schema.required?.push('must');
  });
