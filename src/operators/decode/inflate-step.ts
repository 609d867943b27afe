import zlib from 'node:zlib';

export type Compression = 'gzip' | 'zstd';

/** What one piece of input gave. */
export interface Step {
  readonly chunks: Buffer[];
  /** Bytes of the piece taken in; less than all of them where the decoder wants no more: its frame is over. */
  readonly consumed: number;
  /** There is more to come from this piece: call `more`. */
  readonly pending: boolean;
  readonly error?: Error;
}

export interface StepDecoder {
  step(piece: Buffer): Promise<Step>;
  more(): Promise<Step>;
  /** The input is at its end: an error when the data is not. */
  finish(): Promise<Step>;
  close(): void;
}

/** A few bytes of zstd can unpack to gigabytes, so a step ends early when it has given this much. */
const stepBytes = 4 * 1024 * 1024;

/**
 * A decoder that is driven piece by piece through the callback of `write`. The stream's iterator would not do: it throws away what
 * was decoded before an error, and ends without a word at bytes that the decoder does not know.
 */
export function createStepDecoder(compression: Compression): StepDecoder {
  const options = { chunkSize: 1 << 18 };
  const stream = compression === 'gzip' ? zlib.createGunzip(options) : zlib.createZstdDecompress(options);
  let chunks: Buffer[] = [];
  let bytes = 0;
  let before = 0;
  let busy = false;
  let failure: Error | undefined;
  let settle = (): void => {};

  stream.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes < stepBytes) return;
    stream.pause();
    settle();
  });
  const finished = (): void => {
    busy = false;
    settle();
  };
  // After an error the callback of `write` never comes.
  stream.on('error', (error) => {
    failure = error;
    finished();
  });
  stream.on('close', finished);

  const run = (start: () => void): Promise<Step> =>
    new Promise((resolve) => {
      settle = () => {
        const step = { chunks, consumed: stream.bytesWritten - before, pending: busy };
        chunks = [];
        bytes = 0;
        settle = () => {};
        resolve(failure ? { ...step, error: failure } : step);
      };
      start();
    });
  return {
    step(piece) {
      before = stream.bytesWritten;
      busy = true;
      return run(() => stream.write(piece, finished));
    },
    more: () =>
      run(() => {
        stream.resume();
        // The callback may have come while nobody waited; what is still buffered flows first.
        if (!busy) setImmediate(() => settle());
      }),
    finish() {
      before = stream.bytesWritten;
      busy = true;
      return run(() => stream.end());
    },
    close: () => stream.destroy(),
  };
}

const magics = { gzip: Buffer.from([0x1f, 0x8b, 0x08]), zstd: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]) };

/** Index of what looks like the beginning of a gzip member or zstd frame, from `from` on; -1 when there is none. */
export function findFrame(bytes: Buffer, from: number, compression: Compression): number {
  return bytes.indexOf(magics[compression], from);
}

/** A frame, or a part of one at the end of `bytes`; for zstd also a skippable one (0x184D2A50 to 0x184D2A5F). */
export function startsFrame(bytes: Buffer, compression: Compression): boolean {
  const magic = magics[compression].subarray(0, bytes.length);
  if (bytes.subarray(0, magic.length).equals(magic)) return true;
  return compression === 'zstd' && (bytes[0]! & 0xf0) === 0x50 && bytes.indexOf(Buffer.from([0x2a, 0x4d, 0x18])) === 1;
}
