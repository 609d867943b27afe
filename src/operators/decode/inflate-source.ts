import { open } from 'node:fs/promises';
import zlib from 'node:zlib';
import type { RecordError } from '../../errors.ts';
import type { ByteSource } from './byte-window.ts';
import { decodeError } from './reasons.ts';

export type Compression = 'gzip' | 'zstd';

/** Bytes of input that are handed over at once: deflate can unpack a byte to 1,032, so this also bounds what one step makes. */
const pieceBytes = 16 * 1024;

/**
 * The decompressed bytes of a gzip (all members) or zstd (all frames) file.
 *
 * Built on the stream's `write` callback instead of its iterator, for two reasons: an iterator throws away what was decoded
 * before an error, and both decoders end without a word at bytes that they do not know, so what follows would be lost in silence.
 * Zero padding at the end is allowed; anything else behind the last member is damage.
 */
export async function openInflate(path: string, compression: Compression): Promise<ByteSource> {
  const handle = await open(path, 'r');
  const ready: Buffer[] = [];
  let damage: RecordError | undefined;
  const state = { done: false };
  let position = 0; // of the compressed bytes taken in
  let frameStart = 0; // where the running decoder was started
  let produced = 0; // decoded bytes since frameStart
  let decoder = newDecoder(compression);

  const readPiece = async (at: number, length = pieceBytes): Promise<Buffer> => {
    const piece = Buffer.allocUnsafe(length);
    const { bytesRead } = await handle.read(piece, 0, length, at);
    return piece.subarray(0, bytesRead);
  };

  /** The decoder failed inside a piece: what it had decoded of it is lost with it, so the member is decoded again up to the fault. */
  const recover = async (failedAt: number): Promise<void> => {
    decoder.close();
    const again = newDecoder(compression);
    let seen = 0;
    const take = async (piece: Buffer): Promise<boolean> => {
      const step = await again.step(piece);
      for (const chunk of step.chunks) {
        if (seen + chunk.length > produced) ready.push(chunk.subarray(Math.max(0, produced - seen)));
        seen += chunk.length;
      }
      return step.error === undefined;
    };
    for (let at = frameStart; at < failedAt; at += pieceBytes)
      await take(await readPiece(at, Math.min(pieceBytes, failedAt - at)));
    const failed = await readPiece(failedAt);
    for (let i = 0; i < failed.length && (await take(failed.subarray(i, i + 1))); i++);
    again.close();
  };

  const advance = async (): Promise<void> => {
    const piece = await readPiece(position);
    const step = piece.length === 0 ? await decoder.finish() : await decoder.step(piece);
    if (step.error) {
      state.done = true;
      if (piece.length > 0) await recover(position);
      else ready.push(...step.chunks);
      damage = truncated(path, compression, step.error);
      return;
    }
    ready.push(...step.chunks);
    for (const chunk of step.chunks) produced += chunk.length;
    position += step.consumed;
    if (piece.length === 0) {
      state.done = true;
    } else if (step.consumed < piece.length) {
      // The decoder wants no more: a new frame begins here, or padding, or something else.
      decoder.close();
      decoder = newDecoder(compression);
      frameStart = position;
      produced = 0;
      const rest = piece.subarray(step.consumed);
      if (step.consumed === 0 || !startsFrame(rest, compression)) {
        state.done = true;
        if (!(await onlyZeros(readPiece, position))) {
          damage = truncated(path, compression, new Error(`unknown bytes at ${position} behind the last whole part`));
        }
      }
    }
  };

  return {
    get damage() {
      return damage;
    },
    async readInto(target, at) {
      while (ready.length === 0 && !state.done) await advance();
      const chunk = ready[0];
      if (!chunk) return 0;
      const count = chunk.copy(target, at);
      if (count === chunk.length) ready.shift();
      else ready[0] = chunk.subarray(count);
      return count;
    },
    async close() {
      decoder.close();
      await handle.close();
    },
  };
}

interface Step {
  readonly chunks: Buffer[];
  readonly consumed: number;
  readonly error?: Error;
}

/** A decoder that is driven piece by piece; what it gives out before an error is not lost. */
function newDecoder(compression: Compression) {
  const stream =
    compression === 'gzip'
      ? zlib.createGunzip({ chunkSize: 1 << 18 })
      : zlib.createZstdDecompress({ chunkSize: 1 << 18 });
  let chunks: Buffer[] = [];
  let failure: Error | undefined;
  let settled = (): void => {};
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  // After an error the callback of `write` never comes.
  stream.on('error', (error) => {
    failure = error;
    settled();
  });
  stream.on('close', () => settled());
  const run = (start: (done: () => void) => void): Promise<Step> => {
    const before = stream.bytesWritten;
    return new Promise((resolve) => {
      settled = () => {
        const step = { chunks, consumed: stream.bytesWritten - before };
        chunks = [];
        settled = () => {};
        resolve(failure ? { ...step, error: failure } : step);
      };
      start(settled);
    });
  };
  return {
    /** Decodes a piece; `consumed` is less than its length where the decoder wants no more. */
    step: (piece: Buffer) => run((done) => stream.write(piece, () => done())),
    /** The input is at its end: an error when the data is not. */
    finish: () => run(() => stream.end()),
    close: () => stream.destroy(),
  };
}

function startsFrame(bytes: Buffer, compression: Compression): boolean {
  if (compression === 'gzip') return bytes[0] === 0x1f;
  return bytes[0] === 0x28 || (bytes[0]! & 0xf0) === 0x50; // a frame, or a skippable one
}

async function onlyZeros(readPiece: (at: number) => Promise<Buffer>, from: number): Promise<boolean> {
  for (let at = from; ; ) {
    const piece = await readPiece(at);
    if (piece.length === 0) return true;
    if (piece.some((byte) => byte !== 0)) return false;
    at += piece.length;
  }
}

function truncated(path: string, compression: Compression, cause: Error): RecordError {
  const message = `${path}; its ${compression} data ends or breaks here (${cause.message}); everything before was read, get the file again for the rest`;
  return decodeError('decode.truncated', message, cause);
}
