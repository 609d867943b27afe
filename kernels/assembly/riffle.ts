// Everything that the host may call. Each instance serves one purpose: JSON records, fingerprints, one generation of the history, one window,
// languages, rules, or WordPiece.
export { CHUNK_EXTRA, CHUNK_EXTRA_BYTES, CHUNK_KINDS, CHUNK_SLOT_BITS, CHUNK_SLOTS, CHUNK_UNITS } from './chunks';
export { begin, configure, feedUtf16, feedUtf8, finish } from './fingerprint';
export { beginTop, findCandidates, gramsFull, repeatedGrams, topGram } from './grams';
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
export {
  addWords,
  LANGUAGE_BYTES,
  LANGUAGE_MEMORY,
  LANGUAGE_SLOT_BITS,
  LANGUAGE_STATE,
  LANGUAGE_SUM,
  LANGUAGE_TEXT,
  LANGUAGE_WORDS,
} from './language';
export { FINGERPRINT_BYTES, FOLD, FOLD_BYTES, PIECE, SKETCH, TEXT } from './layout';
export { SCAN_GIVEN, SCAN_STATE, SCAN_SUMS, scanBegin, scanLayout, scanText } from './scan';
export { SCAN_ROWS, SCAN_TEXT } from './scan-rows';
export { UNITS_SECRET } from './units';
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
export {
  PIECES_BYTES,
  PIECES_GAPS,
  PIECES_IDS,
  PIECES_LOWER,
  PIECES_RUNS,
  PIECES_SLOTS,
  PIECES_STATE,
  PIECES_TEXT,
  piecesBytes,
  readPieces,
} from './wordpiece';
