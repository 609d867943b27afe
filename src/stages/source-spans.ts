/** Stretches of the input files, for records that are spliced into output lines. */
import { closeSync, openSync, readSync } from 'node:fs';
import { RiffleError } from '../errors.ts';
import { readingFailed, type SourceFile } from './sources.ts';

export interface SourceSpans {
  /** Spans read before may be overwritten from now on. */
  begin(): void;
  /** @throws RiffleError when the file is not what it was */
  readonly read: (partition: number, start: number, bytes: number) => Uint8Array;
}

const MAX_OPEN = 64;
/** Buffers that are kept for the next task. */
const MAX_KEPT = 8;

export function createSourceSpans(files: readonly SourceFile[]): SourceSpans {
  const open = new Map<number, number>();
  const spans: Buffer[] = [];
  let used = 0;

  function scratch(bytes: number): Buffer {
    const at = used++;
    if ((spans[at]?.length ?? 0) < bytes) spans[at] = Buffer.allocUnsafeSlow(Math.ceil(bytes * 1.25));
    return spans[at]!.subarray(0, bytes);
  }

  /** Files are kept open; the least recently opened one is closed. */
  function descriptorOf(partition: number): number {
    const known = open.get(partition);
    if (known !== undefined) return known;
    const oldest = open.size >= MAX_OPEN ? open.entries().next().value : undefined;
    if (oldest !== undefined) {
      closeSync(oldest[1]);
      open.delete(oldest[0]);
    }
    const { path } = files[partition]!;
    try {
      const descriptor = openSync(path, 'r');
      open.set(partition, descriptor);
      return descriptor;
    } catch (cause) {
      throw readingFailed(path, cause);
    }
  }

  return {
    begin() {
      used = 0;
      spans.length = Math.min(spans.length, MAX_KEPT);
    },
    read(partition, start, bytes) {
      const descriptor = descriptorOf(partition);
      const buffer = scratch(bytes);
      let at = 0;
      while (at < bytes) {
        const got = readSync(descriptor, buffer, at, bytes - at, start + at);
        if (got === 0)
          throw new RiffleError(
            'input-changed',
            `input ${files[partition]!.path}; it is shorter than when it was first read; restore it and run the same command again`,
          );
        at += got;
      }
      return buffer;
    },
  };
}
