/**
 * Sift's work on one source partition, in a worker thread: read, decode, run the operators, fingerprint, and pack what came out into pairs of
 * blocks. Stateless: where it begins is all it needs to know.
 */
import type { Fingerprinter, FingerprintResult } from '../dedup/sketch.ts';
import type { RecordError } from '../errors.ts';
import type { Failure } from '../model/reasons.ts';
import { headJson, identityOf, type SourcePosition } from '../model/record.ts';
import {
  ASKED,
  DEAD,
  INLINE,
  INSERTED,
  type SiftedEntry,
  SKIPPED,
  SOURCE,
  STUB,
  siftedWriter,
} from '../model/sifted.ts';
import { writeSketchBlock } from '../model/sketches.ts';
import type { ChainResult } from '../operators/chain.ts';
import { decodeRecord } from '../operators/decode/decode.ts';
import { decodeError } from '../operators/decode/reasons.ts';
import type { PlainJsonReader, PlainRecord } from '../operators/decode/plain-json.ts';
import type { DecodedDocument, DecodeLimits, DecodeRejection, RawBatch, RawRecord } from '../operators/decode/types.ts';
import type { Splice } from '../operators/decode/splice.ts';
import type { Draft } from '../operators/operator.ts';
import { deadLetter, problemOf } from './dead-letter.ts';
import { withRetryOf } from './retried.ts';

export interface SiftOptions {
  readonly rawTopic: string;
  readonly configHash: bigint;
  readonly blockRecords: number;
  readonly blockBytes: number;
  /** A block is closed when it is this old, full or not. */
  readonly blockFlushMs: number;
  readonly deadLetterBytes: number;
  readonly decode: DecodeLimits;
}

export interface SiftTools {
  /** Undefined in a topology without operators: its texts go from the record to the fingerprint without becoming strings. */
  readonly run: ((draft: Draft) => ChainResult) | undefined;
  readonly plainJson: PlainJsonReader;
  readonly fingerprinter: Fingerprinter;
  /** Called before the next records are looked for, from that offset on. */
  readonly reading: (partition: number, offset: bigint) => void;
  /** Called before each record with its offset: what the watchdog looks at. */
  readonly begin: (partition: number, offset: bigint) => void;
  /** The error when reading on from that offset, or a later one below it, has killed or outlasted a worker before. */
  readonly unreadable: (partition: number, offset: bigint) => RecordError | undefined;
  /** Offsets of this partition that killed or outlasted a worker before: dead letters with that error. */
  readonly poisoned: (partition: number, offset: bigint) => RecordError | undefined;
}

export interface SiftedPair {
  readonly partition: number;
  readonly from: bigint;
  readonly to: bigint;
  readonly records: number;
  readonly bytes: number;
  readonly sifted: Uint8Array<ArrayBuffer>;
  readonly sketch: Uint8Array<ArrayBuffer>;
}

export interface SourcePartition {
  readonly partition: number;
  /** Name of the partition in positions: the path of the file, or the number of the topic's partition. */
  readonly name: string | number;
  /** Where the read begins. */
  readonly from: bigint;
}

const noFailures: readonly Failure[] = [];
const asDecoded = ({ text = '' }: Pick<Draft, 'text'>): ChainResult => ({
  text,
  language: '',
  title: undefined,
  signals: '',
  failures: noFailures,
});
const untouched = asDecoded({ text: undefined });

/** Turns the batches of one partition into pairs of blocks that cover `[from, end)` without a gap between them. */
export async function* siftPartition(
  source: SourcePartition,
  batches: AsyncIterable<RawBatch>,
  tools: SiftTools,
  options: SiftOptions,
): AsyncGenerator<SiftedPair> {
  const sifted = siftedWriter();
  const { stride } = tools.fingerprinter;
  const offsets = new BigUint64Array(options.blockRecords);
  const exact = new BigUint64Array(options.blockRecords);
  const kinds = new Uint8Array(options.blockRecords);
  const sketches = new Uint8Array(options.blockRecords * stride);
  let from = source.from;
  let listed = 0;
  let sketched = 0;
  let bytes = 0;
  let begunMs = performance.now();

  function close(to: bigint): SiftedPair {
    const sketch = writeSketchBlock({
      partition: source.partition,
      from,
      to,
      config: options.configHash,
      count: listed,
      stride,
      offsets,
      exact,
      kinds,
      sketches: sketches.subarray(0, sketched * stride),
    });
    const pair = {
      partition: source.partition,
      from,
      to,
      records: listed,
      bytes,
      sifted: sifted.take(source.partition, from, to),
      sketch,
    };
    from = to;
    listed = sketched = bytes = 0;
    begunMs = performance.now();
    return pair;
  }

  let end = from;
  for await (const batch of watched(source, batches, tools)) {
    for (const record of batch.records) {
      tools.begin(source.partition, record.offset);
      const entry = siftRecord(source, batch, record, tools, options, sketches, sketched * stride);
      sifted.add(entry);
      bytes += record.bytes.length;
      end = record.next;
      if (entry.shape !== SKIPPED) {
        offsets[listed] = entry.offset;
        exact[listed] = entry.exact;
        kinds[listed] = entry.kind;
        if (entry.kind !== STUB) sketched++;
        listed++;
      }
      if (
        listed === options.blockRecords ||
        sifted.count === 4 * options.blockRecords ||
        sifted.bytes >= options.blockBytes ||
        performance.now() - begunMs >= options.blockFlushMs
      )
        yield close(end);
    }
    end = batch.to;
  }
  if (end > from) yield close(end);
}

/** Tells before each step that this is reading; where reading on is not to be tried again, the rest of the partition is one bad record. */
async function* watched(
  { partition, from }: SourcePartition,
  batches: AsyncIterable<RawBatch>,
  { reading, unreadable }: SiftTools,
): AsyncGenerator<RawBatch> {
  let at = from;
  const iterator = batches[Symbol.asyncIterator]();
  try {
    for (;;) {
      const error = unreadable(partition, at);
      if (error) {
        const record: RawRecord = { offset: at, next: at + 1n, kind: 'text', bytes: new Uint8Array(0), error };
        yield { format: undefined, from: at, to: at + 1n, addressable: false, records: [record] };
        return;
      }
      reading(partition, at);
      const step = await iterator.next();
      if (step.done) return;
      yield step.value;
      at = step.value.to;
    }
  } finally {
    await iterator.return?.();
  }
}

/** One record through decode, operators and fingerprint. Every way out of here is an entry: nothing disappears. */
function siftRecord(
  source: SourcePartition,
  batch: RawBatch,
  record: RawRecord,
  tools: SiftTools,
  options: SiftOptions,
  sketches: Uint8Array,
  at: number,
): SiftedEntry {
  const position: SourcePosition = { topic: options.rawTopic, partition: source.name, offset: record.offset };
  if (record.skipped) return stub(record, SKIPPED, record.skipped, noFailures);
  try {
    const error = record.error ?? tools.poisoned(source.partition, record.offset);
    if (error) throw error;
    const plain = record.kind === 'json' ? tools.plainJson.read(record.bytes) : undefined;
    if (plain) return markRetried(siftPlain(batch, record, plain, tools, sketches, at), record);
    const decoded = decodeRecord(record, options.decode);
    if ('rejected' in decoded) return markRetried(rejectedByDecode(record, decoded, position), record);
    return markRetried(siftDocument(batch, record, decoded, position, tools, sketches, at), record);
  } catch (error) {
    const problem = problemOf(error);
    const head = deadLetter(record, problem, position, options.deadLetterBytes);
    return stub(record, DEAD, head, [{ reason: problem.code, value: '', limit: '' }]);
  }
}

/** What `siftDocument` makes of a record whose text lies there in UTF-8, for less. */
function siftPlain(
  batch: RawBatch,
  record: RawRecord,
  { splice, text, url }: PlainRecord,
  { run, fingerprinter }: SiftTools,
  sketches: Uint8Array,
  at: number,
): SiftedEntry {
  const result = run ? run({ url: url(), html: undefined, text: utf8(text), language: '' }) : untouched;
  const print = fingerprinter.fingerprint(text, sketches, at);
  return {
    offset: record.offset,
    exact: exactKey(print),
    kind: result.failures.length > 0 ? ASKED : INSERTED,
    ...splicedBody(batch, record, splice),
    signals: result.signals,
    language: result.language,
    retried: false,
    failures: result.failures,
  };
}

function siftDocument(
  batch: RawBatch,
  record: RawRecord,
  decoded: DecodedDocument,
  position: SourcePosition,
  tools: SiftTools,
  sketches: Uint8Array,
  at: number,
): SiftedEntry {
  const { run = asDecoded } = tools;
  const result = run({ url: decoded.url, html: decoded.html, text: decoded.text, language: '' });
  // Without an extractor in the topology a page has no text: what other operators say of it is said of an empty document.
  if (decoded.html !== undefined && result.text === '' && result.failures[0]?.reason !== 'extract.empty')
    throw decodeError('decode.noText', 'page; this topology takes extracted text; use web-crawl, which extracts it');
  const print = result.text === '' ? undefined : tools.fingerprinter.fingerprint(result.text, sketches, at);
  return {
    offset: record.offset,
    exact: print === undefined ? 0n : exactKey(print),
    kind: print === undefined ? STUB : result.failures.length > 0 ? ASKED : INSERTED,
    ...bodyOf(batch, record, decoded, result, position),
    signals: result.signals,
    language: result.language,
    retried: false,
    failures: result.failures,
  };
}

type EntryBody = Pick<SiftedEntry, 'shape' | 'head' | 'sourceStart' | 'sourceBytes'>;

const carried = (head: string | Uint8Array): EntryBody => ({ shape: INLINE, head, sourceStart: 0, sourceBytes: 0 });

/** The output object as it will begin: left in the source where it can be read again, else carried along. */
function bodyOf(
  batch: RawBatch,
  record: RawRecord,
  decoded: DecodedDocument,
  result: ChainResult,
  position: SourcePosition,
): EntryBody {
  if (decoded.splice === undefined) return carried(documentHead(decoded, result, position));
  return splicedBody(batch, record, decoded.splice);
}

function splicedBody({ addressable }: RawBatch, record: RawRecord, { start, end, tail }: Splice): EntryBody {
  if (!addressable) return carried(Buffer.concat([record.bytes.subarray(start, end), Buffer.from(tail)]));
  return { shape: SOURCE, head: tail, sourceStart: Number(record.offset) + start, sourceBytes: end - start };
}

const utf8 = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();

const exactKey = (print: FingerprintResult): bigint =>
  (BigInt(print.exactHigh >>> 0) << 32n) | BigInt(print.exactLow >>> 0);

function documentHead(decoded: DecodedDocument, result: ChainResult, position: SourcePosition): string {
  return headJson({
    id: decoded.id ?? identityOf(position),
    url: decoded.url,
    text: result.text,
    timestamp: decoded.timestamp,
    source: decoded.source,
    license: decoded.license,
    metadataJson:
      decoded.metadataJson ?? (result.title === undefined ? undefined : JSON.stringify({ title: result.title })),
  });
}

function rejectedByDecode(record: RawRecord, rejection: DecodeRejection, position: SourcePosition): SiftedEntry {
  const head = headJson({
    id: rejection.id ?? identityOf(position),
    url: rejection.url,
    text: '',
    timestamp: rejection.timestamp,
  });
  return stub(record, INLINE, head, [{ reason: rejection.rejected, value: rejection.value, limit: rejection.limit }]);
}

/** A retried record says whose retry it is. */
function markRetried(entry: SiftedEntry, { retryOf }: RawRecord): SiftedEntry {
  if (retryOf === undefined) return entry;
  const head = typeof entry.head === 'string' ? entry.head : Buffer.from(entry.head).toString();
  return { ...entry, head: withRetryOf(head, retryOf), retried: true };
}

function stub(record: RawRecord, shape: number, head: string, failures: readonly Failure[]): SiftedEntry {
  return {
    offset: record.offset,
    exact: 0n,
    kind: STUB,
    shape,
    head,
    sourceStart: 0,
    sourceBytes: 0,
    signals: '',
    language: '',
    retried: false,
    failures,
  };
}
