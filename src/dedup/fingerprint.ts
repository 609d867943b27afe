import { createKernelFingerprinter } from './kernel-fingerprinter.ts';
import type { FingerprintOptions } from './options.ts';
import { createReferenceFingerprinter } from './reference-fingerprinter.ts';
import type { Fingerprinter } from './sketch.ts';

/**
 * A fingerprinter for one thread; two with the same options write the same bytes.
 * `ConfigError` when the kernels have not been built.
 */
export function createFingerprinter(options: FingerprintOptions): Fingerprinter {
  return options.engine === 'kernel' ? createKernelFingerprinter(options) : createReferenceFingerprinter(options);
}
