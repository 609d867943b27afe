/**
 * What counts as the same text. Folding turns each code point into bytes:
 * a part of a word (UTF-8), a separator, or nothing.
 *
 * - compatibility forms are undone (NFKD), case is folded by way of upper case (ß is SS, ς is Σ),
 * - diacritics of scripts that spell without them, and invisible format characters, vanish,
 * - a letter, mark or digit of a script that puts no spaces between words is a word of its own,
 * - every other letter, number and mark is a part of a word; all else separates words.
 *
 * It works code point by code point, so the NFC and NFD form of a text fold to the same bytes.
 */
export const SEPARATOR = 0x00;
/** First byte of a word that is one character of an unsegmented script. */
export const UNSEGMENTED = 0x01;
/** Longer words are cut: nobody writes them, and the kernel holds at most this much of an unfinished word. */
export const MAX_WORD_BYTES = 256;

const vanishing =
  /^(?:\p{Cf}|\u0640|(?=\p{M})(?:\p{Script=Inherited}|\p{Script=Latin}|\p{Script=Greek}|\p{Script=Cyrillic}|\p{Script=Arabic}|\p{Script=Hebrew}|\p{Script=Syriac}))$/u;
const unsegmented =
  /^(?=[\p{L}\p{M}\p{N}])(?:\p{scx=Han}|\p{scx=Hiragana}|\p{scx=Katakana}|\p{scx=Thai}|\p{scx=Lao}|\p{scx=Khmer}|\p{scx=Myanmar})$/u;
const wordPart = /^[\p{L}\p{M}\p{N}]$/u;
const digit = /^\p{Nd}$/u;
const encoder = new TextEncoder();

/** Folded bytes of one code point; of none, for those that vanish. Surrogates are separators. */
export function foldCodePoint(codePoint: number, foldDigits = false): number[] {
  if (codePoint >= 0xd800 && codePoint <= 0xdfff) return [SEPARATOR];
  const bytes: number[] = [];
  for (const form of caseFolded(String.fromCodePoint(codePoint))) bytes.push(...bytesOf(form, foldDigits));
  return bytes;
}

function caseFolded(character: string): string[] {
  const upper = character.normalize('NFKD').toUpperCase();
  // One by one: a final sigma is made from what stands around it.
  const lower = Array.from(upper, (c) => c.toLowerCase()).join('');
  return Array.from(lower.normalize('NFKD'));
}

function bytesOf(character: string, foldDigits: boolean): number[] {
  if (vanishing.test(character)) return [];
  if (foldDigits && digit.test(character)) return [0x30];
  if (unsegmented.test(character)) return [SEPARATOR, UNSEGMENTED, ...encoder.encode(character), SEPARATOR];
  if (wordPart.test(character)) return [...encoder.encode(character)];
  return [SEPARATOR];
}
