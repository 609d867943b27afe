/**
 * Where a JSON record can begin its own output: the output is spliced together from the record's bytes, never serialised again.
 *
 * The contract's own keys have to come first; keys of the producer's that follow them go into `metadata`, as text. Anything else (a key twice, an
 * own key behind a foreign one, escapes in a key, a line break) is left to the slow way, which gives the same output.
 */

export interface Splice {
  /** The opening brace. */
  readonly start: number;
  /** Behind the last of the own members. */
  readonly end: number;
  /** What is appended there: `,"metadata":{…}` with the foreign members, or empty. */
  readonly tail: string;
}

const quote = 34;
const comma = 44;
const colon = 58;
const backslash = 92;
const openBrace = 123;
const closeBrace = 125;

const ownStrings: ReadonlySet<string> = new Set(['id', 'url', 'text', 'timestamp', 'source', 'license']);
/** Keys that are no foreign members, or that text cannot be compared with. */
export const refusedKey: RegExp = /^(?:html|signals|decision|position|__proto__)(?:\.|$)|\\/;

/** `bytes`: UTF-8 of one object that JSON.parse has accepted. */
export function spliceOf(bytes: Buffer): Splice | undefined {
  if (bytes.includes(10) || bytes.includes(13)) return undefined;
  const start = bytes.indexOf(openBrace);
  const seen = new Set<string>();
  const foreign: string[] = [];
  let end = start + 1;
  let at = skipBlank(bytes, start + 1);
  while (bytes[at] === quote) {
    const keyEnd = stringEnd(bytes, at);
    const key = bytes.toString('latin1', at + 1, keyEnd - 1);
    const valueStart = skipBlank(bytes, bytes.indexOf(colon, keyEnd) + 1);
    const valueEnd = endOfValue(bytes, valueStart);
    if (seen.has(key) || refusedKey.test(key)) return undefined;
    seen.add(key);
    if (isOwn(key, bytes[valueStart]!)) {
      if (foreign.length > 0) return undefined;
      end = valueEnd;
    } else if (ownStrings.has(key) || key === 'metadata') return undefined;
    else foreign.push(`${bytes.toString('utf8', at, keyEnd)}:${bytes.toString('utf8', valueStart, valueEnd)}`);
    at = skipBlank(bytes, valueEnd);
    if (bytes[at] === comma) at = skipBlank(bytes, at + 1);
  }
  if (bytes[at] !== closeBrace || !seen.has('id') || !seen.has('text')) return undefined;
  if (foreign.length === 0) return { start, end, tail: '' };
  return seen.has('metadata') ? undefined : { start, end, tail: `,"metadata":{${foreign.join(',')}}` };
}

/** A key of the contract with a value of its type. */
function isOwn(key: string, first: number): boolean {
  return ownStrings.has(key) ? first === quote : key === 'metadata' && first === openBrace;
}

function skipBlank(bytes: Buffer, from: number): number {
  let at = from;
  while (bytes[at] === 32 || bytes[at] === 9) at++;
  return at;
}

/** Behind the closing quote of the string that begins at `start`. */
function stringEnd(bytes: Buffer, start: number): number {
  for (let at = start + 1; ; at++) {
    at = bytes.indexOf(quote, at);
    let slashes = 0;
    while (bytes[at - 1 - slashes] === backslash) slashes++;
    if (slashes % 2 === 0) return at + 1;
  }
}

function endOfValue(bytes: Buffer, start: number): number {
  const first = bytes[start];
  if (first === quote) return stringEnd(bytes, start);
  if (first === openBrace || first === 91) return endOfNested(bytes, start);
  let at = start;
  while (at < bytes.length && bytes[at] !== comma && bytes[at] !== closeBrace && bytes[at]! > 32) at++;
  return at;
}

function endOfNested(bytes: Buffer, start: number): number {
  let depth = 0;
  for (let at = start; at < bytes.length; at++) {
    const code = bytes[at];
    if (code === quote) at = stringEnd(bytes, at) - 1;
    else if (code === openBrace || code === 91) depth++;
    else if ((code === closeBrace || code === 93) && --depth === 0) return at + 1;
  }
  return bytes.length;
}
