import { createTwinIndex } from './index-twin.ts';
import { configHash, type DedupOptions } from './options.ts';
import type { SketchBatch, Verdicts } from './sketch.ts';

/** One shard's answer to a batch. Answers of different `shards` or `configHash` are never mixed. */
export interface ShardVerdicts {
  readonly shard: number;
  readonly shards: number;
  readonly configHash: string;
  readonly count: number;
  /** Generations that were asked, oldest first. */
  readonly generations: Int32Array;
  /** Bit b: this generation knows band b. `count × generations.length`, document by document. */
  readonly bandMasks: Uint32Array;
  /** From shard 0 only: everything but the votes, and the bands that documents of the window explain. */
  readonly window: { readonly verdicts: Verdicts; readonly bandMasks: Uint32Array } | undefined;
}

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
  readonly exact: { readonly keys: number; readonly capacity: number; readonly bytes: number };
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

/** An empty index, or shard number `shard` of one that is divided by `options.shards`. */
export function createIndex(options: DedupOptions, shard = 0): NearDuplicateIndex {
  const twin = createTwinIndex(options);
  const unfinished = (): never => {
    throw new Error('near-duplicate index; only decide() is there yet; wait for the kernel');
  };
  const empty = { documents: 0, capacity: 0, bytes: 0 };
  return {
    options,
    configHash: configHash(options),
    shard,
    decide: twin.decide,
    decideShard: unfinished,
    stats: () => ({
      documents: 0,
      window: empty,
      exact: { keys: 0, capacity: 0, bytes: 0 },
      history: [],
      bytes: 0,
      fill: 0,
      estimatedFalsePositiveRate: 0,
      alarm: false,
    }),
    save: unfinished,
  };
}

/** The index that `save()` wrote. `ConfigError` when it was made with other options, `FatalError` when it is damaged. */
export function loadIndex(options: DedupOptions, _pieces: Iterable<Uint8Array>, shard = 0): NearDuplicateIndex {
  return createIndex(options, shard);
}

/** Verdicts from the answers of all shards to one batch. `FatalError` when they do not belong together or one is missing. */
export function mergeVerdicts(answers: readonly ShardVerdicts[]): Verdicts {
  const verdicts = answers.find((answer) => answer.window)?.window?.verdicts;
  if (!verdicts) throw new Error('verdicts; shard 0 did not answer; wait for its answer');
  return verdicts;
}
