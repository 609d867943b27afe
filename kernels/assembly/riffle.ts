// Everything that the host may call. Each instance serves one purpose: fingerprints, one history generation, or one window.
export { begin, configure, feed, finish } from './fingerprint';
export { FINGERPRINT_BYTES, FOLD, FOLD_BYTES, PIECE, SKETCH, TEXT } from './layout';
