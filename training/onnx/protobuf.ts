/** A protobuf message being written: its bytes in pieces, so that a tensor of many megabytes is copied once, at the end. */
export interface Message {
  readonly length: number;
  readonly parts: readonly Uint8Array[];
}

const VARINT = 0;
const LENGTH = 2;
const FIXED32 = 5;

/** An integer field: 64-bit two's complement, as protobuf writes a negative int64. */
export function integer(field: number, value: number | bigint): Message {
  return join([tag(field, VARINT), varint(BigInt.asUintN(64, BigInt(value)))]);
}

/** A float field: IEEE 754 single, little-endian. */
export function float(field: number, value: number): Message {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return join([tag(field, FIXED32), piece(bytes)]);
}

export function string(field: number, value: string): Message {
  return bytes(field, new TextEncoder().encode(value));
}

export function bytes(field: number, value: Uint8Array): Message {
  return message(field, [piece(value)]);
}

/** A field that is itself a message of these fields. */
export function message(field: number, fields: readonly Message[]): Message {
  const body = join(fields);
  return join([tag(field, LENGTH), varint(BigInt(body.length)), body]);
}

export function join(messages: readonly Message[]): Message {
  return {
    length: messages.reduce((sum, one) => sum + one.length, 0),
    parts: messages.flatMap((one) => one.parts),
  };
}

export function toBytes({ length, parts }: Message): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function tag(field: number, wireType: number): Message {
  return varint(BigInt(field * 8 + wireType));
}

function varint(value: bigint): Message {
  const out: number[] = [];
  let rest = value;
  for (; rest >= 0x80n; rest >>= 7n) out.push(Number(rest & 0x7fn) | 0x80);
  out.push(Number(rest));
  return piece(Uint8Array.from(out));
}

function piece(value: Uint8Array): Message {
  return { length: value.length, parts: [value] };
}
