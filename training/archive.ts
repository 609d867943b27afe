import { gunzipSync } from 'node:zlib';

const BLOCK = 512;

/** Regular files of a tar archive (POSIX ustar and GNU long names), gzip-compressed, in the archive's order. */
export function* tarFiles(archive: Uint8Array): Generator<{ name: string; bytes: Uint8Array }> {
  const tar = gunzipSync(archive);
  const field = (at: number, length: number): string => tar.toString('latin1', at, at + length).replace(/\0.*$/s, '');
  let longName: string | undefined;
  for (let at = 0; at + BLOCK <= tar.length && tar[at] !== 0; ) {
    const size = Number.parseInt(field(at + 124, 12).trim() || '0', 8);
    const type = field(at + 156, 1) || '0';
    const prefix = field(at + 257, 5) === 'ustar' ? field(at + 345, 155) : '';
    const bytes = tar.subarray(at + BLOCK, at + BLOCK + size);
    if (type === 'L') longName = bytes.toString('utf8').replace(/\0.*$/s, '');
    else {
      if (type === '0')
        yield { name: longName ?? (prefix === '' ? field(at, 100) : `${prefix}/${field(at, 100)}`), bytes };
      longName = undefined;
    }
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
}

/** Rows of an RFC 4180 file as objects by the names in its first row. */
export function csvRows(text: string): Record<string, string>[] {
  const rows: string[][] = [];
  let row: string[] = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y;
  while (cell.lastIndex < text.length) {
    const match = cell.exec(text);
    if (match === null) throw new Error(`CSV row ${rows.length}; a quotation mark out of place; check the file`);
    row.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] !== ',') {
      rows.push(row);
      row = [];
    }
  }
  const [names = [], ...data] = rows;
  return data.map((cells) => Object.fromEntries(names.map((name, i) => [name, cells[i] ?? ''])));
}
