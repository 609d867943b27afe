import { ByteWindow, readBytes } from './byte-window.ts';
import { type Container, guessContainer, guessFormat, sniffBytes } from './format.ts';
import { openInflate } from './inflate-source.ts';
import { readJsonDocuments } from './json-documents.ts';
import { readLines } from './lines.ts';
import { readParquet } from './parquet.ts';
import { alignToRecord, canAlign, type Positioned, positionAt } from './position.ts';
import { openPlain } from './plain-source.ts';
import { decodeError } from './reasons.ts';
import {
  type DecodeLimits,
  deadLetterBytes,
  defaultDecodeLimits,
  type InputFile,
  type InputFormat,
  type RawBatch,
} from './types.ts';
import { readWarc } from './warc.ts';
import { readWhole } from './whole.ts';

export interface SourceOptions {
  /** Where to begin: 0n, or the `next` of a record, or the `to` of a batch. */
  readonly from?: bigint;
  /** Where to stop; a line start of plain JSON lines, from `splitPlainLines`. */
  readonly to?: bigint;
  readonly limits?: Partial<DecodeLimits>;
}

export interface Detected {
  readonly container: Container;
  readonly format?: InputFormat;
  readonly refused?: string;
  /** JSON only: the documents are elements of one array. */
  readonly isArray?: boolean;
}

/**
 * The records of one file, in order, in batches of about a megabyte.
 * A record's own fault comes as a record with `error`; a file that cannot be read at all is one such record. Throws only for I/O errors.
 */
export async function* openSource(file: InputFile, options: SourceOptions = {}): AsyncGenerator<RawBatch> {
  const limits = { ...defaultDecodeLimits, ...options.limits };
  const from = Number(options.from ?? 0n);
  const to = options.to === undefined ? undefined : Number(options.to);
  const { window, detected } = await openWindow(file);
  try {
    if (detected.refused !== undefined) {
      if (from === 0) yield refusal(file, detected.refused, window);
      return;
    }
    if (detected.format === undefined) return;
    if (detected.format === 'parquet') {
      yield* readParquet(file, from, limits);
      return;
    }
    const whole = detected.format === 'html' || detected.format === 'text';
    if (whole && from > 0) return;
    const positioned = await positionAt(window, file, detected, from);
    if (!positioned) return;
    try {
      yield* readSegments(positioned, detected, limits, to);
    } finally {
      if (positioned.window !== window) await positioned.window.close();
    }
  } finally {
    await window.close();
  }
}

/** What `openSource` would take the file for; `undefined` for an empty or refused one. */
export async function detectFormat(
  file: InputFile,
): Promise<{ container: Container; format: InputFormat | undefined; refused?: string }> {
  const { window, detected } = await openWindow(file);
  await window.close();
  const { container, format, refused } = detected;
  return refused === undefined ? { container, format } : { container, format, refused };
}

function readFormat(
  window: ByteWindow,
  detected: Detected,
  limits: DecodeLimits,
  to: number | undefined,
): AsyncGenerator<RawBatch> {
  const addressable = detected.container === 'plain';
  if (detected.format === 'jsonl') return readLines(window, limits, { addressable, to });
  if (detected.format === 'json')
    return readJsonDocuments(window, limits, { addressable, isArray: detected.isArray ?? false });
  if (detected.format === 'warc') return readWarc(window, limits);
  return readWhole(window, detected.format === 'html' ? 'html' : 'text', limits, addressable);
}

/** A sound file is one segment; where compression is broken, reading goes on behind it. */
async function* readSegments(
  { window, behindDamage }: Positioned,
  detected: Detected,
  limits: DecodeLimits,
  to: number | undefined,
): AsyncGenerator<RawBatch> {
  const { format } = detected;
  for (let align = behindDamage; ; align = true) {
    const from = window.base;
    if (align && canAlign(format)) await alignToRecord(window, format);
    if (window.base > from)
      yield { format, from: BigInt(from), to: BigInt(window.base), addressable: false, records: [] };
    yield* readFormat(window, detected, limits, to);
    if (!canAlign(format) || !(await window.resume())) return;
  }
}

/** Opens the file and looks at its beginning. The window keeps what was read. */
async function openWindow(file: InputFile): Promise<{ window: ByteWindow; detected: Detected }> {
  const plain = new ByteWindow(await openPlain(file.path), 0, readBytes(file.sizeBytes));
  await plain.fill(0);
  const guess = guessContainer(plain.bytes);
  if ('refused' in guess) return { window: plain, detected: { container: 'plain', refused: guess.refused } };
  if (guess.container === 'plain')
    return { window: plain, detected: { container: 'plain', ...detect(plain, file.path) } };

  await plain.close();
  const window = new ByteWindow(await openInflate(file.path, guess.container));
  await window.fill(0);
  const { container } = guess;
  const inner = guessContainer(window.bytes);
  if ('refused' in inner || inner.container !== 'plain') {
    const what = 'refused' in inner ? inner.refused : inner.container;
    return { window, detected: { container, refused: `${what} inside ${container}` } };
  }
  const found = detect(window, file.path);
  if (found.format === 'parquet') return { window, detected: { container, refused: `Parquet inside ${container}` } };
  return { window, detected: { container, ...found } };
}

function detect(window: ByteWindow, path: string): Omit<Detected, 'container'> {
  // Nothing came out: an empty file has no record; a broken one still needs its dead letter, which any reader gives.
  if (window.bytes.length === 0) return window.damage ? { format: 'text' } : {};
  const guess = guessFormat(window.bytes, path);
  if (!('format' in guess) || guess.format !== 'json') return guess;
  return { ...guess, isArray: /^\s*\[/.test(window.bytes.toString('utf8', 0, sniffBytes)) };
}

function refusal(file: InputFile, what: string, window: ByteWindow): RawBatch {
  const message = `${file.path}; it is ${what}; give plain, gzip or zstd files of WARC, JSON, Parquet, HTML or text`;
  const next = BigInt(Math.max(1, file.sizeBytes));
  const bytes = Buffer.from(window.bytes.subarray(0, deadLetterBytes));
  const record = { offset: 0n, next, kind: 'text', bytes, error: decodeError('decode.unsupported', message) } as const;
  return { format: undefined, from: 0n, to: next, addressable: false, records: [record] };
}

/**
 * Cuts plain JSON lines into consecutive ranges of about `targetBytes`, each of which begins at a line start,
 * so that several workers can read one file. `undefined` for any other input: it is one range.
 */
export async function splitPlainLines(
  file: InputFile,
  targetBytes: number,
): Promise<Array<{ from: bigint; to: bigint }> | undefined> {
  const detected = await detectFormat(file);
  if (detected.container !== 'plain' || detected.format !== 'jsonl') return undefined;
  const cuts = [0];
  for (let at = targetBytes; at < file.sizeBytes; ) {
    const cut = await nextLineStart(file.path, at);
    if (cut === undefined || cut >= file.sizeBytes) break;
    cuts.push(cut);
    at = cut + targetBytes;
  }
  return cuts.map((cut, i) => ({ from: BigInt(cut), to: BigInt(cuts[i + 1] ?? file.sizeBytes) }));
}

async function nextLineStart(path: string, at: number): Promise<number | undefined> {
  const window = new ByteWindow(await openPlain(path, at), at, 1 << 16);
  try {
    while (await window.fill(window.bytes.length)) {
      const end = window.bytes.indexOf(10);
      if (end >= 0) return window.base + end + 1;
    }
    return undefined;
  } finally {
    await window.close();
  }
}
