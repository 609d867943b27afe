import { createHash } from 'node:crypto';
import { Minhash } from 'minhash';
import type { FingerprintOptions } from './options.ts';
import { type Fingerprinter, type FingerprintResult, sketchLayout } from './sketch.ts';

const unsegmented = /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}]/u;
const token = new RegExp(`${unsegmented.source}|[\\p{L}\\p{N}]+`, 'gu');

/**
 * Fingerprints as a user of the npm package `minhash` would make them, in the sketch format of the kernels:
 * a k-permutation MinHash of word shingles as strings. About 100 documents a second; for tests and for comparison.
 */
export function createReferenceFingerprinter(options: FingerprintOptions): Fingerprinter {
  const layout = sketchLayout(options);
  const seed = digest(options.seed).readUInt16LE();
  const result: FingerprintResult = { shingles: 0, exactLow: 0, exactHigh: 0 };

  const fingerprint = (text: string | Uint8Array, out: Uint8Array, at: number): FingerprintResult => {
    if (at + layout.stride > out.length)
      throw new RangeError(`sketch at ${at}; longer than its buffer of ${out.length}; make it bigger`);
    const sketch = Buffer.from(out.buffer, out.byteOffset + at, layout.stride).fill(0);
    const tokens = tokensOf(typeof text === 'string' ? text : new TextDecoder().decode(text), options.foldDigits);
    const shingles = shinglesOf(tokens, options);
    if (shingles.size >= options.minShingles) writeRows(sketch, minhashOf(shingles, options.verificationRows, seed));
    const exact = digest(`${options.seed}\n${tokens.join(' ')}`);
    exact.copy(sketch, layout.exactAt, 0, 8);
    sketch.writeUInt32LE(shingles.size, layout.shinglesAt);
    result.shingles = shingles.size;
    result.exactLow = exact.readUInt32LE(0);
    result.exactHigh = exact.readUInt32LE(4);
    return result;
  };

  const writeRows = (sketch: Buffer, rows: readonly number[]) => {
    for (let band = 0; band < options.bands; band++) {
      const own = rows.slice(band * options.rowsPerBand, (band + 1) * options.rowsPerBand);
      digest(`${options.seed}\n${band}\n${own.join()}`).copy(sketch, band * 8, 0, 8);
    }
    rows.forEach((row, i) => {
      const nibble = Math.imul(row, 0x9e3779b1) >>> 28;
      const byte = layout.rowsAt + (i >> 1);
      sketch[byte] = sketch[byte]! | (nibble << ((i & 1) * 4));
    });
  };
  return { stride: layout.stride, fingerprint };
}

function tokensOf(text: string, foldDigits: boolean): string[] {
  const plain = text
    .normalize('NFKD')
    .replaceAll(/[\p{scx=Zinh}\p{Cf}]/gu, '')
    .toUpperCase()
    .toLowerCase();
  return (foldDigits ? plain.replaceAll(/\p{Nd}/gu, '0') : plain).match(token) ?? [];
}

function shinglesOf(tokens: readonly string[], options: FingerprintOptions): Set<string> {
  const characters = tokens.filter((word) => unsegmented.test(word)).length;
  const length = 2 * characters > tokens.length ? options.unsegmentedShingleTokens : options.shingleTokens;
  const shingles = new Set<string>();
  for (let i = 0; i + length <= tokens.length; i++) shingles.add(tokens.slice(i, i + length).join(' '));
  return shingles;
}

function minhashOf(shingles: Iterable<string>, rows: number, seed: number): number[] {
  const minhash = new Minhash({ numPerm: rows, seed });
  for (const shingle of shingles) minhash.update(shingle);
  return minhash.hashvalues;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
