import { open } from 'node:fs/promises';
import type { ByteSource } from './byte-window.ts';

/** The bytes of a file as they are, from `start` on. */
export async function openPlain(path: string, start = 0): Promise<ByteSource> {
  const handle = await open(path, 'r');
  let position = start;
  return {
    damage: undefined,
    async readInto(target, at) {
      const { bytesRead } = await handle.read(target, at, target.length - at, position);
      position += bytesRead;
      return bytesRead;
    },
    close: () => handle.close(),
  };
}
