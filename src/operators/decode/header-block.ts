/** Fields of a WARC or HTTP header; names in lower case, repeated ones joined by a comma (RFC 9110, 5.3). */
export type HeaderFields = Record<string, string>;

/**
 * Index behind the blank line that ends a header, with CRLF or LF alone; -1 when it does not come before `limit`.
 * Crawls of 2009 mix both within one record.
 */
export function headerEnd(bytes: Buffer, from: number, limit: number): number {
  for (let at = bytes.indexOf(10, from); at >= 0 && at < limit; at = bytes.indexOf(10, at + 1)) {
    if (bytes[at + 1] === 10) return at + 2;
    if (bytes[at + 1] === 13 && bytes[at + 2] === 10) return at + 3;
  }
  return -1;
}

/** The first line and the fields behind it. A line that begins with a blank continues the one before. */
export function parseHeader(text: string): { first: string; fields: HeaderFields } {
  const lines = text.split(/\r?\n/);
  // No prototype: a field named `constructor` or `__proto__` is a field like any other.
  const fields: HeaderFields = Object.create(null);
  let name = '';
  for (const line of lines.slice(1)) {
    if (name !== '' && (line.startsWith(' ') || line.startsWith('\t'))) {
      const value = line.trim();
      fields[name] = fields[name] === '' ? value : `${fields[name]} ${value}`;
      continue;
    }
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    fields[name] = fields[name] === undefined ? value : `${fields[name]}, ${value}`;
  }
  return { first: lines[0] ?? '', fields };
}
