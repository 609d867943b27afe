import assert from 'node:assert/strict';
import { test } from 'node:test';
import sr, { type Client, type SchemaInfo } from '@confluentinc/schemaregistry';
import avsc from 'avsc';
import { RecordError, TransientError } from '../errors.ts';
import { avroTypes } from './avro-types.ts';
import { createDecoder } from './readers.ts';

const avro: SchemaInfo = {
  schemaType: 'AVRO',
  schema: JSON.stringify({ type: 'record', name: 'R', fields: [{ name: 'text', type: 'string' }] }),
};
const json: SchemaInfo = {
  schemaType: 'JSON',
  schema: JSON.stringify({
    type: 'object',
    properties: { text: { type: 'string', format: 'no-such-format' } },
    required: ['text'],
  }),
};

/** A registry of which a test says what it answers; times are its own. */
function scripted(answer: (id: number) => SchemaInfo | Error) {
  const asked: number[] = [];
  const clock = { ms: 0 };
  const real = sr.SchemaRegistryClient.newClient({ baseURLs: ['mock://readers'] });
  const client: Client = Object.create(real, {
    getBySubjectAndId: {
      value: async (_subject: string, id: number) => {
        asked.push(id);
        const given = answer(id);
        if (given instanceof Error) throw given;
        return given;
      },
    },
  });
  const decode = createDecoder({
    url: 'http://registry.example',
    client,
    avro: avroTypes(client, sr, avsc),
    json: new sr.JsonDeserializer(client, sr.SerdeType.VALUE, {
      validate: true,
      strict: false,
      validateFormats: false,
      logger: false,
    }),
    now: () => clock.ms,
    unknownForMs: 1000,
  });
  return { asked, clock, decode: async (message: Buffer) => Buffer.from(await decode(message)).toString() };
}

const message = (id: number, value: Buffer): Buffer => {
  const prefix = Buffer.alloc(5);
  prefix.writeInt32BE(id, 1);
  return Buffer.concat([prefix, value]);
};
const text = (value: string) => Buffer.concat([Buffer.from([value.length * 2]), Buffer.from(value)]);
const rest = (status: number) => new sr.RestError('no', status, status * 100);
const refused =
  (Class: typeof RecordError | typeof TransientError, code: string, words: RegExp) => (error: unknown) => {
    assert.ok(error instanceof Class, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, words);
    return true;
  };

test('a schema is asked for once, by however many messages at once', async () => {
  const { decode, asked } = scripted(() => avro);
  const all = await Promise.all(['a', 'b', 'c'].map((value) => decode(message(7, text(value)))));
  assert.deepEqual(all, ['{"text":"a"}', '{"text":"b"}', '{"text":"c"}']);
  assert.deepEqual(asked, [7]);
});

test('JSON comes out as it was sent, byte for byte', async () => {
  const { decode } = scripted(() => json);
  const sent = '{ "text":"x", "big":9007199254740993, "text2":"\\u00e9" }';
  assert.equal(await decode(message(1, Buffer.from(sent))), sent);
});

test('a message without the prefix is refused and nobody is asked', async () => {
  const { decode, asked } = scripted(() => avro);
  for (const bytes of [
    Buffer.from('{"text":"x"}'),
    Buffer.from([1, 0, 0, 0, 1, 2]),
    Buffer.from([0, 0, 0]),
    Buffer.alloc(0),
  ])
    await assert.rejects(decode(bytes), refused(RecordError, 'schema.badMagic', /^message; /));
  assert.deepEqual(asked, []);
});

test('a schema that is not there is asked for again after a while', async () => {
  let there = false;
  const { decode, asked, clock } = scripted(() => (there ? avro : rest(404)));
  const one = message(9, text('a'));
  await assert.rejects(decode(one), refused(RecordError, 'schema.unknownId', /schema 9;/));
  there = true;
  clock.ms = 999;
  await assert.rejects(decode(one), refused(RecordError, 'schema.unknownId', /schema 9;/));
  assert.deepEqual(asked, [9]);
  clock.ms = 1000;
  assert.equal(await decode(one), '{"text":"a"}');
  assert.deepEqual(asked, [9, 9]);
});

test('a registry that cannot be asked is no fault of the record', async () => {
  const network = Object.assign(new Error('connect'), { isAxiosError: true, code: 'ECONNREFUSED' });
  for (const error of [network, rest(500), rest(503), rest(429), rest(408), rest(401), rest(403)]) {
    let down = true;
    const { decode } = scripted(() => (down ? error : avro));
    const one = message(3, text('a'));
    await assert.rejects(decode(one), refused(TransientError, 'registry-unavailable', /registry\.example/));
    down = false;
    assert.equal(await decode(one), '{"text":"a"}');
  }
});

test('credentials of the request are not in the error', async () => {
  const network = Object.assign(new Error('connect'), {
    isAxiosError: true,
    code: 'ECONNREFUSED',
    config: { headers: { Authorization: 'Basic c2VjcmV0' } },
  });
  const { decode } = scripted(() => network);
  await assert.rejects(decode(message(3, text('a'))), (error: Error) => {
    assert.equal(error.cause, undefined);
    assert.doesNotMatch(JSON.stringify(error) + error.stack, /c2VjcmV0/);
    return true;
  });
});

test('a value that does not fit its schema says which', async () => {
  const reading = scripted(() => avro).decode;
  const whole = message(4, text('abc'));
  for (const bytes of [whole.subarray(0, -1), Buffer.concat([whole, Buffer.from([0])]), message(4, Buffer.alloc(0))])
    await assert.rejects(reading(bytes), refused(RecordError, 'schema.mismatch', /schema 4; the value does not fit/));
  const checking = scripted(() => json).decode;
  for (const sent of ['{"text":1}', '{"no":1}', '[]', 'no json'])
    await assert.rejects(
      checking(message(5, Buffer.from(sent))),
      refused(RecordError, 'schema.mismatch', /schema 5; the value/),
    );
});

test('a schema that nothing can be read by', async () => {
  for (const schema of [
    { schemaType: 'PROTOBUF', schema: 'syntax = "proto3";' },
    { schemaType: 'AVRO', schema: '{"type":"nonsense"}' },
    { schemaType: 'JSON', schema: '{"type":17}' },
  ])
    await assert.rejects(
      scripted(() => schema).decode(message(6, Buffer.from('{}'))),
      refused(RecordError, 'schema.mismatch', /schema 6; it cannot be read by/),
    );
});
