import { type FileHandle, open } from 'node:fs/promises';
import type { RecordError } from '../../errors.ts';
import type { ByteSource } from './byte-window.ts';
import {
  type Compression,
  createStepDecoder,
  findFrame,
  type Step,
  type StepDecoder,
  startsFrame,
} from './inflate-step.ts';
import { decodeError } from './reasons.ts';

/** Bytes of input that are handed over at once. */
const pieceBytes = 64 * 1024;

/**
 * The decompressed bytes of a gzip (all members) or zstd (all frames) file, in segments: one for a sound file; where the data is
 * broken a segment ends with `damage`, and `resume` goes on at the next member or frame that can be decoded.
 * Zero padding at the end is allowed; anything else behind the last frame is damage.
 */
export async function openInflate(path: string, compression: Compression): Promise<ByteSource> {
  return new InflateSource(path, compression, await open(path, 'r'));
}

class InflateSource implements ByteSource {
  damage: RecordError | undefined;
  readonly #path: string;
  readonly #compression: Compression;
  readonly #handle: FileHandle;
  #decoder: StepDecoder;
  /** Decoded and not yet given out. */
  #ready: Buffer[] = [];
  /** The piece that is being decoded. */
  #piece: Buffer | undefined;
  #done = false;
  /** Compressed bytes taken in. */
  #position = 0;
  /** Where the running decoder was started, and how much it has decoded. */
  #frameStart = 0;
  #produced = 0;

  constructor(path: string, compression: Compression, handle: FileHandle) {
    this.#path = path;
    this.#compression = compression;
    this.#handle = handle;
    this.#decoder = createStepDecoder(compression);
  }

  async readInto(target: Buffer, at: number): Promise<number> {
    while (this.#ready.length === 0 && !this.#done) await this.#advance();
    const chunk = this.#ready[0];
    if (!chunk) return 0;
    const count = chunk.copy(target, at);
    if (count === chunk.length) this.#ready.shift();
    else this.#ready[0] = chunk.subarray(count);
    return count;
  }

  /** Goes on behind the damage, at the next frame whose first piece can be decoded. False when there is none. */
  async resume(): Promise<boolean> {
    for (let at = await this.#findFrame(this.#position); at !== undefined; at = await this.#findFrame(at + 1)) {
      this.#restart(at);
      const { chunks, error } = await this.#decoder.step(await this.#readPiece(at));
      if (error || chunks.length === 0) continue;
      this.#restart(at);
      this.#done = false;
      this.damage = undefined;
      return true;
    }
    return false;
  }

  async close(): Promise<void> {
    this.#decoder.close();
    await this.#handle.close();
  }

  async #advance(): Promise<void> {
    const piece = this.#piece ?? (await this.#readPiece(this.#position));
    const step = await this.#next(piece);
    if (step.error) {
      this.#piece = undefined;
      if (piece.length > 0) await this.#recover(this.#position);
      else this.#ready.push(...step.chunks);
      this.#breakOff(step.error);
      return;
    }
    this.#ready.push(...step.chunks);
    for (const chunk of step.chunks) this.#produced += chunk.length;
    this.#piece = step.pending ? piece : undefined;
    if (step.pending) return;
    this.#position += step.consumed;
    if (piece.length === 0) {
      this.#done = true;
    } else if (step.consumed < piece.length) {
      // The decoder wants no more: a new frame begins here, or padding, or something else.
      if (step.consumed > 0 && startsFrame(piece.subarray(step.consumed), this.#compression)) {
        this.#restart(this.#position);
      } else if (await this.#onlyZeros(this.#position)) {
        this.#done = true;
      } else {
        this.#breakOff(new Error(`unknown bytes at ${this.#position} behind the last whole part`));
      }
    }
  }

  #next(piece: Buffer): Promise<Step> {
    if (this.#piece) return this.#decoder.more();
    return piece.length === 0 ? this.#decoder.finish() : this.#decoder.step(piece);
  }

  #breakOff(cause: Error): void {
    this.#done = true;
    const actual = `its ${this.#compression} data ends or breaks here (${cause.message})`;
    const message = `${this.#path}; ${actual}; everything before was read, get the file again for the rest`;
    this.damage = decodeError('decode.truncated', message, cause);
  }

  #restart(at: number): void {
    this.#decoder.close();
    this.#decoder = createStepDecoder(this.#compression);
    this.#position = at;
    this.#frameStart = at;
    this.#produced = 0;
  }

  /**
   * The decoder failed inside a piece, and what it had decoded of it is lost: decodes again up to the very byte of the fault.
   * Once to find it within 256 bytes, once to keep what comes before it, because each step has its price.
   */
  async #recover(failedAt: number): Promise<void> {
    const near = await this.#decodeToFault(failedAt, pieceBytes, 256, () => {});
    let seen = 0;
    this.#position = await this.#decodeToFault(near, 256, 1, (chunk) => {
      if (seen + chunk.length > this.#produced) this.#ready.push(chunk.subarray(Math.max(0, this.#produced - seen)));
      seen += chunk.length;
    });
  }

  /** Decodes from the frame's start to `good`, and from there in small steps; returns where the step began that failed. */
  async #decodeToFault(
    good: number,
    length: number,
    stepBytes: number,
    take: (chunk: Buffer) => void,
  ): Promise<number> {
    const decoder = createStepDecoder(this.#compression);
    const decode = async (piece: Buffer): Promise<boolean> => {
      let step = await decoder.step(piece);
      step.chunks.forEach(take);
      while (step.pending) {
        step = await decoder.more();
        step.chunks.forEach(take);
      }
      return step.error === undefined;
    };
    for (let at = this.#frameStart; at < good; at += pieceBytes) {
      await decode(await this.#readPiece(at, Math.min(pieceBytes, good - at)));
    }
    const piece = await this.#readPiece(good, length);
    let at = 0;
    while (at < piece.length && (await decode(piece.subarray(at, at + stepBytes)))) at += stepBytes;
    decoder.close();
    return good + Math.min(at, piece.length);
  }

  async #readPiece(at: number, length = pieceBytes): Promise<Buffer> {
    const piece = Buffer.allocUnsafe(length);
    const { bytesRead } = await this.#handle.read(piece, 0, length, at);
    return piece.subarray(0, bytesRead);
  }

  async #findFrame(from: number): Promise<number | undefined> {
    const overlap = 3; // a magic may lie across two pieces
    for (let at = from; ; at += pieceBytes) {
      const piece = await this.#readPiece(at, pieceBytes + overlap);
      const found = findFrame(piece, 0, this.#compression);
      if (found >= 0) return at + found;
      if (piece.length <= pieceBytes) return undefined;
    }
  }

  async #onlyZeros(from: number): Promise<boolean> {
    for (let at = from; ; at += pieceBytes) {
      const piece = await this.#readPiece(at);
      if (piece.some((byte) => byte !== 0)) return false;
      if (piece.length < pieceBytes) return true;
    }
  }
}
