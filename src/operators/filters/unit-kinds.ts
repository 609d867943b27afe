import { bmpClasses, SPACE } from './character-classes.ts';

/** What a UTF-16 unit is to the scanner. */
export const WORD = 0;
export const BLANK = 1;
/** Ends a line for Python's `splitlines()`; a carriage return only when no line feed follows. */
export const BREAK = 2;
export const RETURN = 3;
export const FEED = 4;

export const kinds: Uint8Array = (() => {
  const table = new Uint8Array(0x10000);
  for (let unit = 0; unit < 0x10000; unit++) if (bmpClasses[unit]! & SPACE) table[unit] = BLANK;
  for (const unit of [0x0b, 0x0c, 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029]) table[unit] = BREAK;
  table[0x0d] = RETURN;
  table[0x0a] = FEED;
  return table;
})();

export const SPACE_UNIT = 0x20;
