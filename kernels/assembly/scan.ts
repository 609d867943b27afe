// Reads a text chunk by chunk, once: sums over its chunks, and a row for each line and paragraph. The rules are the host's: src/operators/filters/scanner.ts.
import {
  CHUNK_KINDS,
  beginChunks,
  COUNTS,
  chunkHash,
  chunkTo,
  ENDED,
  FLAGS,
  findChunk,
  INSIDE,
  passChunk,
  tokensOf,
  vacantSlot,
} from './chunks';
import { beginGrams, layGrams, pushGrams } from './grams';
import {
  addEmptyLines,
  addRow,
  beginRows,
  LINE,
  PARAGRAPH,
  place,
  RAW_LINE,
  rowCount,
  rowsAreFull,
  SCAN_TEXT,
} from './scan-rows';

/** What the kernel tells the host, i32 each: see `leave`. */
export const SCAN_STATE: usize = 0x400;
/** Code points, tokens, words that are not only punctuation and their code points; words with a letter, "#", ellipses, units: of all chunks, i32 each. */
export const SCAN_SUMS: usize = 0x440;
/** A chunk that the host has worked out: its counts like the sums; flags, sentences inside and ended, address of its tokens: i32 each. */
export const SCAN_GIVEN: usize = 0x480;
/** What the host says on return: nothing, that the chunk is given, that it is to be taken as it is known. */
const GIVEN: i32 = 1;
const AS_KNOWN: i32 = 2;
/** Answers. */
const DONE: i32 = 0;
const UNKNOWN: i32 = 1;
const IN_CONTEXT: i32 = 2;
const ROWS: i32 = 3;

/** Kinds of units that are no part of a chunk. */
const BLANK: u32 = 1;
const RETURN: u32 = 3;
const FEED: u32 = 4;

/** Of the flags: the tokens depend on the chunk's neighbours. */
const HAS_MERGE: u32 = 128;

const STEP: u64 = 0xd6e8feb86659fd93;

let at: usize = 0;
let end: usize = 0;
/** Behind the last chunk of the text. */
let bodyEnd: usize = 0;
let flagsSeen: u32 = 0;
let blanks: i32 = 0;
let feeds: i32 = 0;

/** The last chunk. */
let lastEnd: usize = 0;
let lastFlags: u32 = 0;

/** The line as `splitlines()` has it. */
let open: bool = false;
let lineFrom: usize = 0;
let words: i32 = 0;
let lineFlags: u32 = 0;
let firstFlags: u32 = 0;
let longest: i32 = 0;
let sentences: i32 = 1;
let ended: bool = false;

/** The line between line feeds, and the paragraph. */
let rawStart: usize = 0;
let rawHash: u64 = 0;
let rawPoints: i32 = 0;
let rawFull: i32 = 0;
let paragraphStart: usize = 0;
let paragraphHash: u64 = 0;
let paragraphPoints: i32 = 0;

/** Lays the memory out for texts of up to `units` units; returns where it ends. `givenTokens`: most tokens of a given chunk. */
export function scanLayout(units: i32, givenTokens: i32): usize {
  const grams = SCAN_TEXT + ((<usize>units) << 1) + 64;
  const given = layGrams(grams, units);
  store<u32>(SCAN_GIVEN, <u32>given, 44);
  return given + 12 * <usize>givenTokens;
}

/** Makes ready for the text of `units` units at SCAN_TEXT. */
export function scanBegin(units: i32, countGrams: i32): void {
  at = SCAN_TEXT;
  end = at + ((<usize>units) << 1);
  const blank = i16x8.splat(0x20);
  v128.store(end, blank);
  v128.store(end, blank, 16);
  bodyEnd = end;
  while (bodyEnd > at && kindOf(bodyEnd - 2)) bodyEnd -= 2;
  beginChunks();
  beginRows();
  flagsSeen = 0;
  blanks = feeds = 0;
  v128.store(SCAN_SUMS, i32x4.splat(0));
  v128.store(SCAN_SUMS, i32x4.splat(0), 16);
  lastEnd = 0;
  lastFlags = 0;
  open = false;
  beginLine();
  beginRaw();
  paragraphStart = 0;
  beginGrams(countGrams != 0);
}

function kindOf(unit: usize): u32 {
  return <u32>load<u8>(CHUNK_KINDS + <usize>load<u16>(unit));
}

function beginLine(): void {
  open = false;
  words = 0;
  lineFlags = 0;
  longest = 0;
  sentences = 1;
  ended = false;
}

function beginRaw(): void {
  rawStart = at;
  rawHash = 0;
  rawPoints = 0;
  rawFull = 0;
}

function beginParagraph(): void {
  paragraphStart = at;
  paragraphHash = 0;
  paragraphPoints = 0;
}

function endLine(): void {
  if (words == 0) addEmptyLines(1);
  else {
    // Of the first chunk only its beginning matters, of the last only its end: the host knows which flags are whose.
    addRow(
      LINE,
      lineFrom,
      lastEnd,
      words,
      <i32>lineFlags,
      longest,
      sentences,
      <i32>(firstFlags & 1) | <i32>(lastFlags & 0xfe),
    );
  }
  beginLine();
}

function endRaw(): void {
  if (at > rawStart)
    addRow(RAW_LINE, rawStart, at, <i32>(rawHash >> 32), rawPoints, rawFull, lastEnd == at ? <i32>lastFlags : 0, 0);
}

function endParagraph(to: usize): void {
  addRow(PARAGRAPH, paragraphStart, to, <i32>(paragraphHash >> 32), paragraphPoints, 0, 0, 0);
}

/** Takes in the chunk from `at` to `to`, with its counts, two words each, and tokens. */
function take(first: v128, second: v128, flags: u32, inside: i32, endedBefore: i32, tokens: usize, to: usize): void {
  v128.store(SCAN_SUMS, i32x4.add(v128.load(SCAN_SUMS), first));
  v128.store(SCAN_SUMS, i32x4.add(v128.load(SCAN_SUMS, 16), second), 16);
  flagsSeen |= flags;
  const points = i32x4.extract_lane(first, 0);
  if (words == 0) {
    firstFlags = flags;
    lineFrom = at;
  } else if (ended && (lastEnd != at - 2 || load<u16>(lastEnd) != 0x20)) {
    // White space that is not a single space is a token of its own, and starts the next sentence.
    sentences++;
    ended = false;
  }
  words++;
  lineFlags |= flags;
  longest = max(longest, points);
  const started = ended ? endedBefore : inside;
  sentences += started >> 1;
  ended = (started & 1) != 0;
  lastEnd = to;
  lastFlags = flags;
  open = true;

  const hash = chunkHash;
  rawFull = 1;
  rawHash = (rawHash ^ hash) * STEP;
  rawPoints += points;
  if (!paragraphStart) beginParagraph();
  paragraphHash = (paragraphHash ^ hash) * STEP;
  paragraphPoints += points;
  pushGrams(at, to, tokens, i32x4.extract_lane(first, 1));
  passChunk();
  at = to;
}

function takeSlot(slot: usize, flags: u32, to: usize): void {
  const counts = i16x8.extend_low_i8x16_u(v128.load64_zero(slot, COUNTS));
  const first = i32x4.extend_low_i16x8_u(counts);
  const tokens = tokensOf(slot, i32x4.extract_lane(first, 1));
  take(
    first,
    i32x4.extend_high_i16x8_u(counts),
    flags,
    <i32>load<u16>(slot, INSIDE),
    <i32>load<u16>(slot, ENDED),
    tokens,
    to,
  );
}

function takeGiven(): void {
  const given = SCAN_GIVEN;
  take(
    v128.load(given),
    v128.load(given, 16),
    load<u32>(given, 32),
    load<i32>(given, 36),
    load<i32>(given, 40),
    <usize>load<u32>(given, 44),
    at + ((<usize>load<u32>(given, 28)) << 1),
  );
}

function readFeeds(): void {
  if (open) endLine();
  else addEmptyLines(1);
  endRaw();
  const from = at;
  while (load<u16>(at) == 0x0a) at += 2;
  const count = <i32>((at - from) >> 1);
  if (count > 1) addEmptyLines(count - 1);
  feeds += count;
  beginRaw();
  if (!paragraphStart || at > bodyEnd) return;
  if (count == 1) {
    paragraphHash = (paragraphHash ^ 0x0a) * STEP;
    paragraphPoints++;
  } else {
    endParagraph(from);
    beginParagraph();
  }
}

function readBlank(kind: u32): void {
  // A blank line is a line as soon as there is anything in it.
  if (kind == BLANK || (kind == RETURN && load<u16>(at, 2) == 0x0a)) open = true;
  else if (open) endLine();
  else addEmptyLines(1);
  const unit = <u64>load<u16>(at);
  rawHash = (rawHash ^ unit) * STEP;
  rawPoints++;
  if (paragraphStart && at < bodyEnd) {
    paragraphHash = (paragraphHash ^ unit) * STEP;
    paragraphPoints++;
  }
  blanks++;
  at += 2;
}

function leave(answer: i32, to: usize): i32 {
  store<i32>(SCAN_STATE, place(at));
  store<i32>(SCAN_STATE, place(to), 4);
  store<u32>(SCAN_STATE, <u32>(chunkHash >> 32), 8);
  store<u32>(SCAN_STATE, <u32>vacantSlot, 12);
  store<i32>(SCAN_STATE, rowCount(), 16);
  store<u32>(SCAN_STATE, flagsSeen, 20);
  store<i32>(SCAN_STATE, blanks, 24);
  store<i32>(SCAN_STATE, feeds, 28);
  if (answer == ROWS) beginRows();
  return answer;
}

/**
 * Goes on until the text is read (DONE), a chunk is not known (UNKNOWN) or depends on its neighbours (IN_CONTEXT), both of them described in the state, or
 * there is no room for more rows (ROWS: the host takes them). `given`: what has become of the chunk of the last answer.
 */
export function scanText(given: i32): i32 {
  if (given == GIVEN) takeGiven();
  let asKnown = given == AS_KNOWN;
  while (true) {
    const kind = at < end ? kindOf(at) : FEED;
    if (!kind) {
      const slot = findChunk(at, end);
      if (!slot) return leave(UNKNOWN, chunkTo);
      const flags = load<u32>(slot, FLAGS);
      if (flags & HAS_MERGE && !asKnown) return leave(IN_CONTEXT, chunkTo);
      asKnown = false;
      takeSlot(slot, flags, chunkTo);
      continue;
    }
    if (rowsAreFull()) return leave(ROWS, at);
    if (at >= end) break;
    if (kind == FEED) readFeeds();
    else readBlank(kind);
  }
  if (open) endLine();
  endRaw();
  if (paragraphStart) endParagraph(bodyEnd);
  return leave(DONE, at);
}
