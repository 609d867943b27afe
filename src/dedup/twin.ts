import { foldCodePoint, MAX_WORD_BYTES, SEPARATOR, UNSEGMENTED } from './fold.ts';
import { deriveSeeds, type Seeds } from './hashing.ts';
import type { FingerprintOptions } from './options.ts';
import { type Fingerprinter, type FingerprintResult, sketchLayout } from './sketch.ts';

/**
 * The slow, obvious twin of the fingerprint kernel: what it computes, in big integers and sets.
 * Tests hold the kernel against it; nothing else should use it.
 */
const mask = (1n << 64n) - 1n;
const K1 = 0x9e3779b97f4a7c15n;
const K2 = 0xbf58476d1ce4e5b9n;
const BASE = 0xd6e8feb86659fd93n;
const LENGTH = 0x2545f4914f6cdd1dn;

const multiply = (a: bigint, b: bigint) => (a * b) & mask;
const shifted = (x: bigint, bits: bigint) => x ^ (x >> bits);
const mix = (x: bigint) => shifted(multiply(shifted(x, 32n), K2), 29n);

/** Folded words of a text, as bytes. */
export function words(text: string | Uint8Array, foldDigits: boolean): number[][] {
  const string =
    typeof text === 'string' ? text.toWellFormed() : new TextDecoder('utf-8', { ignoreBOM: true }).decode(text);
  const found: number[][] = [];
  let word: number[] = [];
  const end = () => {
    for (let i = 0; i < word.length; i += MAX_WORD_BYTES) found.push(word.slice(i, i + MAX_WORD_BYTES));
    word = [];
  };
  for (const character of string) {
    for (const byte of foldCodePoint(character.codePointAt(0)!, foldDigits)) {
      if (byte === SEPARATOR) end();
      else word.push(byte);
    }
  }
  end();
  return found;
}

function littleEndian(bytes: number[]): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

export function tokenHash(word: number[], seed: bigint): bigint {
  let h = seed ^ multiply(BigInt(word.length), LENGTH);
  let at = 0;
  for (; word.length - at > 8; at += 8) h = shifted(multiply(h ^ littleEndian(word.slice(at, at + 8)), K1), 29n);
  const rest = word.slice(at);
  h = shifted(multiply(h ^ (littleEndian(rest) << BigInt(64 - 8 * rest.length)), K1), 29n);
  return (mix(h) & ~1n) | (word[0] === UNSEGMENTED ? 1n : 0n);
}

export function exactKey(tokens: bigint[], seed: bigint): bigint {
  let h = seed;
  for (const token of tokens) {
    const x = h ^ token;
    h = multiply(((x << 29n) | (x >> 35n)) & mask, K1);
  }
  return mix(mix(h));
}

/**
 * Shingle hashes in text order. A word weighs `unsegmentedShingleTokens`, an unsegmented character `shingleTokens`; a shingle is the
 * shortest run of tokens ending here that weighs their product: 5 words, or 9 characters, or a mixture in proportion.
 */
export function shingles(
  tokens: bigint[],
  options: Pick<FingerprintOptions, 'shingleTokens' | 'unsegmentedShingleTokens'>,
): number[] {
  const weight = (token: bigint) => (token & 1n ? options.shingleTokens : options.unsegmentedShingleTokens);
  const full = options.shingleTokens * options.unsegmentedShingleTokens;
  const found: number[] = [];
  for (let end = 0; end < tokens.length; end++) {
    let start = end + 1;
    let sum = 0;
    while (start > 0 && sum < full) sum += weight(tokens[--start]!);
    if (sum < full) continue;
    let h = 0n;
    for (let i = start; i <= end; i++) h = (multiply(h, BASE) + tokens[i]!) & mask;
    found.push(Number(mix(h) >> 32n) || 1);
  }
  return found;
}

/** Fast Similarity Sketching (Dahlgaard, Knudsen, Thorup 2017, algorithm 1): `rows` values of (round, 32-bit hash). */
export function sketchRows(set: Iterable<number>, rows: number, seed: bigint): bigint[] {
  const elements = [...new Set(set)].map(BigInt);
  const sketch = Array.from({ length: rows }, (): bigint | undefined => undefined);
  if (elements.length === 0) return sketch.map(() => mask);
  for (let round = 0; round < 2 * rows && sketch.includes(undefined); round++) {
    const r = ((BigInt(Math.imul(round + 1, 0x9e3779b1) >>> 0) << 32n) ^ seed) & mask;
    for (const element of elements) {
      const x = multiply(shifted(multiply(r ^ element, K1), 29n), K2);
      const row = round < rows ? Number(((x >> 32n) * BigInt(rows)) >> 32n) : round - rows;
      const value = (BigInt(round) << 32n) | (multiply(x, K1) >> 32n);
      if (sketch[row] === undefined || value < sketch[row]) sketch[row] = value;
    }
  }
  return sketch.map((value) => value!);
}

export function bandKey(band: number, rows: bigint[], seed: bigint): bigint {
  let h = seed ^ multiply(BigInt(band + 1), K2);
  for (const row of rows) h = shifted(multiply(h ^ row, K1), 32n);
  return shifted(multiply(h, K2), 29n);
}

export function createTwinFingerprinter(options: FingerprintOptions): Fingerprinter {
  const layout = sketchLayout(options);
  const seeds: Seeds = deriveSeeds(options.seed);
  const fingerprint = (text: string | Uint8Array, out: Uint8Array, at: number): FingerprintResult => {
    const view = new DataView(out.buffer, out.byteOffset + at, layout.stride);
    out.fill(0, at, at + layout.stride);
    const tokens = words(text, options.foldDigits).map((word) => tokenHash(word, seeds.token));
    const set = new Set(shingles(tokens, options));
    if (set.size >= options.minShingles) {
      const rows = sketchRows(set, options.verificationRows, seeds.row);
      const { rowsPerBand } = options;
      for (let band = 0; band < options.bands; band++) {
        const key = bandKey(band, rows.slice(band * rowsPerBand, (band + 1) * rowsPerBand), seeds.band);
        view.setBigUint64(band * 8, key, true);
      }
      rows.forEach((row, i) => {
        const nibble = Number(multiply(row, K1) >> 60n);
        const byte = layout.rowsAt + (i >> 1);
        view.setUint8(byte, view.getUint8(byte) | (nibble << ((i & 1) * 4)));
      });
    }
    const exact = exactKey(tokens, seeds.exact);
    view.setBigUint64(layout.exactAt, exact, true);
    view.setUint32(layout.shinglesAt, set.size, true);
    return { shingles: set.size, exactLow: Number(exact & 0xffff_ffffn), exactHigh: Number(exact >> 32n) };
  };
  return { stride: layout.stride, fingerprint };
}
