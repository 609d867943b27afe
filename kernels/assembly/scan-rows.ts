// What a text is made of, a row for each part: the host reads them when the text is at its end, or when they are many.
import { CHUNK_EXTRA, CHUNK_EXTRA_BYTES } from './chunks';

/** Eight i32 each: kind, two places in the text, five numbers. */
export const SCAN_ROWS: usize = 0x20000;
const ROWS_END: usize = 0x40000;
/** The text; behind it at least eight spaces. */
export const SCAN_TEXT: usize = CHUNK_EXTRA + <usize>CHUNK_EXTRA_BYTES;

/** Kinds of rows: a line as Python's `splitlines()` has it, some of them without a word, a line between line feeds, a paragraph. */
export const LINE: i32 = 0;
const EMPTY_LINES: i32 = 1;
export const RAW_LINE: i32 = 2;
export const PARAGRAPH: i32 = 3;

let row: usize = SCAN_ROWS;

export function beginRows(): void {
  row = SCAN_ROWS;
}

export function rowCount(): i32 {
  return <i32>((row - SCAN_ROWS) >> 5);
}

/** Whether the next unit of the text may make more rows than there is room for. */
export function rowsAreFull(): bool {
  return row > ROWS_END - 5 * 32;
}

export function place(address: usize): i32 {
  return <i32>((address - SCAN_TEXT) >> 1);
}

export function addRow(kind: i32, from: usize, to: usize, a: i32, b: i32, c: i32, d: i32, e: i32): void {
  v128.store(row, i32x4(kind, place(from), place(to), a));
  v128.store(row, i32x4(b, c, d, e), 16);
  row += 32;
}

export function addEmptyLines(count: i32): void {
  addRow(EMPTY_LINES, SCAN_TEXT, SCAN_TEXT, count, 0, 0, 0, 0);
}
