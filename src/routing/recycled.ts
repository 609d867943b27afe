import type { Allocate } from './lines.ts';

/** Buffers that come back from the main thread: fresh ones by the megabyte keep its garbage collector busy. */
export interface Recycled {
  readonly allocate: Allocate;
  give(buffers: readonly ArrayBuffer[]): void;
}

/** Kept for later use. */
const MOST = 16;

export function createRecycled(): Recycled {
  let free: ArrayBuffer[] = [];
  return {
    allocate(bytes) {
      // Not one that is far too large: it would be missing where it fits.
      const i = free.findIndex(({ byteLength }) => byteLength >= bytes && byteLength <= 4 * bytes + 65_536);
      if (i < 0) return Buffer.allocUnsafeSlow(bytes);
      const [found] = free.splice(i, 1);
      return Buffer.from(found!);
    },
    give(buffers) {
      free = [...buffers, ...free].slice(0, MOST);
    },
  };
}
