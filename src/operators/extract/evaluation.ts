import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { decodeText } from '../decode/index.ts';

/** One page of trafilatura's evaluation: text that must come out, and text that must not. */
export interface EvaluationPage {
  file: string;
  html: string;
  with: string[];
  without: string[];
}

export interface ExtractionScore {
  precision: number;
  recall: number;
  f1: number;
  truePositives: number;
  falsePositives: number;
  falseNegatives: number;
  /** Pages without any text. */
  empty: number;
}

/** Reads `evaldata.json` and `pages.tar.gz` from `folder`. */
export function loadEvaluation(folder: string): EvaluationPage[] {
  const pages = new Map<string, Buffer>();
  for (const [name, bytes] of tarFiles(gunzipSync(readFileSync(path.join(folder, 'pages.tar.gz'))))) {
    pages.set(path.posix.basename(name).normalize('NFC'), bytes);
  }
  const labels: Record<string, { file: string; with: string[]; without: string[] }> = JSON.parse(
    readFileSync(path.join(folder, 'evaldata.json'), 'utf8'),
  );
  return Object.values(labels).map((label) => {
    const bytes = pages.get(label.file.normalize('NFC'));
    if (bytes === undefined)
      throw new Error(`page ${label.file}; it is not in pages.tar.gz; get the shared data again`);
    return { file: label.file, html: decodeText(bytes, undefined, true), with: label.with, without: label.without };
  });
}

/**
 * The figures of trafilatura's own evaluation: white space is folded, every `with` and `without` string is looked for as a
 * substring, and the counts of all pages are added up before precision and recall are taken (micro average).
 */
export function scoreExtraction(
  pages: readonly EvaluationPage[],
  textOf: (page: EvaluationPage) => string,
): ExtractionScore {
  let truePositives = 0;
  let falsePositives = 0;
  let falseNegatives = 0;
  let empty = 0;
  for (const page of pages) {
    const text = folded(textOf(page));
    if (text === '') empty++;
    const isFound = (wanted: string): boolean => text !== '' && text.includes(folded(wanted));
    const found = page.with.filter(isFound).length;
    truePositives += found;
    falseNegatives += page.with.length - found;
    falsePositives += page.without.filter(isFound).length;
  }
  return {
    precision: truePositives / (truePositives + falsePositives),
    recall: truePositives / (truePositives + falseNegatives),
    f1: (2 * truePositives) / (2 * truePositives + falsePositives + falseNegatives),
    truePositives,
    falsePositives,
    falseNegatives,
    empty,
  };
}

function folded(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

/** Regular files of a tar archive (POSIX.1-2001: 512-byte headers; a pax header may give the next file's path). */
function* tarFiles(archive: Buffer): Generator<[name: string, bytes: Buffer]> {
  let longName: string | undefined;
  for (let at = 0; at + 512 <= archive.length && archive[at] !== 0; ) {
    const size = Number.parseInt(field(archive, at + 124, 12), 8);
    const type = String.fromCharCode(archive[at + 156]!);
    const bytes = archive.subarray(at + 512, at + 512 + size);
    if (type === 'x') longName = /\d+ path=(.*)\n/.exec(bytes.toString('utf8'))?.[1];
    else if (type === 'L') longName = bytes.toString('utf8').replace(/\0.*$/, '');
    else {
      if (type === '0' || type === '\0') yield [longName ?? field(archive, at, 100), bytes];
      longName = undefined;
    }
    at += 512 + 512 * Math.ceil(size / 512);
  }
}

function field(archive: Buffer, at: number, length: number): string {
  const bytes = archive.subarray(at, at + length);
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end < 0 ? length : end);
}
