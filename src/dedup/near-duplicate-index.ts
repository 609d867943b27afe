import { createExactKeys, type ExactKeys } from './exact-keys.ts';
import { type Generation, LEFT_OUT } from './generation.ts';
import { createHistory, type History, type HistoryMasks } from './history.ts';
import { configHash, type DedupOptions } from './options.ts';
import { INSERTED, newVerdicts, type SketchBatch, sketchLayout, type Verdicts } from './sketch.ts';
import { readerOf, readIndex, saveIndex } from './snapshot.ts';
import { mergeVerdicts, type ShardVerdicts, type WindowVerdicts } from './verdicts.ts';
import { createWindow, type Window } from './window.ts';

export interface GenerationStats {
  readonly generation: number;
  readonly documents: number;
  readonly capacity: number;
  readonly bytes: number;
  /** Share of bits set. */
  readonly fill: number;
  /** Chance that a band never seen is answered yes. */
  readonly estimatedFalsePositiveRate: number;
  /** Fuller than 1.2 × what its size was computed for. */
  readonly alarm: boolean;
}

export interface IndexStats {
  /** Documents inserted since the index began. */
  readonly documents: number;
  readonly window: { readonly documents: number; readonly capacity: number; readonly bytes: number };
  readonly exact: { readonly keys: number; readonly bytes: number };
  readonly history: readonly GenerationStats[];
  readonly bytes: number;
  /** The highest of the generations. */
  readonly fill: number;
  readonly estimatedFalsePositiveRate: number;
  readonly alarm: boolean;
}

/**
 * A pure function of the options and the documents in order: batch boundaries, shards, growth and snapshots do not show in the verdicts.
 * A document sees all before it, in the same batch too.
 */
export interface NearDuplicateIndex {
  readonly options: DedupOptions;
  readonly configHash: string;
  readonly shard: number;
  /** Every signal; for an index that is not divided. */
  readonly decide: (batch: SketchBatch) => Verdicts;
  /** This shard's part; `mergeVerdicts` makes verdicts of all parts. */
  readonly decideShard: (batch: SketchBatch) => ShardVerdicts;
  readonly stats: () => IndexStats;
  /** The whole state in pieces, to be written one after another. Take no decision between the first and the last piece. */
  readonly save: () => Iterable<Uint8Array>;
}

/** What shard 0 alone has. */
export interface Nearby {
  readonly window: Window;
  readonly exact: ExactKeys;
  /** For each generation kept, how many documents had taken a place in the window when it began. */
  readonly starts: Map<number, number>;
}

/** What an index is made of. Only shard 0 has window and exact keys. */
export interface IndexParts {
  readonly history: History;
  readonly nearby: Nearby | undefined;
}

/** An empty index, or shard number `shard` of one that is divided by `options.shards`. */
export function createKernelIndex(options: DedupOptions, shard = 0): NearDuplicateIndex {
  const nearby =
    shard === 0
      ? { window: createWindow(options), exact: createExactKeys(options.exact.documents), starts: new Map([[0, 0]]) }
      : undefined;
  return assemble(options, shard, { history: createHistory(options, shard), nearby }, 0);
}

/**
 * The index that `save()` wrote, from pieces of any size. `ConfigError` when it was made with other options, for another shard or by another
 * version; `FatalError` when it is damaged or cut short.
 */
export function loadKernelIndex(options: DedupOptions, pieces: Iterable<Uint8Array>, shard = 0): NearDuplicateIndex {
  return loadKernelIndexes(options, pieces, [shard])[0]!;
}

/** Several shards whose snapshots follow one another. */
export function loadKernelIndexes(
  options: DedupOptions,
  pieces: Iterable<Uint8Array>,
  shards: readonly number[],
): NearDuplicateIndex[] {
  const source = readerOf(pieces);
  return shards.map((shard) => {
    const { parts, documents } = readIndex(options, shard, source);
    return assemble(options, shard, parts, documents);
  });
}

function assemble(options: DedupOptions, shard: number, parts: IndexParts, inserted: number): NearDuplicateIndex {
  const hash = configHash(options);
  const { stride } = sketchLayout(options);
  let documents = inserted;

  const decideShard = (batch: SketchBatch): ShardVerdicts => {
    const codes = codesOf(batch, options);
    const { generations, masks, begun } = parts.history.decide(batch.sketches, codes, stride);
    const oldest = parts.history.generations[0]!.state.number;
    const window = parts.nearby ? decideNearby(parts.nearby, batch, codes, options, begun, oldest) : undefined;
    for (let i = 0; i < batch.count; i++) documents += batch.kinds[i] === INSERTED ? 1 : 0;
    return {
      shard,
      shards: options.shards,
      configHash: hash,
      count: batch.count,
      generations,
      bandMasks: masks,
      window,
    };
  };

  return {
    options,
    configHash: hash,
    shard,
    decide: (batch) => mergeVerdicts([decideShard(batch)]),
    decideShard,
    stats: () => statsOf(parts, documents),
    save: () => saveIndex(options, shard, parts, documents),
  };
}

/** For the kernels: 0 asked, 1 inserted, 2 too few shingles. */
function codesOf(batch: SketchBatch, options: DedupOptions): Uint8Array {
  const layout = sketchLayout(options);
  const shingles = new DataView(batch.sketches.buffer, batch.sketches.byteOffset + layout.shinglesAt);
  const codes = new Uint8Array(batch.count);
  for (let i = 0; i < batch.count; i++) {
    if (shingles.getUint32(i * layout.stride, true) < options.minShingles) codes[i] = LEFT_OUT;
    else codes[i] = batch.kinds[i] === INSERTED ? 1 : 0;
  }
  return codes;
}

function decideNearby(
  nearby: Nearby,
  batch: SketchBatch,
  codes: Uint8Array,
  options: DedupOptions,
  begun: HistoryMasks['begun'],
  oldest: number,
): WindowVerdicts {
  const verdicts = newVerdicts(batch.count);
  const bandMasks = new Uint32Array(batch.count);
  const places = new Float64Array(batch.count);
  nearby.window.decide(batch, codes, verdicts, bandMasks, places);
  decideExact(nearby.exact, batch, options, verdicts);
  return { verdicts, bandMasks, covered: coveredBy(places, nearby, begun, oldest) };
}

/** For each document the first generation of which nothing has left the window yet. */
function coveredBy(
  places: Float64Array,
  { window, starts }: Nearby,
  begun: HistoryMasks['begun'],
  oldest: number,
): Float64Array {
  for (const { generation, document } of begun) starts.set(generation, places[document]!);
  const covered = places.map((place) => {
    let first = Number.POSITIVE_INFINITY;
    for (const [generation, start] of starts) if (place - start <= window.capacity) first = Math.min(first, generation);
    return first;
  });
  for (const generation of starts.keys()) if (generation < oldest) starts.delete(generation);
  return covered;
}

/** The exact original, where there is one, is named before the most similar document. */
function decideExact(exact: ExactKeys, batch: SketchBatch, options: DedupOptions, verdicts: Verdicts): void {
  const layout = sketchLayout(options);
  const keys = new DataView(batch.sketches.buffer, batch.sketches.byteOffset + layout.exactAt);
  const offsets = new Uint32Array(batch.offsets.buffer, batch.offsets.byteOffset, batch.count * 2);
  const named = new Uint32Array(verdicts.duplicateOffset.buffer);
  for (let i = 0; i < batch.count; i++) {
    const low = keys.getUint32(i * layout.stride, true);
    const high = keys.getUint32(i * layout.stride + 4, true);
    const inserted = batch.kinds[i] === INSERTED;
    const answer = exact.see(low, high, inserted, batch.partitions[i]!, offsets[2 * i]!, offsets[2 * i + 1]!);
    verdicts.copies[i] = answer.copies;
    if (answer.copies === 1) continue;
    verdicts.exact[i] = 1;
    verdicts.similarity[i] = 1;
    verdicts.containment[i] = 1;
    verdicts.duplicatePartition[i] = answer.partition;
    named[2 * i] = answer.offsetLow;
    named[2 * i + 1] = answer.offsetHigh;
  }
}

function statsOf(parts: IndexParts, documents: number): IndexStats {
  const history = parts.history.generations.map(generationStats);
  const window = parts.nearby?.window;
  const exact = parts.nearby?.exact;
  const windowStats = {
    documents: window?.documents() ?? 0,
    capacity: window?.capacity ?? 0,
    bytes: window?.bytes() ?? 0,
  };
  const exactStats = { keys: exact?.keys() ?? 0, bytes: exact?.bytes() ?? 0 };
  return {
    documents,
    window: windowStats,
    exact: exactStats,
    history,
    bytes: history.reduce((sum, { bytes }) => sum + bytes, windowStats.bytes + exactStats.bytes),
    fill: Math.max(...history.map(({ fill }) => fill)),
    estimatedFalsePositiveRate: Math.max(...history.map((generation) => generation.estimatedFalsePositiveRate)),
    alarm: history.some(({ alarm }) => alarm),
  };
}

function generationStats(generation: Generation): GenerationStats {
  return {
    generation: generation.state.number,
    documents: generation.state.documents,
    capacity: generation.state.capacity,
    bytes: generation.bytes,
    fill: generation.fill(),
    estimatedFalsePositiveRate: generation.falsePositiveRate(),
    alarm: generation.alarm(),
  };
}
