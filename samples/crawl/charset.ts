/**
 * Encodes text in the legacy charsets of the web. Node decodes them all and encodes none, so each table is read off the decoder:
 * every one- and two-byte sequence is decoded, and what comes out as exactly one character is the way back.
 */
const tables = new Map<string, Map<string, number[]>>();

function tableOf(charset: string): Map<string, number[]> {
  const known = tables.get(charset);
  if (known) return known;
  const decoder = new TextDecoder(charset);
  const table = new Map<string, number[]>();
  const learn = (bytes: number[]) => {
    const character = decoder.decode(new Uint8Array(bytes));
    if (Array.from(character).length === 1 && character !== '\uFFFD' && !table.has(character))
      table.set(character, bytes);
  };
  for (let lead = 0; lead < 256; lead++) learn([lead]);
  for (let lead = 0x81; lead < 255; lead++) for (let trail = 0x40; trail < 255; trail++) learn([lead, trail]);
  tables.set(charset, table);
  return table;
}

/** Bytes of an HTML page in `charset`; a character that it lacks becomes a numeric reference, as real pages have it. */
export function encodeHtml(html: string, charset: string): Buffer {
  if (charset === 'utf-8') return Buffer.from(html, 'utf8');
  const table = tableOf(charset);
  const bytes: number[] = [];
  for (const character of html) {
    const encoded = table.get(character);
    if (encoded) bytes.push(...encoded);
    else bytes.push(...Buffer.from(`&#${character.codePointAt(0)};`, 'latin1'));
  }
  return Buffer.from(bytes);
}
