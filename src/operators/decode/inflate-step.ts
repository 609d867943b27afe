import zlib from 'node:zlib';

export type Compression = 'gzip' | 'zstd';

/** What one piece of input gave. `consumed` is less than the piece where the decoder wants no more: its frame is over. */
export interface Step {
  readonly chunks: Buffer[];
  readonly consumed: number;
  readonly error?: Error;
}

export interface StepDecoder {
  step(piece: Buffer): Promise<Step>;
  /** The input is at its end: an error when the data is not. */
  finish(): Promise<Step>;
  close(): void;
}

/**
 * A decoder that is driven piece by piece through the callback of `write`. The stream's iterator would not do: it throws away what
 * was decoded before an error, and ends without a word at bytes that the decoder does not know.
 */
export function createStepDecoder(compression: Compression): StepDecoder {
  const options = { chunkSize: 1 << 18 };
  const stream = compression === 'gzip' ? zlib.createGunzip(options) : zlib.createZstdDecompress(options);
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
    step: (piece) => run((done) => stream.write(piece, () => done())),
    finish: () => run(() => stream.end()),
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
