import { deriveSeeds } from './hashing.ts';
import { growMemory, kernelInstance, kernelSection } from '../runtime/kernel.ts';
import type { FingerprintOptions } from './options.ts';
import { type Fingerprinter, type FingerprintResult, sketchLayout } from './sketch.ts';

interface FingerprintKernel {
  readonly memory: WebAssembly.Memory;
  readonly FINGERPRINT_BYTES: WebAssembly.Global;
  readonly FOLD: WebAssembly.Global;
  readonly FOLD_BYTES: WebAssembly.Global;
  readonly PIECE: WebAssembly.Global;
  readonly SKETCH: WebAssembly.Global;
  readonly TEXT: WebAssembly.Global;
  readonly configure: (
    seedToken: bigint,
    seedExact: bigint,
    seedRow: bigint,
    seedBand: bigint,
    shingleTokens: number,
    unsegmentedShingleTokens: number,
    bands: number,
    rowsPerBand: number,
    rows: number,
    minShingles: number,
    foldDigits: number,
  ) => void;
  readonly begin: () => void;
  readonly feedUtf8: (length: number, last: number) => void;
  readonly feedUtf16: (units: number, last: number) => void;
  readonly finish: () => number;
}

/**
 * Fingerprints by kernels/assembly/fingerprint.ts. Memory does not depend on the text: long ones go through in pieces of 64 KiB.
 * Nothing is allocated for a document of one piece.
 */
export function createKernelFingerprinter(options: FingerprintOptions): Fingerprinter {
  const layout = sketchLayout(options);
  const kernel = configured(options);
  const textAt = Number(kernel.TEXT.value);
  const pieceBytes = Number(kernel.PIECE.value);
  const { buffer } = kernel.memory;
  const piece = new Uint8Array(buffer, textAt, pieceBytes);
  const sketch = new Uint8Array(buffer, Number(kernel.SKETCH.value), layout.stride);
  const words = new Uint32Array(buffer, Number(kernel.SKETCH.value), layout.stride / 4);
  const units = Buffer.from(buffer, textAt, pieceBytes);

  // UTF-16 goes in by a mere copy: six times as fast as encodeInto when the text is not all ASCII.
  const feedString = (text: string) => {
    let done = 0;
    while (text.length - done > pieceBytes / 2) {
      const end = done + pieceBytes / 2;
      const whole = isHighSurrogate(text.charCodeAt(end - 1)) ? end - 1 : end;
      units.write(text.slice(done, whole), 'utf16le');
      kernel.feedUtf16(whole - done, 0);
      done = whole;
    }
    units.write(done === 0 ? text : text.slice(done), 'utf16le');
    kernel.feedUtf16(text.length - done, 1);
  };

  const feedBytes = (bytes: Uint8Array) => {
    let done = 0;
    while (bytes.length - done > pieceBytes) {
      const end = codePointStart(bytes, done + pieceBytes);
      piece.set(bytes.subarray(done, end));
      kernel.feedUtf8(end - done, 0);
      done = end;
    }
    piece.set(done === 0 ? bytes : bytes.subarray(done));
    kernel.feedUtf8(bytes.length - done, 1);
  };

  const result: FingerprintResult = { shingles: 0, exactLow: 0, exactHigh: 0 };
  const fingerprint = (text: string | Uint8Array, out: Uint8Array, at: number): FingerprintResult => {
    kernel.begin();
    if (typeof text === 'string') feedString(text);
    else feedBytes(text);
    result.shingles = kernel.finish();
    result.exactLow = words[layout.exactAt / 4]!;
    result.exactHigh = words[layout.exactAt / 4 + 1]!;
    out.set(sketch, at);
    return result;
  };
  return { stride: layout.stride, fingerprint };
}

function configured(options: FingerprintOptions): FingerprintKernel {
  const kernel = kernelInstance<FingerprintKernel>();
  growMemory(kernel.memory, Number(kernel.FINGERPRINT_BYTES.value));
  const foldAt = Number(kernel.FOLD.value);
  const table = new Uint8Array(kernel.memory.buffer, foldAt, Number(kernel.FOLD_BYTES.value));
  table.set(kernelSection('riffle.fold'));
  if (options.foldDigits) {
    const changes = new BigUint64Array(kernelSection('riffle.digits').buffer);
    const view = new DataView(kernel.memory.buffer, foldAt);
    for (let i = 0; i < changes.length; i += 2) view.setBigUint64(Number(changes[i]), changes[i + 1]!, true);
  }
  const seeds = deriveSeeds(options.seed);
  kernel.configure(
    BigInt.asIntN(64, seeds.token),
    BigInt.asIntN(64, seeds.exact),
    BigInt.asIntN(64, seeds.row),
    BigInt.asIntN(64, seeds.band),
    options.shingleTokens,
    options.unsegmentedShingleTokens,
    options.bands,
    options.rowsPerBand,
    options.verificationRows,
    options.minShingles,
    options.foldDigits ? 1 : 0,
  );
  return kernel;
}

/** The last place at or before `at` where no code point is cut; invalid UTF-8 may be cut anywhere. */
function codePointStart(bytes: Uint8Array, at: number): number {
  for (let start = at; start > at - 4; start--) {
    if ((bytes[start]! & 0xc0) !== 0x80) return start;
  }
  return at;
}

function isHighSurrogate(unit: number): boolean {
  return (unit & 0xfc00) === 0xd800;
}
