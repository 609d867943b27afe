import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { ConfigError, FatalError } from '../errors.ts';
import { createExactKeys, emptyTable } from './exact-keys.ts';
import { createHistory } from './history.ts';
import type { IndexParts } from './near-duplicate-index.ts';
import { configHash, type DedupOptions } from './options.ts';
import { createWindow } from './window.ts';

/**
 * A snapshot is: 8 bytes of magic, the length of the header (u32), the header (JSON), then for each section its bytes and their CRC-32 (u32).
 * The header itself is the first section. Numbers are little-endian.
 */
const MAGIC = Buffer.from('RIFFLEDX');
const VERSION = 1;
const PIECE_BYTES = 4 * 1024 * 1024;

const headerSchema = z.strictObject({
  version: z.number(),
  configHash: z.string(),
  shard: z.int(),
  shards: z.int(),
  documents: z.int(),
  generations: z.array(z.strictObject({ number: z.int(), capacity: z.int(), documents: z.int(), bitsSet: z.int() })),
  nearby: z
    .strictObject({
      next: z.string(),
      level: z.int(),
      starts: z.array(z.tuple([z.int(), z.int()])),
      exact: z.array(z.strictObject({ places: z.int(), keys: z.int() })).length(2),
    })
    .nullable(),
});

type Header = z.infer<typeof headerSchema>;

/** The index in pieces of at most 4 MiB. They are views of its memory: write each before asking for the next. */
export function* saveIndex(
  options: DedupOptions,
  shard: number,
  parts: IndexParts,
  documents: number,
): Iterable<Uint8Array> {
  const { history, nearby } = parts;
  const state = nearby?.window.state();
  const header: Header = {
    version: VERSION,
    configHash: configHash(options),
    shard,
    shards: options.shards,
    documents,
    generations: history.generations.map((generation) => generation.state),
    nearby:
      nearby && state
        ? {
            next: state.next.toString(),
            level: state.level,
            starts: [...nearby.starts],
            exact: nearby.exact.tables().map(({ places, keys }) => ({ places, keys })),
          }
        : null,
  };
  const json = Buffer.from(JSON.stringify(header));
  yield Buffer.concat([MAGIC, u32(json.length)]);
  yield* section(json);
  for (const generation of history.generations) yield* section(generation.filter());
  if (!nearby) return;
  yield* section(nearby.window.memory());
  for (const { words } of nearby.exact.tables()) yield* section(bytesOf(words));
}

function* section(bytes: Uint8Array): Iterable<Uint8Array> {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    const piece = bytes.subarray(at, at + PIECE_BYTES);
    sum = crc32(piece, sum);
    yield piece;
  }
  yield u32(sum);
}

/** The parts that `saveIndex` wrote; nothing behind them is read. */
export function readIndex(
  options: DedupOptions,
  shard: number,
  source: Reader,
): { parts: IndexParts; documents: number } {
  const header = readHeader(source, options, shard);
  const history = createHistory(options, shard, header.generations);
  for (const generation of history.generations) source.section(generation.filter());
  return { parts: { history, nearby: readNearby(source, header, options) }, documents: header.documents };
}

function readNearby(source: Reader, { nearby }: Header, options: DedupOptions): IndexParts['nearby'] {
  if (!nearby) return undefined;
  const window = createWindow(options);
  source.section(window.restore({ next: BigInt(nearby.next), level: nearby.level }));
  const exact = createExactKeys(options.exact.documents);
  const [newer, older] = nearby.exact.map(({ places, keys }) => {
    const table = { ...emptyTable(places), keys };
    source.section(bytesOf(table.words));
    return table;
  });
  exact.restore(newer!, older!);
  return { window, exact, starts: new Map(nearby.starts) };
}

function readHeader(source: Reader, options: DedupOptions, shard: number): Header {
  const start = new Uint8Array(12);
  source.take(start);
  if (!MAGIC.equals(start.subarray(0, 8))) throw damaged('does not begin as one');
  const length = new DataView(start.buffer).getUint32(8, true);
  if (length > PIECE_BYTES) throw damaged('has an impossible header');
  const json = new Uint8Array(length);
  source.section(json);
  const header = headerSchema.parse(JSON.parse(new TextDecoder().decode(json)));
  const mismatch = (what: string, given: string | number, wanted: string | number) =>
    new ConfigError(
      'snapshot-mismatch',
      `dedup snapshot; ${what} ${given}, not ${wanted}; use the options that made it, or start over`,
    );
  if (header.version !== VERSION) throw mismatch('version', header.version, VERSION);
  const hash = configHash(options);
  if (header.configHash !== hash) throw mismatch('configuration', header.configHash, hash);
  if (header.shards !== options.shards) throw mismatch('shards', header.shards, options.shards);
  if (header.shard !== shard) throw mismatch('shard', header.shard, shard);
  return header;
}

export interface Reader {
  /** The next bytes. */
  readonly take: (target: Uint8Array) => void;
  /** The next bytes and their checksum. */
  readonly section: (target: Uint8Array) => void;
}

/** Of pieces of any size. */
export function readerOf(pieces: Iterable<Uint8Array>): Reader {
  const iterator = pieces[Symbol.iterator]();
  let rest: Uint8Array = new Uint8Array(0);
  const take = (target: Uint8Array) => {
    for (let at = 0; at < target.length; ) {
      if (rest.length === 0) {
        const next = iterator.next();
        if (next.done) throw damaged('is cut short');
        rest = next.value;
      }
      const part = rest.subarray(0, target.length - at);
      target.set(part, at);
      at += part.length;
      rest = rest.subarray(part.length);
    }
  };
  const section = (target: Uint8Array) => {
    take(target);
    const sum = new Uint8Array(4);
    take(sum);
    if (new DataView(sum.buffer).getUint32(0, true) !== crc32(target)) throw damaged('has a wrong checksum');
  };
  return { take, section };
}

function damaged(how: string): FatalError {
  return new FatalError('snapshot-damaged', `dedup snapshot; ${how}; use an older one`);
}

function u32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function bytesOf(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}
