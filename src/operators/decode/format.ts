import type { InputFormat } from './types.ts';

export type Container = 'plain' | 'gzip' | 'zstd';

/** What the first bytes of a file say: how it is packed, or why it is refused. */
export type ContainerGuess = { readonly container: Container } | { readonly refused: string };

const refusedMagics: ReadonlyArray<readonly [number[], string]> = [
  [[0x04, 0x22, 0x4d, 0x18], 'lz4'],
  [[0x02, 0x21, 0x4c, 0x18], 'lz4 (legacy)'],
  [[0x42, 0x5a, 0x68], 'bzip2'],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], 'xz'],
  [[0x50, 0x4b, 0x03, 0x04], 'a zip archive'],
  [[0x37, 0x7a, 0xbc, 0xaf], 'a 7z archive'],
  [[0x25, 0x50, 0x44, 0x46, 0x2d], 'PDF'],
];

function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, i) => bytes[i] === byte);
}

/** Packing by magic bytes. The first 8 bytes are enough. */
export function guessContainer(bytes: Uint8Array): ContainerGuess {
  if (startsWith(bytes, [0x1f, 0x8b])) return { container: 'gzip' };
  if (startsWith(bytes, [0x28, 0xb5, 0x2f, 0xfd])) return { container: 'zstd' };
  // A zstd skippable frame: 0x184D2A50 to 0x184D2A5F, little endian.
  if ((bytes[0]! & 0xf0) === 0x50 && startsWith(bytes.subarray(1), [0x2a, 0x4d, 0x18])) return { container: 'zstd' };
  const refused = refusedMagics.find(([magic]) => startsWith(bytes, magic));
  return refused ? { refused: refused[1] } : { container: 'plain' };
}

export type FormatGuess = { readonly format: InputFormat } | { readonly refused: string };

/** How many bytes `guessFormat` looks at. */
export const sniffBytes = 64 * 1024;

/**
 * Format by content. The name decides only where content cannot: whether markup is a page or Markdown with markup in it,
 * and whether a file whose first line is broken is JSON lines or text.
 */
export function guessFormat(content: Buffer, name: string): FormatGuess {
  const bytes = content.subarray(0, sniffBytes);
  if (startsWith(bytes, [0x50, 0x41, 0x52, 0x31])) return { format: 'parquet' };
  if (/^\s*WARC\/\d/.test(bytes.toString('latin1', 0, 64))) return { format: 'warc' };

  const extension = /\.([a-z]+)(?:\.(?:gz|zst))?$/i.exec(name)?.[1]?.toLowerCase() ?? '';
  const utf16 = startsWith(bytes, [0xff, 0xfe]) || startsWith(bytes, [0xfe, 0xff]);
  if (!utf16 && isBinary(bytes) && !jsonNames.has(extension)) return { refused: 'unknown binary data' };

  const head = new TextDecoder(utf16 ? (bytes[0] === 0xff ? 'utf-16le' : 'utf-16be') : 'utf-8').decode(bytes);
  const json = guessJson(head);
  if (json) return utf16 ? { refused: 'JSON in UTF-16' } : { format: json };
  if (/<!doctype\s+html|<html[\s>]|<head[\s>]|<body[\s>]/i.test(head.slice(0, 4096)) && /^\s*</.test(head))
    return { format: 'html' };
  if (htmlNames.has(extension)) return { format: 'html' };
  if (jsonNames.has(extension)) return { format: 'jsonl' };
  return { format: 'text' };
}

const htmlNames = new Set(['html', 'htm', 'xhtml']);
const jsonNames = new Set(['jsonl', 'ndjson', 'json']);

/** NUL bytes or more than 1 in 20 control characters: not text in any charset that a crawl serves. */
function isBinary(bytes: Buffer): boolean {
  let controls = 0;
  for (const byte of bytes) {
    if (byte === 0) return true;
    if (byte < 32 && byte !== 9 && byte !== 10 && byte !== 12 && byte !== 13 && byte !== 27) controls++;
  }
  return controls * 20 > bytes.length;
}

/** `json`: one document over several lines, or an array of documents. `jsonl`: a document a line. */
function guessJson(head: string): 'json' | 'jsonl' | undefined {
  const start = /^\s*/.exec(head)![0].length;
  const opening = head.slice(start, start + 4096);
  if (/^\[\s*[{\]]/.test(opening)) return 'json';
  if (!/^\{\s*["}]/.test(opening)) return undefined;
  const lineEnd = head.indexOf('\n', start);
  if (lineEnd < 0) return 'jsonl';
  // A document that goes on behind its first line: the next line is no document of its own.
  return !isBalanced(head.slice(start, lineEnd)) && !/^\s*\{/.test(head.slice(lineEnd)) ? 'json' : 'jsonl';
}

function isBalanced(line: string): boolean {
  let depth = 0;
  for (let i = 0; i < line.length; i++) {
    const character = line[i];
    if (character === '"') {
      for (i++; i < line.length && line[i] !== '"'; i++) if (line[i] === '\\') i++;
      if (i >= line.length) return true; // a string cannot span lines: a broken line, not an open document
    } else if (character === '{' || character === '[') depth++;
    else if (character === '}' || character === ']') depth--;
  }
  return depth <= 0;
}
