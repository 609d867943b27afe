import { styleText } from 'node:util';

/** Two texts beside each other, wrapped into two columns; lines that only one of them has are marked. Rows as strings. */
export function sideBySide(left: string, right: string, widthColumns: number, maxRows: number): string[] {
  const width = Math.max(20, Math.floor((widthColumns - 3) / 2));
  const a = sentences(left);
  const b = sentences(right);
  const inA = new Set(a.map(folded));
  const inB = new Set(b.map(folded));
  const rows: string[] = [];
  const leftRows = a.flatMap((line) => wrap(line, width).map((part) => ({ part, own: !inB.has(folded(line)) })));
  const rightRows = b.flatMap((line) => wrap(line, width).map((part) => ({ part, own: !inA.has(folded(line)) })));
  for (let i = 0; i < Math.min(maxRows, Math.max(leftRows.length, rightRows.length)); i++)
    rows.push(`${cell(leftRows[i], width)} ${styleText('dim', '│')} ${cell(rightRows[i], width)}`);
  const more = Math.max(leftRows.length, rightRows.length) - maxRows;
  if (more > 0) rows.push(styleText('dim', `… ${more} more rows`));
  return rows;
}

/** One text, wrapped; at most `maxRows` rows. */
export function wrapped(text: string, width: number, maxRows: number): string[] {
  const rows = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .flatMap((line) => wrap(line, width));
  return rows.length <= maxRows
    ? rows
    : [...rows.slice(0, maxRows), styleText('dim', `… ${rows.length - maxRows} more rows`)];
}

function cell(row: { part: string; own: boolean } | undefined, width: number): string {
  if (row === undefined) return ' '.repeat(width);
  const padded = row.part + ' '.repeat(Math.max(0, width - columns(row.part)));
  return row.own ? styleText('yellow', padded) : padded;
}

const sentences = (text: string) => text.split(/\n+|(?<=[.!?。！？])\s*/u).filter((line) => line.trim() !== '');
const folded = (line: string) =>
  line
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();

/** East Asian wide characters take two columns, marks of Thai, Arabic and Devanagari none. */
const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]|[\u{1f300}-\u{1faff}]|[\u{20000}-\u{3fffd}]/u;
const marks = /[\p{Mn}\p{Me}]/u;
const columnsOf = (c: string): number => (wide.test(c) ? 2 : marks.test(c) ? 0 : 1);
function columns(text: string): number {
  let sum = 0;
  for (const c of text) sum += columnsOf(c);
  return sum;
}

function wrap(text: string, width: number): string[] {
  const rows: string[] = [];
  let row = '';
  let used = 0;
  // Control characters of a record must not reach the terminal.
  for (const piece of text.replaceAll(/\p{Cc}/gu, ' ').split(/(?<=\s)|(?=[\u2e80-\ua4cf])/u)) {
    const size = columns(piece);
    if (used + size > width && used > 0) {
      rows.push(row);
      row = '';
      used = 0;
    }
    if (size <= width) {
      row += piece;
      used += size;
      continue;
    }
    for (const c of piece) {
      const one = columnsOf(c);
      if (used + one > width) {
        rows.push(row);
        row = '';
        used = 0;
      }
      row += c;
      used += one;
    }
  }
  if (row !== '') rows.push(row);
  return rows;
}
