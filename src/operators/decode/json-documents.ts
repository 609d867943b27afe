import type { ByteWindow } from './byte-window.ts';
import type { DecodeLimits, RawBatch } from './types.ts';

/** Not yet written: reads nothing. */
export async function* readJsonDocuments(
  _window: ByteWindow,
  _limits: DecodeLimits,
  _addressable: boolean,
): AsyncGenerator<RawBatch> {}
