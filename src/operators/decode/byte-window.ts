import type { RecordError } from '../../errors.ts';

/** Bytes of one file in order, decompressed. `damage` is set when they ended because the compression is broken. */
export interface ByteSource {
  /** Fills `target` from `at` on; returns how many bytes came, 0 at the end. */
  readInto(target: Buffer, at: number): Promise<number>;
  readonly damage: RecordError | undefined;
  /** Goes on behind the damage; false when there is nothing more to read. */
  resume?(): Promise<boolean>;
  close(): Promise<void>;
}

/** How much is read at once, at least. */
export const chunkBytes = 1024 * 1024;

/** Small files are read in one go, with one byte of room that shows their end. */
export const readBytes = (sizeBytes: number): number => Math.min(chunkBytes, sizeBytes + 1);

/**
 * The part of a stream that is in memory: `bytes`, of which the first lies at offset `base`.
 * Each `fill` makes a new buffer, so that views of the old one stay valid.
 */
export class ByteWindow {
  bytes: Buffer = Buffer.alloc(0);
  base: number;
  ended = false;
  readonly #source: ByteSource;
  readonly #chunkBytes: number;

  constructor(source: ByteSource, base = 0, readBytes = chunkBytes) {
    this.#source = source;
    this.base = base;
    this.#chunkBytes = readBytes;
  }

  /** Offset behind the last byte in memory. */
  get end(): number {
    return this.base + this.bytes.length;
  }

  get damage(): RecordError | undefined {
    return this.#source.damage;
  }

  /** Drops what lies before index `keepFrom` and reads a chunk, or `wantBytes` where that is more. Returns false when nothing more came. */
  async fill(keepFrom: number, wantBytes = 0): Promise<boolean> {
    const kept = this.bytes.length - keepFrom;
    const grown = Buffer.allocUnsafeSlow(kept + Math.max(this.#chunkBytes, wantBytes));
    this.bytes.copy(grown, 0, keepFrom);
    let length = kept;
    while (length < grown.length && !this.ended) {
      const count = await this.#source.readInto(grown, length);
      if (count === 0) this.ended = true;
      length += count;
    }
    this.base += keepFrom;
    this.bytes = grown.subarray(0, length);
    return length > kept;
  }

  /** Forgets the first `count` bytes. */
  drop(count: number): void {
    this.bytes = this.bytes.subarray(count);
    this.base += count;
  }

  /** Goes on behind the damage. The damage counts as one byte, so that its dead letter has an offset of its own. */
  async resume(): Promise<boolean> {
    if (!this.damage || !(await this.#source.resume?.())) return false;
    this.base = this.end + 1;
    this.bytes = Buffer.alloc(0);
    this.ended = false;
    return true;
  }

  close(): Promise<void> {
    return this.#source.close();
  }
}
