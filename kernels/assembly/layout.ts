// Where the fingerprinter keeps what, in its own instance. The host reads these addresses from the exports.

/** Text that one call of `feed` takes at most. */
export const PIECE: i32 = 65536;
/** A text's sketch is that of its first half million distinct shingles; its exact key is that of the whole. */
export const MAX_SHINGLES: i32 = 1 << 19;
/** A longer word is cut. */
export const MAX_WORD: i32 = 256;

/** The finished sketch, at most 32 keys, 256 bytes of rows, exact key, count. */
export const SKETCH: usize = 0x1000;
/** Sketch rows before they are cut to 4 bits: u64 each. */
export const ROWS: usize = 0x2000;
/** Fold table: u32 page number for each 256 code points, then pages of 256 u64 entries, then longer foldings. Filled by the host. */
export const FOLD: usize = 0x10000;
export const FOLD_BYTES: i32 = 0x1f0000;
export const TEXT: usize = 0x200000;
/** Folded bytes: an unfinished word of the piece before, then this piece; no folding is longer than 15 bytes for each byte of text. */
export const FOLDED: usize = 0x220000;
/** Address and length, u32 each, of the words of the piece in work. */
export const WORDS: usize = 0x340000;
/** A polynomial over the first n tokens, u64 for each n: the last tokens of the piece before, then this piece's; a byte of text makes at most two. */
export const PREFIXES: usize = 0x480000;
/** 1 for each token that is one character of an unsegmented script, u8. */
export const KINDS: usize = 0x5c0000;
/** Distinct shingle hashes, u32, in text order; behind them those of the piece in work. */
export const SHINGLES: usize = 0x600000;
/** Open-addressed set of them, u32, at most a quarter full. */
export const SET: usize = 0x900000;
export const FINGERPRINT_BYTES: usize = 0x1100000;
