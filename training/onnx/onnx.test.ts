/// <reference lib="esnext.float16" />
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32, deflateRawSync } from 'node:zlib';
import { ConfigError } from '../../src/errors.ts';
import { createGraph } from './graph.ts';
import { writeModel } from './model.ts';
import { bytes, float, integer, message, string, toBytes } from './protobuf.ts';
import { readSafetensors } from './safetensors.ts';
import { openZip } from './zip.ts';

const hex = (value: Uint8Array): string => Buffer.from(value).toString('hex');

test('fields as in the examples of the protobuf encoding guide', () => {
  assert.equal(hex(toBytes(integer(1, 150))), '089601');
  assert.equal(hex(toBytes(string(2, 'testing'))), '120774657374696e67');
  assert.equal(hex(toBytes(message(3, [integer(1, 150)]))), '1a03089601');
  assert.equal(hex(toBytes(integer(1, -2))), '08feffffffffffffffff01');
  assert.equal(hex(toBytes(float(5, 1))), '2d0000803f');
  assert.equal(hex(toBytes(bytes(16, Uint8Array.of(7)))), '82010107');
});

test('a model of one operator, byte for byte by onnx.proto', () => {
  const model = writeModel({
    inputs: [{ name: 'x', type: 'int32', dims: ['n', 2] }],
    outputs: [{ name: 'y', type: 'float32', dims: [] }],
    nodes: [{ op: 'Cast', inputs: ['x'], outputs: ['y'], attributes: { to: { int: 1 } } }],
    initializers: { c: { dims: [1, 2], data: Int8Array.of(-1, 5) } },
  });
  const node = '0a 01 78 12 01 79 1a 06 302e43617374 22 04 43617374 2a 09 0a 02 746f 18 01 a001 02';
  const initializer = '08 01 08 02 10 03 42 01 63 4a 02 ff05';
  const input = '0a 01 78 12 0f 0a 0d 08 06 12 09 0a 03 12 01 6e 0a 02 08 02';
  const output = '0a 01 79 12 06 0a 04 08 01 12 00';
  const bare = (text: string): string => text.replaceAll(' ', '');
  const field = (tag: string, body: string): string =>
    tag + (bare(body).length / 2).toString(16).padStart(2, '0') + bare(body);
  const graph =
    field('0a', node) + '12056772617068' + field('2a', initializer) + field('5a', input) + field('62', output);
  assert.equal(hex(model), '08081206726966666c65' + field('3a', graph) + field('42', '0a 00 10 11'));
});

test('a tensor whose dimensions are not its numbers, and a name given twice', () => {
  const graph = createGraph();
  graph.constant('w', new Float32Array(6), [2, 3]);
  assert.throws(() => graph.constant('w', new Float32Array(1)), /constant w; there already/);
  graph.constant('v', new Float16Array(5), [2, 3]);
  assert.throws(() => graph.write({ inputs: [], outputs: [] }), /tensor v; 5 numbers for dimensions 2 × 3; give 6/);
});

function safetensors(header: unknown, ...data: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return new Uint8Array(Buffer.concat([length, json, ...data]));
}

test('weights of 32 and 16 bits; whole numbers are left out', () => {
  const file = safetensors(
    {
      __metadata__: { format: 'pt' },
      a: { dtype: 'F32', shape: [1, 2], data_offsets: [0, 8] },
      b: { dtype: 'F16', shape: [2], data_offsets: [8, 12] },
      c: { dtype: 'I64', shape: [1], data_offsets: [12, 20] },
    },
    // 1.5, −2 in binary32; 0.5, 65504 in binary16 (IEEE 754).
    Buffer.from('0000c03f000000c00038ff7b0000000000000000', 'hex'),
  );
  const weights = readSafetensors(file, 'w');
  assert.deepEqual([...weights.keys()], ['a', 'b']);
  assert.deepEqual(weights.get('a'), { dims: [1, 2], data: Float32Array.of(1.5, -2) });
  assert.deepEqual(weights.get('b')?.data, Float32Array.of(0.5, 65504));
});

test('weights that are not whole are refused with the reason', () => {
  const entry = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };
  const cases: [Uint8Array<ArrayBuffer>, RegExp][] = [
    [new Uint8Array(4), /4 bytes are too few/],
    [Uint8Array.of(255, 0, 0, 0, 0, 0, 0, 0, 123), /header is longer than the file/],
    [safetensors('{"a":'), /not JSON/],
    [safetensors({ a: null }), /the header says of a not what it should/],
    [safetensors({ a: entry }, new Uint8Array(4)), /a is not 2 numbers of F32 inside the file/],
    [safetensors({ a: { ...entry, shape: [3] } }, new Uint8Array(12)), /a is not 3 numbers/],
  ];
  for (const [file, message] of cases) {
    assert.throws(
      () => readSafetensors(file, 'w'),
      (error) => error instanceof ConfigError && message.test(error.message),
    );
  }
});

/** An archive of one file, as the format's description says. */
function zip(name: string, content: Buffer, method: 0 | 8): Buffer {
  const packed = method === 8 ? deflateRawSync(content) : content;
  const common = Buffer.alloc(20);
  common.writeUInt16LE(method, 2);
  common.writeUInt32LE(crc32(content), 8);
  common.writeUInt32LE(packed.length, 12);
  common.writeUInt32LE(content.length, 16);
  const nameLength = Buffer.from([name.length, 0]);
  const local = Buffer.concat([
    Buffer.from('PK\u0003\u0004\u0014\0'),
    common,
    nameLength,
    Buffer.from([3, 0]),
    Buffer.from(`${name}xyz`),
    packed,
  ]);
  const directory = Buffer.concat([
    Buffer.from('PK\u0001\u0002\u0014\0\u0014\0'),
    common,
    nameLength,
    Buffer.alloc(16),
    Buffer.from(name),
  ]);
  const end = Buffer.alloc(22);
  end.write('PK\u0005\u0006');
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(local.length, 16);
  return Buffer.concat([local, directory, end]);
}

test('a file out of a zip archive, stored and packed', () => {
  const content = Buffer.from('one two two two two');
  for (const method of [0, 8] as const) {
    const archive = openZip(zip('a/b.txt', content, method), 'z');
    assert.deepEqual(archive.names, ['a/b.txt']);
    assert.equal(Buffer.from(archive.read('a/b.txt')).toString(), content.toString());
    assert.throws(() => archive.read('c'), /has no file c/);
  }
});

test('an archive that is not whole', () => {
  const whole = zip('a', Buffer.from('text that is stored'), 0);
  assert.throws(() => openZip(whole.subarray(0, -23), 'z'), ConfigError);
  const changed = Buffer.from(whole);
  changed.writeUInt8(0x54, changed.indexOf('text'));
  assert.throws(() => openZip(changed, 'z').read('a'), /bytes are not whole/);
});
