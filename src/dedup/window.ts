import { ConfigError, FatalError } from '../errors.ts';
import { containmentOf, equalRowsFor, similarityOf } from './estimates.ts';
import { growMemory, kernelInstance } from '../runtime/kernel.ts';
import { type DedupOptions, WINDOW_LOAD, windowDocuments } from './options.ts';
import { type SketchBatch, sketchLayout, type Verdicts } from './sketch.ts';

interface WindowKernel {
  readonly memory: WebAssembly.Memory;
  readonly WINDOW_BATCH: WebAssembly.Global;
  readonly WINDOW_SKETCHES: WebAssembly.Global;
  readonly WINDOW_INSERTED: WebAssembly.Global;
  readonly WINDOW_PARTITIONS: WebAssembly.Global;
  readonly WINDOW_OFFSETS: WebAssembly.Global;
  readonly WINDOW_ANSWERS: WebAssembly.Global;
  readonly WINDOW_TABLE: WebAssembly.Global;
  readonly windowConfigure: (
    stride: number,
    bands: number,
    rowBytes: number,
    minEqual: number,
    capacity: number,
    firstBuckets: number,
    lastLevel: number,
  ) => void;
  readonly windowBytes: (level: number) => bigint;
  readonly windowDecide: (count: number) => number;
  readonly windowLevel: () => number;
  readonly windowNext: () => bigint;
  readonly windowRestore: (next: bigint, level: number) => void;
}

export interface Window {
  /**
   * Fills in similarity, containment and the named document. Bit b of a mask says that a document of the window explains band b;
   * `places` counts the documents that had taken a place before.
   */
  readonly decide: (
    batch: SketchBatch,
    codes: Uint8Array,
    verdicts: Verdicts,
    masks: Uint32Array,
    places: Float64Array,
  ) => void;
  readonly documents: () => number;
  readonly capacity: number;
  readonly bytes: () => number;
  /** The state, for a snapshot; `restore` makes room for the same bytes and returns where they go. */
  readonly state: () => { next: bigint; level: number };
  readonly memory: () => Uint8Array;
  readonly restore: (state: { next: bigint; level: number }) => Uint8Array;
}

const MEMORY_LIMIT = 4 * 1024 ** 3;
const BUCKET_ENTRIES = 8;
/** Documents below which a table does not start: about 1 MB. */
const FIRST_DOCUMENTS = 4096;
const ANSWER_WORDS = 8;

/** The documents of the last time, by name, in one instance of kernels/assembly/window.ts. */
export function createWindow(options: DedupOptions): Window {
  const layout = sketchLayout(options);
  const capacity = windowDocuments(options);
  const kernel = kernelInstance<WindowKernel>();
  const { firstBuckets, lastLevel } = tableSize(capacity, options.bands);
  const minEqual = equalRowsFor(options.window.similarity, options.verificationRows);
  kernel.windowConfigure(layout.stride, options.bands, layout.rowBytes, minEqual, capacity, firstBuckets, lastLevel);
  checkSize(Number(kernel.windowBytes(lastLevel)), capacity);
  growMemory(kernel.memory, Number(kernel.windowBytes(0)));

  const batch = Number(kernel.WINDOW_BATCH.value);
  const tableAt = Number(kernel.WINDOW_TABLE.value);
  let views = viewsOf(kernel, batch, layout.stride);

  const decide: Window['decide'] = (documents, codes, verdicts, masks, places) => {
    for (let from = 0; from < documents.count; from += batch) {
      const to = Math.min(documents.count, from + batch);
      views.sketches.set(documents.sketches.subarray(from * layout.stride, to * layout.stride));
      views.codes.set(codes.subarray(from, to));
      views.partitions.set(documents.partitions.subarray(from, to));
      views.offsets.set(documents.offsets.subarray(from, to));
      if (!kernel.windowDecide(to - from)) throw outOfMemory(capacity);
      // Memory that has grown is another buffer.
      if (views.buffer !== kernel.memory.buffer) views = viewsOf(kernel, batch, layout.stride);
      for (let i = from; i < to; i++) {
        const at = (i - from) * ANSWER_WORDS;
        masks[i] = views.answers[at]!;
        places[i] = views.answers[at + 6]! + views.answers[at + 7]! * 2 ** 32;
      }
      readAnswers(views.answers, from, to, documents, verdicts);
    }
  };

  const readAnswers = (
    answers: Uint32Array,
    from: number,
    to: number,
    { sketches }: SketchBatch,
    verdicts: Verdicts,
  ) => {
    const shingles = new DataView(sketches.buffer, sketches.byteOffset + layout.shinglesAt);
    const offsets = new Uint32Array(verdicts.duplicateOffset.buffer, verdicts.duplicateOffset.byteOffset);
    for (let i = from; i < to; i++) {
      const at = (i - from) * ANSWER_WORDS;
      const equal = answers[at + 1]! | 0;
      const similarity = equal < 0 ? 0 : similarityOf(equal, options.verificationRows);
      if (similarity === 0) continue;
      verdicts.similarity[i] = similarity;
      verdicts.containment[i] = containmentOf(
        similarity,
        shingles.getUint32(i * layout.stride, true),
        answers[at + 3]!,
      );
      verdicts.duplicatePartition[i] = answers[at + 2]!;
      offsets[2 * i] = answers[at + 4]!;
      offsets[2 * i + 1] = answers[at + 5]!;
    }
  };

  const used = () => Number(kernel.windowBytes(kernel.windowLevel()));
  return {
    decide,
    documents: () => Math.min(capacity, Number(kernel.windowNext())),
    capacity,
    bytes: () => used() - tableAt,
    state: () => ({ next: kernel.windowNext(), level: kernel.windowLevel() }),
    memory: () => new Uint8Array(kernel.memory.buffer, tableAt, used() - tableAt),
    restore: ({ next, level }) => {
      growMemory(kernel.memory, Number(kernel.windowBytes(level)));
      kernel.windowRestore(next, level);
      views = viewsOf(kernel, batch, layout.stride);
      return new Uint8Array(kernel.memory.buffer, tableAt, used() - tableAt);
    },
  };
}

function viewsOf(kernel: WindowKernel, batch: number, stride: number) {
  const { buffer } = kernel.memory;
  return {
    buffer,
    sketches: new Uint8Array(buffer, Number(kernel.WINDOW_SKETCHES.value), batch * stride),
    codes: new Uint8Array(buffer, Number(kernel.WINDOW_INSERTED.value), batch),
    partitions: new Uint32Array(buffer, Number(kernel.WINDOW_PARTITIONS.value), batch),
    offsets: new BigInt64Array(buffer, Number(kernel.WINDOW_OFFSETS.value), batch),
    answers: new Uint32Array(buffer, Number(kernel.WINDOW_ANSWERS.value), batch * ANSWER_WORDS),
  };
}

/** A table that has WINDOW_LOAD when the window is full, and how often it doubles on the way from FIRST_DOCUMENTS. */
function tableSize(capacity: number, bands: number): { firstBuckets: number; lastLevel: number } {
  const lastLevel = Math.max(0, Math.floor(Math.log2(capacity / FIRST_DOCUMENTS)));
  const buckets = (capacity * bands) / (BUCKET_ENTRIES * WINDOW_LOAD);
  return { firstBuckets: Math.ceil(buckets / 2 ** lastLevel) + 1, lastLevel };
}

function checkSize(bytes: number, capacity: number): void {
  if (bytes <= MEMORY_LIMIT) return;
  throw new ConfigError(
    'window-size',
    `dedup.window of ${capacity} documents; needs ${bytes} bytes, more than 4 GiB; make it smaller`,
  );
}

function outOfMemory(capacity: number): FatalError {
  return new FatalError('window-memory', `dedup.window of ${capacity} documents; no memory to grow; make it smaller`);
}
