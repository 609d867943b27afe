// Everything that the host may call. Each instance serves one purpose: fingerprints, one generation of the history, or one window.
export { begin, configure, feedUtf16, feedUtf8, finish } from './fingerprint';
export {
  HISTORY_BATCH,
  HISTORY_FILTER,
  HISTORY_INSERTED,
  HISTORY_MASKS,
  HISTORY_SKETCHES,
  historyConfigure,
  historyDecide,
} from './history';
export { JSON_BYTES, JSON_FOUND, JSON_IN, JSON_MEMORY, readJson } from './json';
export { FINGERPRINT_BYTES, FOLD, FOLD_BYTES, PIECE, SKETCH, TEXT } from './layout';
export {
  ANSWER_BYTES,
  WINDOW_ANSWERS,
  WINDOW_BATCH,
  WINDOW_INSERTED,
  WINDOW_OFFSETS,
  WINDOW_PARTITIONS,
  WINDOW_SKETCHES,
  WINDOW_TABLE,
  windowBytes,
  windowConfigure,
  windowDecide,
  windowLevel,
  windowNext,
  windowRestore,
} from './window';
