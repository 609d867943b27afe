import { createRequire } from 'node:module';
import { deserialize, serialize } from 'node:v8';
import type BloomFilters from 'bloom-filters';
import { ConfigError, FatalError } from '../errors.ts';
import { containmentOf, similarityOf } from './estimates.ts';
import { generationCapacity } from './history.ts';
import type { IndexStats, NearDuplicateIndex } from './near-duplicate-index.ts';
import { configHash, type DedupOptions, windowDocuments } from './options.ts';
import { INSERTED, newVerdicts, type SketchBatch, sketchLayout, type Verdicts } from './sketch.ts';

/** Loaded when it is used: with what it needs it takes as long to load as all else that a worker thread needs. */
const bloomFilters = (): typeof BloomFilters => createRequire(import.meta.url)('bloom-filters') as typeof BloomFilters;

/** Set of the band keys of one generation: a filter, or for tests a real set. */
export interface KeySet {
  readonly has: (key: string) => boolean;
  readonly add: (key: string) => unknown;
}

/** A document in the window. */
interface Known {
  readonly ordinal: number;
  readonly rows: Uint8Array;
  readonly shingles: number;
  readonly partition: number;
  readonly offset: bigint;
  /** Keys that are its own, those of its copies included. */
  readonly keys: string[];
}

interface Original {
  readonly partition: number;
  readonly offset: bigint;
  copies: number;
}

interface Generation {
  readonly number: number;
  readonly capacity: number;
  /** Documents in the window when it began. */
  readonly start: number;
  documents: number;
  keys: KeySet;
}

interface State {
  documents: number;
  /** Documents that took a place in the window. */
  places: number;
  readonly ring: Map<number, Known>;
  readonly owners: Map<string, Known>;
  readonly originals: Map<string, Original>;
  readonly generations: Generation[];
}

interface Sketch {
  readonly keys: string[];
  readonly rows: Uint8Array;
  readonly shingles: number;
  readonly exact: string;
}

/** A classic Bloom filter of npm `bloom-filters` with the size that 12 bits a key give: rate = 0.6185^bits. */
export function bloomFilter(keys: number, bitsPerKey: number): KeySet {
  return bloomFilters().BloomFilter.create(keys, 0.6185 ** bitsPerKey);
}

/**
 * The index as maps and, by default, classic Bloom filters: what the kernels compute, written to be read. It is the twin that tests hold the
 * kernels against (with real sets for filters), and with npm `bloom-filters` the engine `reference`.
 */
export function createReferenceIndex(
  options: DedupOptions,
  newKeys = bloomFilter,
  restored?: State,
): NearDuplicateIndex {
  const hash = configHash(options);
  const state = restored ?? {
    documents: 0,
    places: 0,
    ring: new Map(),
    owners: new Map(),
    originals: new Map(),
    generations: [],
  };
  const layout = sketchLayout(options);

  const decide = (batch: SketchBatch): Verdicts => {
    const verdicts = newVerdicts(batch.count);
    for (let i = 0; i < batch.count; i++) {
      const sketch = readSketch(batch, i, options);
      const inserted = batch.kinds[i] === INSERTED;
      if (inserted) state.documents++;
      const original = seeExact(state, sketch, batch, i, inserted, options.exact.documents);
      verdicts.copies[i] = (original?.copies ?? 0) + 1;
      if (original) {
        verdicts.exact[i] = 1;
        name(verdicts, i, original, 1, 1);
      }
      if (original && inserted) original.copies++;
      if (sketch.shingles >= options.minShingles)
        decideNear(batch, i, sketch, verdicts, inserted, original !== undefined);
    }
    return verdicts;
  };

  const decideNear = (
    batch: SketchBatch,
    i: number,
    sketch: Sketch,
    verdicts: Verdicts,
    inserted: boolean,
    exact: boolean,
  ) => {
    const { capacity, best, similarity, known } = look(state, sketch, options);
    if (inserted) rotate(state, options, newKeys);
    for (const generation of state.generations) {
      if (state.places - generation.start <= capacity) break;
      const votes = sketch.keys.filter((key) => generation.keys.has(key) && !known.has(key)).length;
      if (votes === 0 || votes < verdicts.votes[i]!) continue;
      verdicts.votes[i] = votes;
      verdicts.generation[i] = generation.number;
    }
    if (best && !exact && similarity > 0)
      name(verdicts, i, best, similarity, containmentOf(similarity, sketch.shingles, best.shingles));
    if (!inserted) return;
    const newest = state.generations.at(-1)!;
    newest.documents++;
    for (const key of sketch.keys) newest.keys.add(key);
    const isCopy = best && Math.fround(similarity) >= Math.fround(options.window.similarity);
    const owner = isCopy ? best : place(state, sketch, batch.partitions[i]!, batch.offsets[i]!, capacity);
    for (const key of sketch.keys) {
      if (known.has(key)) continue;
      state.owners.set(key, owner);
      owner.keys.push(key);
    }
  };

  const decideShard: NearDuplicateIndex['decideShard'] = (batch) => ({
    shard: 0,
    shards: 1,
    configHash: hash,
    count: batch.count,
    generations: new Int32Array(0),
    bandMasks: new Uint32Array(0),
    window: {
      verdicts: decide(batch),
      bandMasks: new Uint32Array(batch.count),
      covered: new Float64Array(batch.count),
    },
  });

  return {
    options,
    configHash: hash,
    shard: 0,
    decide,
    decideShard,
    stats: () => statsOf(state, options, layout.stride),
    *save() {
      const generations = state.generations.map(({ keys, ...rest }) => ({ ...rest, keys: saveKeys(keys) }));
      yield serialize({ configHash: hash, state: { ...state, generations } });
    },
  };
}

/** What `save()` of the reference index wrote; for `ConfigError` and the rest see `loadIndex`. */
export function loadReferenceIndex(options: DedupOptions, pieces: Iterable<Uint8Array>): NearDuplicateIndex {
  const saved = readState(pieces);
  if (saved.configHash !== configHash(options)) {
    const message = `dedup snapshot; configuration ${saved.configHash}, not ${configHash(options)}; use the options that made it, or start over`;
    throw new ConfigError('snapshot-mismatch', message);
  }
  const generations = saved.state.generations.map((generation) => ({ ...generation, keys: loadKeys(generation.keys) }));
  return createReferenceIndex(options, bloomFilter, { ...saved.state, generations });
}

interface Saved {
  readonly configHash: string;
  readonly state: State & { generations: { keys: unknown }[] };
}

function readState(pieces: Iterable<Uint8Array>): Saved {
  try {
    return deserialize(Buffer.concat([...pieces])) as Saved;
  } catch (cause) {
    throw new FatalError('snapshot-damaged', 'dedup snapshot; cannot be read; use an older one', { cause });
  }
}

function saveKeys(keys: KeySet): unknown {
  return keys instanceof bloomFilters().BloomFilter ? keys.saveAsJSON() : keys;
}

function loadKeys(keys: unknown): KeySet {
  return keys instanceof Set ? keys : (bloomFilters().BloomFilter.fromJSON(keys as JSON) as KeySet);
}

function readSketch({ sketches }: SketchBatch, i: number, options: DedupOptions): Sketch {
  const layout = sketchLayout(options);
  const view = new DataView(sketches.buffer, sketches.byteOffset + i * layout.stride, layout.stride);
  return {
    keys: Array.from({ length: options.bands }, (_, band) => view.getBigUint64(band * 8, true).toString(36)),
    rows: sketches.slice(i * layout.stride + layout.rowsAt, i * layout.stride + layout.exactAt),
    shingles: view.getUint32(layout.shinglesAt, true),
    exact: view.getBigUint64(layout.exactAt, true).toString(36),
  };
}

/** The document with the same text that came before. The longest known is forgotten first. */
function seeExact(
  state: State,
  { exact }: Sketch,
  batch: SketchBatch,
  i: number,
  inserted: boolean,
  capacity: number,
): Original | undefined {
  const original = state.originals.get(exact);
  if (original || !inserted) return original;
  state.originals.set(exact, { partition: batch.partitions[i]!, offset: batch.offsets[i]!, copies: 1 });
  if (state.originals.size > capacity) state.originals.delete(state.originals.keys().next().value!);
  return undefined;
}

/** The most similar document of the window that shares a band, the earliest of several; and which keys have an owner there. */
function look(state: State, { keys, rows }: Sketch, options: DedupOptions) {
  const capacity = windowDocuments(options);
  const known = new Set(keys.filter((key) => state.owners.has(key)));
  let best: Known | undefined;
  let most = -1;
  for (const key of known) {
    const candidate = state.owners.get(key)!;
    const equal = equalRows(rows, candidate.rows);
    if (equal > most || (equal === most && candidate.ordinal < best!.ordinal)) [most, best] = [equal, candidate];
  }
  return { capacity, known, best, similarity: best ? similarityOf(most, options.verificationRows) : 0 };
}

function rotate({ generations, places }: State, options: DedupOptions, newKeys: typeof bloomFilter): void {
  const newest = generations.at(-1);
  if (newest && newest.documents < newest.capacity) return;
  const number = (newest?.number ?? -1) + 1;
  const capacity = generationCapacity(options, number);
  const keys = newKeys(capacity * options.bands, options.history.bitsPerKey);
  generations.push({ number, capacity, start: places, documents: 0, keys });
  if (generations.length > options.history.generations) generations.shift();
}

/** Gives a document the place of the one that falls out. */
function place(state: State, { rows, shingles }: Sketch, partition: number, offset: bigint, capacity: number): Known {
  const ordinal = state.places++;
  const oldest = state.ring.get(ordinal % capacity);
  for (const key of oldest?.keys ?? []) state.owners.delete(key);
  const known = { ordinal, rows, shingles, partition, offset, keys: [] };
  state.ring.set(ordinal % capacity, known);
  return known;
}

function name(
  verdicts: Verdicts,
  i: number,
  of: { partition: number; offset: bigint },
  similarity: number,
  containment: number,
) {
  verdicts.similarity[i] = similarity;
  verdicts.containment[i] = containment;
  verdicts.duplicatePartition[i] = of.partition;
  verdicts.duplicateOffset[i] = of.offset;
}

function equalRows(a: Uint8Array, b: Uint8Array): number {
  let equal = 0;
  for (let i = 0; i < a.length; i++) {
    const x = a[i]! ^ b[i]!;
    equal += (x & 15 ? 0 : 1) + (x & 240 ? 0 : 1);
  }
  return equal;
}

/** Bytes are those of the sketches; what the maps need beside them is not counted. */
function statsOf(state: State, options: DedupOptions, stride: number): IndexStats {
  const history = state.generations.map(({ number, documents, capacity }) => ({
    generation: number,
    documents,
    capacity,
    bytes: Math.ceil((capacity * options.bands * options.history.bitsPerKey) / 8),
    fill: documents / capacity / 2,
    estimatedFalsePositiveRate: 0.6185 ** ((options.history.bitsPerKey * capacity) / Math.max(1, documents)),
    alarm: false,
  }));
  const window = { documents: state.ring.size, capacity: windowDocuments(options), bytes: state.ring.size * stride };
  const exact = { keys: state.originals.size, bytes: state.originals.size * 24 };
  return {
    documents: state.documents,
    window,
    exact,
    history,
    bytes: history.reduce((sum, { bytes }) => sum + bytes, window.bytes + exact.bytes),
    fill: Math.max(0, ...history.map(({ fill }) => fill)),
    estimatedFalsePositiveRate: Math.max(0, ...history.map((generation) => generation.estimatedFalsePositiveRate)),
    alarm: false,
  };
}
