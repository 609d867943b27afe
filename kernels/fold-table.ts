import { foldCodePoint, SEPARATOR } from '../src/dedup/fold.ts';

const PAGE = 256;
const PAGES = 0x110000 / PAGE;
/** Bytes that fit beside their count into an entry; of longer foldings an entry holds count and offset. */
const INLINE = 7;
const LONG = 255n;

interface Fold {
  readonly bytes: number[];
  /** The same with every digit folded to 0. */
  readonly digitless: number[];
}

/**
 * The fold of every code point as the kernel reads it (kernels/assembly/fold.ts): offsets of pages (u32), pages of 256 entries (u64),
 * each different page once, then the bytes of long foldings. Offsets count from the table's beginning.
 * `digits` lists what changes when digits are folded: offset of the entry and entry (u64 each).
 */
export function buildFoldTable(): { table: Uint8Array; digits: Uint8Array } {
  const numbers = new Map<string, number>();
  const pages: Fold[][] = [];
  const index: number[] = [];
  for (let page = 0; page < PAGES; page++) {
    const folds = Array.from({ length: PAGE }, (_, i) => foldOf(page * PAGE + i));
    const key = JSON.stringify(folds);
    if (!numbers.has(key)) numbers.set(key, pages.push(folds) - 1);
    index.push(numbers.get(key)!);
  }

  const entriesAt = PAGES * 4;
  const pool = new Pool(entriesAt + pages.length * PAGE * 8);
  const entries = pages.flat().map((fold) => pool.entry(fold.bytes));
  const changes = pages.flat().flatMap((fold, i) => {
    const entry = pool.entry(fold.digitless);
    return entry === entries[i] ? [] : [BigInt(entriesAt + i * 8), entry];
  });
  const offsets = Uint32Array.from(index, (page) => entriesAt + page * PAGE * 8);
  const table = Buffer.concat([bytesOf(offsets), bytesOf(BigUint64Array.from(entries)), Uint8Array.from(pool.bytes)]);
  return { table, digits: bytesOf(BigUint64Array.from(changes)) };
}

/** Planes 4 to 13 have no characters, 15 and 16 are private. */
function foldOf(codePoint: number): Fold {
  const plane = codePoint >> 16;
  if ((plane > 3 && plane < 14) || plane > 14) return { bytes: [SEPARATOR], digitless: [SEPARATOR] };
  return { bytes: foldCodePoint(codePoint), digitless: foldCodePoint(codePoint, true) };
}

/** Long foldings, each once, at offsets from the table's beginning. */
class Pool {
  readonly bytes: number[] = [];
  readonly #start: number;
  readonly #offsets = new Map<string, number>();

  constructor(start: number) {
    this.#start = start;
  }

  entry(folded: number[]): bigint {
    if (folded.length <= INLINE)
      return folded.reduceRight((entry, byte) => (entry << 8n) | BigInt(byte), 0n) * 256n + BigInt(folded.length);
    const key = folded.join();
    let offset = this.#offsets.get(key);
    if (offset === undefined) {
      offset = this.#start + this.bytes.length;
      this.#offsets.set(key, offset);
      this.bytes.push(...folded);
    }
    return (BigInt(offset) << 32n) | (BigInt(folded.length) << 8n) | LONG;
  }
}

function bytesOf(array: Uint32Array | BigUint64Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
