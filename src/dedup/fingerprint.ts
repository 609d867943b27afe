import type { FingerprintOptions } from './options.ts';
import type { Fingerprinter } from './sketch.ts';
import { createTwinFingerprinter } from './twin.ts';

/** A fingerprinter for one thread; two with the same options write the same bytes. */
export function createFingerprinter(options: FingerprintOptions): Fingerprinter {
  return createTwinFingerprinter(options);
}
