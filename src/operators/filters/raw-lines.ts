import { ENDS_TERMINAL } from './chunk-flags.ts';
import { SegmentSet } from './segment-set.ts';

/** A line that FineWeb calls short has at most this many code points. */
const shortLine = 30;

/** Lines between line feeds and paragraphs between two or more: how many there are, and how many repeat an earlier one. */
export class RawLines {
  /** Gopher's: runs without a line feed, and the empty ones at either end of the text. */
  lines = 0;
  duplicates = 0;
  duplicatePoints = 0;
  /** FineWeb's: those that are not blank. */
  fullLines = 0;
  fullTerminated = 0;
  fullShort = 0;
  fullDuplicatePoints = 0;
  paragraphs = 0;
  duplicateParagraphs = 0;
  duplicateParagraphPoints = 0;
  readonly #seenLines = new SegmentSet();
  readonly #seenParagraphs = new SegmentSet();

  begin(text: string): void {
    this.#seenLines.begin();
    this.#seenParagraphs.begin();
    const starts = text.startsWith('\n') || text === '';
    const ends = text.endsWith('\n');
    this.lines = (starts ? 1 : 0) + (ends ? 1 : 0);
    this.duplicates = starts && ends ? 1 : 0;
    this.duplicatePoints = 0;
    this.fullLines = 0;
    this.fullTerminated = 0;
    this.fullShort = 0;
    this.fullDuplicatePoints = 0;
    this.paragraphs = 0;
    this.duplicateParagraphs = 0;
    this.duplicateParagraphPoints = 0;
  }

  /** `units[from, to)` has `points` code points; `full`: it is not blank; `endFlags`: those of the chunk that it ends with. */
  line(
    units: Uint16Array,
    from: number,
    to: number,
    hash: number,
    points: number,
    full: boolean,
    endFlags: number,
  ): void {
    this.lines++;
    const duplicate = this.#seenLines.seen(units, from, to, hash);
    if (duplicate) {
      this.duplicates++;
      this.duplicatePoints += points;
    }
    if (!full) return;
    this.fullLines++;
    if (duplicate) this.fullDuplicatePoints += points;
    if (endFlags & ENDS_TERMINAL) this.fullTerminated++;
    if (points <= shortLine) this.fullShort++;
  }

  paragraph(units: Uint16Array, from: number, to: number, hash: number, points: number): void {
    this.paragraphs++;
    if (!this.#seenParagraphs.seen(units, from, to, hash)) return;
    this.duplicateParagraphs++;
    this.duplicateParagraphPoints += points;
  }
}
