import { FatalError } from '../errors.ts';
import { blocksFor, expectedFill, falsePositiveRate } from './estimates.ts';
import { growMemory, kernelInstance } from '../runtime/kernel.ts';
import { type DedupOptions, SLICES } from './options.ts';
import { sketchLayout } from './sketch.ts';

interface HistoryKernel {
  readonly memory: WebAssembly.Memory;
  readonly HISTORY_BATCH: WebAssembly.Global;
  readonly HISTORY_SKETCHES: WebAssembly.Global;
  readonly HISTORY_INSERTED: WebAssembly.Global;
  readonly HISTORY_MASKS: WebAssembly.Global;
  readonly HISTORY_FILTER: WebAssembly.Global;
  readonly historyConfigure: (blocks: number, firstBlock: number, heldBlocks: number) => void;
  readonly historyDecide: (count: number, stride: number, bands: number) => number;
}

/** What a document is to the kernels. */
export const LEFT_OUT = 2;

export interface GenerationState {
  readonly number: number;
  readonly capacity: number;
  documents: number;
  bitsSet: number;
}

/** One Bloom filter of the history, or a shard's part of it, in an instance of its own: dropping it gives the memory back. */
export interface Generation {
  readonly state: GenerationState;
  readonly bytes: number;
  /** Most documents that one call of `decide` takes. */
  readonly batch: number;
  /** Writes for each document the bands known before it to `masks`; `codes` are 0 asked, 1 inserted, 2 left out. */
  readonly decide: (sketches: Uint8Array, codes: Uint8Array, masks: Uint32Array) => void;
  /** The filter's bytes, to be written to a snapshot or filled from one. */
  readonly filter: () => Uint8Array;
  readonly fill: () => number;
  readonly falsePositiveRate: () => number;
  /** Fuller than 1.2 × what its size was computed for. */
  readonly alarm: () => boolean;
}

const BLOCK_BYTES = 64;
const ALARM = 1.2;

export function createGeneration(options: DedupOptions, shard: number, state: GenerationState): Generation {
  const kernel = kernelInstance<HistoryKernel>();
  const blocks = blocksFor(state.capacity * options.bands, options.history.bitsPerKey, SLICES);
  const held = blocks / options.shards;
  const bytes = held * BLOCK_BYTES;
  const filterAt = Number(kernel.HISTORY_FILTER.value);
  reserve(kernel.memory, filterAt + bytes, state.number);
  kernel.historyConfigure(blocks, held * shard, held);

  const { buffer } = kernel.memory;
  const batch = Number(kernel.HISTORY_BATCH.value);
  const { stride } = sketchLayout(options);
  const sketchesIn = new Uint8Array(buffer, Number(kernel.HISTORY_SKETCHES.value), batch * stride);
  const codesIn = new Uint8Array(buffer, Number(kernel.HISTORY_INSERTED.value), batch);
  const masksOut = new Uint32Array(buffer, Number(kernel.HISTORY_MASKS.value), batch);

  const fill = () => state.bitsSet / (bytes * 8);
  return {
    state,
    bytes,
    batch,
    decide: (sketches, codes, masks) => {
      sketchesIn.set(sketches);
      codesIn.set(codes);
      state.bitsSet += kernel.historyDecide(codes.length, stride, options.bands);
      masks.set(masksOut.subarray(0, codes.length));
    },
    filter: () => new Uint8Array(buffer, filterAt, bytes),
    fill,
    falsePositiveRate: () => falsePositiveRate(fill()),
    alarm: () => fill() > ALARM * expectedFill((BLOCK_BYTES * 8) / options.history.bitsPerKey),
  };
}

function reserve(memory: WebAssembly.Memory, bytes: number, generation: number): void {
  try {
    growMemory(memory, bytes);
  } catch (cause) {
    const message = `history generation ${generation}; no memory for its ${bytes} bytes; lower dedup.history.documentsPerGeneration or add shards`;
    throw new FatalError('history-memory', message, { cause });
  }
}
