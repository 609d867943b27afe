/// <reference lib="esnext.float16" />
import { z } from 'zod';
import { ConfigError } from '../../src/errors.ts';

/** One tensor of a weights file, as 32-bit floats, row-major. */
export interface Weights {
  readonly dims: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
}

const headerEntry = z.object({
  dtype: z.string(),
  shape: z.array(z.int().nonnegative()),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});

const LENGTH_BYTES = 8;
const MAX_HEADER_BYTES = 100_000_000;

/**
 * Reads a safetensors file (huggingface.co/docs/safetensors: length, JSON header, numbers): nothing in it can run. Tensors of F32 and F16; others, such as
 * a table of position numbers, are left out. Throws a ConfigError for a file that is not whole.
 */
export function readSafetensors(file: Uint8Array<ArrayBuffer>, origin: string): Map<string, Weights> {
  const broken = (what: string, cause?: unknown): ConfigError =>
    new ConfigError('weights-broken', `weights ${origin}; ${what}; fetch the file again`, { cause });
  if (file.length < LENGTH_BYTES) throw broken(`${file.length} bytes are too few`);
  const headerBytes = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  const base = LENGTH_BYTES + headerBytes;
  if (headerBytes > MAX_HEADER_BYTES || base > file.length) throw broken('the header is longer than the file');
  let header: object;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(file.subarray(LENGTH_BYTES, base)));
  } catch (cause) {
    throw broken('the header is not JSON', cause);
  }
  const weights = new Map<string, Weights>();
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const entry = headerEntry.safeParse(value).data;
    if (entry === undefined) throw broken(`the header says of ${name} not what it should`);
    const { dtype, shape } = entry;
    const read = readers[dtype];
    if (read === undefined) continue;
    const [from, to] = entry.data_offsets;
    const count = shape.reduce((product, dim) => product * dim, 1);
    if (base + to > file.length || to - from !== count * read.bytes)
      throw broken(`${name} is not ${shape.join(' × ')} numbers of ${dtype} inside the file`);
    // A copy of its own, because a view needs an address that its number type divides.
    weights.set(name, { dims: entry.shape, data: read.floats(file.slice(base + from, base + to).buffer) });
  }
  return weights;
}

const readers: Readonly<Record<string, { bytes: number; floats: (buffer: ArrayBuffer) => Float32Array<ArrayBuffer> }>> =
  {
    F32: { bytes: 4, floats: (buffer) => new Float32Array(buffer) },
    F16: { bytes: 2, floats: (buffer) => new Float32Array(new Float16Array(buffer)) },
  };
