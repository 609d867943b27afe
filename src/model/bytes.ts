/** Growing little-endian writer for block codecs: one buffer, reused, cut to size at the end. */
export interface ByteWriter {
  readonly length: number;
  u8(value: number): void;
  u32(value: number): void;
  f32(value: number): void;
  u64(value: bigint): void;
  raw(bytes: Uint8Array): void;
  /** UTF-8, returns the number of bytes written. */
  text(text: string): number;
  /** Overwrites a u32 written before. */
  patchU32(at: number, value: number): void;
  patchU64(at: number, value: bigint): void;
  /** A copy of what was written; the writer is empty afterwards. */
  take(): Uint8Array<ArrayBuffer>;
}

const encoder = new TextEncoder();

export function byteWriter(initialBytes = 1 << 16): ByteWriter {
  let buffer = new Uint8Array(initialBytes);
  let view = new DataView(buffer.buffer);
  let at = 0;

  function reserve(bytes: number): void {
    if (at + bytes <= buffer.length) return;
    let size = buffer.length * 2;
    while (size < at + bytes) size *= 2;
    const grown = new Uint8Array(size);
    grown.set(buffer.subarray(0, at));
    buffer = grown;
    view = new DataView(buffer.buffer);
  }

  return {
    get length() {
      return at;
    },
    u8(value) {
      reserve(1);
      buffer[at++] = value;
    },
    u32(value) {
      reserve(4);
      view.setUint32(at, value, true);
      at += 4;
    },
    f32(value) {
      reserve(4);
      view.setFloat32(at, value, true);
      at += 4;
    },
    u64(value) {
      reserve(8);
      view.setBigUint64(at, value, true);
      at += 8;
    },
    raw(bytes) {
      reserve(bytes.length);
      buffer.set(bytes, at);
      at += bytes.length;
    },
    text(text) {
      reserve(text.length * 3); // a UTF-16 unit takes at most three bytes of UTF-8
      const { written } = encoder.encodeInto(text, buffer.subarray(at));
      at += written;
      return written;
    },
    patchU32(position, value) {
      view.setUint32(position, value, true);
    },
    patchU64(position, value) {
      view.setBigUint64(position, value, true);
    },
    take() {
      const out = buffer.slice(0, at);
      at = 0;
      return out;
    },
  };
}

/** A view for reading numbers out of a block, wherever in its buffer the block lies. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
