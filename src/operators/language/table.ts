import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { ConfigError } from '../../errors.ts';

/**
 * lid.176.ftz as flat arrays: fastText's supervised model for 176 languages, quantised (Joulin et al. 2016,
 * "FastText.zip") and read back into floats. All arrays lie in shared memory: a table sent to a worker thread is not copied.
 */
export interface LanguageTable {
  /** Length of an embedding. */
  dimensions: number;
  /** Character n-grams hashed into `buckets` before pruning; their lengths in characters. */
  buckets: number;
  minLength: number;
  maxLength: number;
  /** One embedding a row: the known words, then the n-gram buckets that survived pruning. */
  rows: Float32Array;
  /** Known words: FNV-1a hash → row, open addressing; the bytes decide. A row of −1 is a free slot. */
  wordRows: Int32Array;
  wordStarts: Int32Array;
  wordBytes: Uint8Array;
  /** n-gram bucket → row, open addressing; a key of −1 is a free slot. */
  bucketKeys: Int32Array;
  bucketRows: Int32Array;
  /** Hierarchical softmax: children of each inner node (leaves are numbers below `labels.length`), and its weights. */
  left: Int32Array;
  right: Int32Array;
  outputs: Float32Array;
  labels: string[];
}

const sha256 = '8f3472cfe8738a7b6099e8e999c3cbfae0dcd15696aac7d7738a8039db603e83';
const magic = 793_712_314;
const supported = { version: 12, hierarchicalSoftmax: 1, supervised: 3 } as const;

/** Path of the table that the `fasttext.wasm.js` package carries. */
export function languageTablePath(): string {
  try {
    const main = createRequire(import.meta.url).resolve('fasttext.wasm.js');
    return path.join(path.dirname(main), '../fastText/models/lid.176.ftz');
  } catch (cause) {
    throw new ConfigError(
      'language-table-missing',
      'language table lid.176.ftz; package fasttext.wasm.js is not installed; run npm ci',
      { cause },
    );
  }
}

/**
 * Reads the table (1 MB on disk, about 5 MB in memory, some tens of ms).
 * Throws ConfigError when it is missing or is not, byte for byte, the published file: another table is another signal.
 */
export function loadLanguageTable(file: string = languageTablePath()): LanguageTable {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    throw new ConfigError('language-table-missing', `language table ${file}; it cannot be read; run npm ci`, { cause });
  }
  const found = createHash('sha256').update(bytes).digest('hex');
  if (found !== sha256) {
    throw new ConfigError(
      'language-table-changed',
      `language table ${file}; its SHA-256 is ${found}, not ${sha256}; reinstall fasttext.wasm.js 1.0.0`,
    );
  }
  return readTable(bytes);
}

/** Little-endian values, one after the other. */
class Reader {
  private at = 0;
  private readonly bytes: Buffer;
  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }
  int8(): number {
    return this.bytes[this.at++]!;
  }
  int32(): number {
    this.at += 4;
    return this.bytes.readInt32LE(this.at - 4);
  }
  int64(): number {
    this.at += 8;
    return Number(this.bytes.readBigInt64LE(this.at - 8));
  }
  float64(): number {
    this.at += 8;
    return this.bytes.readDoubleLE(this.at - 8);
  }
  floats(count: number): Float32Array {
    const values = sharedFloats(count);
    for (let i = 0; i < count; i++) values[i] = this.bytes.readFloatLE(this.at + 4 * i);
    this.at += 4 * count;
    return values;
  }
  raw(count: number): Buffer {
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }
  untilZero(): Buffer {
    const from = this.at;
    this.at = this.bytes.indexOf(0, from) + 1;
    return this.bytes.subarray(from, this.at - 1);
  }
}

/** The layout is that of fastText's FastText::saveModel, Dictionary::save and QuantMatrix::save. */
function readTable(bytes: Buffer): LanguageTable {
  const read = new Reader(bytes);
  if (read.int32() !== magic || read.int32() !== supported.version) throw unsupported('format');
  const dimensions = read.int32();
  read.raw(4 * 5); // window, epochs, minimum counts, negatives, word n-grams
  if (read.int32() !== supported.hierarchicalSoftmax) throw unsupported('loss');
  if (read.int32() !== supported.supervised) throw unsupported('model');
  const buckets = read.int32();
  const minLength = read.int32();
  const maxLength = read.int32();
  read.int32(); // learning-rate updates
  read.float64(); // sampling threshold
  const dictionary = readDictionary(read);
  if (read.int8() !== 1) throw unsupported('input matrix');
  const rows = readQuantised(read, dimensions);
  if (read.int8() !== 0) throw unsupported('output matrix');
  const outputs = read.floats(read.int64() * read.int64());
  return {
    dimensions,
    buckets,
    minLength,
    maxLength,
    rows,
    ...dictionary.words,
    ...dictionary.buckets,
    ...huffmanTree(dictionary.counts),
    outputs,
    labels: dictionary.labels,
  };
}

function unsupported(part: string): ConfigError {
  return new ConfigError(
    'language-table-unsupported',
    `language table; its ${part} is not lid.176.ftz's; reinstall fasttext.wasm.js`,
  );
}

function readDictionary(read: Reader) {
  const size = read.int32();
  const wordCount = read.int32();
  read.int32(); // labels
  read.int64(); // tokens
  const pruned = read.int64();
  const wordBytes: Buffer[] = [];
  const labels: string[] = [];
  const counts: number[] = [];
  for (let i = 0; i < size; i++) {
    const entry = read.untilZero();
    const count = read.int64();
    if (read.int8() === 0) wordBytes.push(entry);
    else {
      labels.push(entry.toString('utf8').slice('__label__'.length));
      counts.push(count);
    }
  }
  const buckets = emptyBuckets(pruned);
  const mask = buckets.bucketKeys.length - 1;
  for (let i = 0; i < pruned; i++) {
    const key = read.int32();
    let slot = bucketSlot(key, mask);
    while (buckets.bucketKeys[slot] !== -1) slot = (slot + 1) & mask;
    buckets.bucketKeys[slot] = key;
    buckets.bucketRows[slot] = wordCount + read.int32();
  }
  return { words: wordTable(wordBytes), buckets, labels, counts };
}

function emptyBuckets(count: number) {
  const capacity = 2 ** Math.ceil(Math.log2(2 * count + 1));
  return { bucketKeys: sharedInts(capacity).fill(-1), bucketRows: sharedInts(capacity) };
}

/** Multiplicative hashing (Knuth, TAOCP 3, 6.4). */
export function bucketSlot(bucket: number, mask: number): number {
  return (Math.imul(bucket, 0x9e3779b1) >>> 8) & mask;
}

function wordTable(words: Buffer[]) {
  const capacity = 2 ** Math.ceil(Math.log2(2 * words.length + 1));
  const wordRows = sharedInts(capacity).fill(-1);
  const wordStarts = sharedInts(words.length + 1);
  const blob = Buffer.concat(words);
  const wordBytes = new Uint8Array(new SharedArrayBuffer(blob.length));
  wordBytes.set(blob);
  for (const [row, word] of words.entries()) {
    wordStarts[row + 1] = wordStarts[row]! + word.length;
    let slot = fnv1a(word) & (capacity - 1);
    while (wordRows[slot] !== -1) slot = (slot + 1) & (capacity - 1);
    wordRows[slot] = row;
  }
  return { wordRows, wordStarts, wordBytes };
}

/** FNV-1a over signed bytes, as fastText's Dictionary::hash. */
export function fnv1a(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ ((byte << 24) >> 24), 0x01000193);
  return hash;
}

/** Product quantisation (Jégou et al. 2011): a row is a norm times one centroid for each part of the vector. */
function readQuantised(read: Reader, dimensions: number): Float32Array {
  const hasNorms = read.int8() === 1;
  const rowCount = read.int64();
  if (read.int64() !== dimensions) throw unsupported('input matrix');
  const codes = read.raw(read.int32());
  const parts = readCentroids(read);
  const normCodes = hasNorms ? read.raw(rowCount) : undefined;
  const norms = hasNorms ? readCentroids(read) : undefined;
  const rows = sharedFloats(rowCount * dimensions);
  for (let row = 0; row < rowCount; row++) {
    const norm = normCodes && norms ? norms.centroids[normCodes[row]!]! : 1;
    for (let d = 0; d < dimensions; d++) {
      const part = Math.floor(d / parts.width);
      const width = part === parts.count - 1 ? parts.lastWidth : parts.width;
      const code = codes[row * parts.count + part]!;
      rows[row * dimensions + d] = norm * parts.centroids[part * 256 * parts.width + code * width + (d % parts.width)]!;
    }
  }
  return rows;
}

function readCentroids(read: Reader) {
  const dimensions = read.int32();
  const count = read.int32();
  const width = read.int32();
  const lastWidth = read.int32();
  return { count, width, lastWidth, centroids: read.floats(dimensions * 256) };
}

/** The Huffman tree over label counts, built as HierarchicalSoftmaxLoss::buildTree does: counts arrive in falling order. */
function huffmanTree(counts: number[]) {
  const leaves = counts.length;
  const nodes = 2 * leaves - 1;
  const total = [...counts, ...Array<number>(leaves - 1).fill(1e15)];
  const left = sharedInts(leaves - 1);
  const right = sharedInts(leaves - 1);
  let leaf = leaves - 1;
  let inner = leaves;
  const takeSmallest = (): number => (leaf >= 0 && total[leaf]! < total[inner]! ? leaf-- : inner++);
  for (let node = leaves; node < nodes; node++) {
    const first = takeSmallest();
    const second = takeSmallest();
    left[node - leaves] = first;
    right[node - leaves] = second;
    total[node] = total[first]! + total[second]!;
  }
  return { left, right };
}

function sharedFloats(count: number): Float32Array<SharedArrayBuffer> {
  return new Float32Array(new SharedArrayBuffer(4 * count));
}

function sharedInts(count: number): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(4 * count));
}
