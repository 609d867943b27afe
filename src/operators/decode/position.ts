import { ByteWindow, readBytes } from './byte-window.ts';
import type { Container } from './format.ts';
import { openPlain } from './plain-source.ts';
import type { InputFile, InputFormat } from './types.ts';
import { findRecordStart, syncBytes } from './warc-frame.ts';

/** Formats in which a record start can be found from anywhere. */
export function canAlign(format: InputFormat | undefined): format is 'jsonl' | 'warc' {
  return format === 'jsonl' || format === 'warc';
}

/** A window whose first byte is where reading begins. */
export interface Positioned {
  readonly window: ByteWindow;
  /** That byte lies right behind damage, so what is left of the record that it cut comes first. */
  readonly behindDamage: boolean;
}

/**
 * Moves to offset `from`, the end of a record or batch: plain files seek, compressed ones decode and discard.
 * `undefined` when the stream ends before it.
 */
export async function positionAt(
  window: ByteWindow,
  file: InputFile,
  { container, format }: { container: Container; format?: InputFormat },
  from: number,
): Promise<Positioned | undefined> {
  if (from === 0) return { window, behindDamage: false };
  if (container === 'plain') {
    if (from > file.sizeBytes) return undefined;
    const source = await openPlain(file.path, from);
    return { window: new ByteWindow(source, from, readBytes(file.sizeBytes)), behindDamage: false };
  }
  let segment = 0;
  for (;;) {
    while (window.end < from && (await window.fill(window.bytes.length)));
    if (window.end >= from) break;
    if (!canAlign(format) || !(await window.resume())) return undefined;
    segment = window.base;
  }
  window.drop(from - window.base);
  return { window, behindDamage: segment === from };
}

/** Behind damage: passes over the rest of a record, to the next one that begins. It belongs to the damage. */
export async function alignToRecord(window: ByteWindow, format: 'jsonl' | 'warc'): Promise<void> {
  if (window.bytes.length === 0) await window.fill(0);
  if (format === 'jsonl' && window.bytes[0] === 0x7b) return;
  for (;;) {
    const { bytes, ended } = window;
    const start = format === 'jsonl' ? bytes.indexOf(10) + 1 : findRecordStart(bytes, 0, ended);
    if (format === 'jsonl' ? start > 0 : start >= 0) return window.drop(start);
    if (ended) return window.drop(bytes.length);
    // A WARC record start may be cut by the buffer's end, and needs the line break before it.
    const overlap = format === 'jsonl' ? 0 : Math.min(bytes.length, syncBytes + 1);
    await window.fill(bytes.length - overlap);
  }
}
