/** A member of a JSON object as it is written: `key` decoded, the value's text at `[start, end)`. */
export interface JsonMember {
  readonly key: string;
  readonly start: number;
  readonly end: number;
}

export interface JsonObjectScan {
  readonly members: JsonMember[];
  /** Index of the opening brace. */
  readonly open: number;
  /** Index of the closing brace. */
  readonly close: number;
}

const quote = 34;
const backslash = 92;
const openBrace = 123;
const closeBrace = 125;

/**
 * Where the members of a JSON object lie, so that their text can be reused byte for byte (integers above 2^53, long decimals).
 * The text from `from` on must begin with an object that JSON.parse has accepted: nothing is validated here.
 */
export function scanObject(text: string, from = 0): JsonObjectScan {
  const open = text.indexOf('{', from);
  const members: JsonMember[] = [];
  let at = skipBlank(text, open + 1);
  while (text.charCodeAt(at) !== closeBrace) {
    const keyEnd = stringEnd(text, at);
    const rawKey = text.slice(at + 1, keyEnd - 1);
    const key = rawKey.includes('\\') ? String(JSON.parse(`"${rawKey}"`)) : rawKey;
    const start = skipBlank(text, text.indexOf(':', keyEnd) + 1);
    const end = valueEnd(text, start);
    members.push({ key, start, end });
    at = skipBlank(text, end);
    if (text.charCodeAt(at) === 44) at = skipBlank(text, at + 1);
  }
  return { members, open, close: at };
}

function skipBlank(text: string, from: number): number {
  let at = from;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return at;
    at++;
  }
}

/** Index behind the closing quote of the string that begins at `start`. */
function stringEnd(text: string, start: number): number {
  for (let at = start + 1; ; at++) {
    at = text.indexOf('"', at);
    if (at < 0) return text.length;
    let slashes = 0;
    while (text.charCodeAt(at - 1 - slashes) === backslash) slashes++;
    if (slashes % 2 === 0) return at + 1;
  }
}

function valueEnd(text: string, start: number): number {
  const first = text.charCodeAt(start);
  if (first === quote) return stringEnd(text, start);
  if (first === openBrace || first === 91) return nestedEnd(text, start);
  let at = start;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 44 || code === closeBrace || code === 93 || code <= 32) return at;
  }
  return at;
}

function nestedEnd(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) at = stringEnd(text, at) - 1;
    else if (code === openBrace || code === 91) depth++;
    else if ((code === closeBrace || code === 93) && --depth === 0) return at + 1;
  }
  return text.length;
}
