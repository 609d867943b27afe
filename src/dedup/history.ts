import { createGeneration, type Generation, type GenerationState } from './generation.ts';
import type { DedupOptions } from './options.ts';

/** The first generations are small, so that a small run needs little memory; each is four times the one before. */
const FIRST_CAPACITY = 65_536;
const GROWTH = 4;

export function generationCapacity(options: DedupOptions, number: number): number {
  return Math.min(options.history.documentsPerGeneration, FIRST_CAPACITY * GROWTH ** number);
}

export interface HistoryMasks {
  /** Generations asked, oldest first. */
  readonly generations: Int32Array;
  /** `count × generations.length`: bit b of a document's mask says that this generation knows band b. */
  readonly masks: Uint32Array;
  /** Generations begun by these documents, and by which. */
  readonly begun: readonly { readonly generation: number; readonly document: number }[];
}

export interface History {
  readonly generations: readonly Generation[];
  /** Documents in order; `codes` are 0 asked, 1 inserted, 2 left out. */
  readonly decide: (sketches: Uint8Array, codes: Uint8Array, stride: number) => HistoryMasks;
}

/**
 * Band keys of all documents of the last generations. A generation is full at a count of documents, the same in every shard,
 * whatever the keys are; then a new one is begun, and the oldest dropped.
 */
export function createHistory(options: DedupOptions, shard: number, states: readonly GenerationState[] = []): History {
  const generations = states.map((state) => createGeneration(options, shard, state));

  const rotate = () => {
    const number = (generations.at(-1)?.state.number ?? -1) + 1;
    const capacity = generationCapacity(options, number);
    generations.push(createGeneration(options, shard, { number, capacity, documents: 0, bitsSet: 0 }));
    if (generations.length > options.history.generations) generations.shift();
  };
  if (generations.length === 0) rotate();
  const latest = () => generations[generations.length - 1]!;

  const decide: History['decide'] = (sketches, codes, stride) => {
    const columns = new Map<number, Uint32Array>();
    const begun: { generation: number; document: number }[] = [];
    for (let from = 0; from < codes.length; ) {
      let newest = latest();
      if (newest.state.documents === newest.state.capacity && codes[from] === 1) {
        rotate();
        newest = latest();
        begun.push({ generation: newest.state.number, document: from });
      }
      const { to, inserted } = stretch(codes, from, newest);
      const part = sketches.subarray(from * stride, to * stride);
      const asked = codes.slice(from, to);
      for (const generation of generations) {
        const column = columns.get(generation.state.number) ?? new Uint32Array(codes.length);
        columns.set(generation.state.number, column);
        const own = generation === newest ? asked : asked.map((code) => (code === 1 ? 0 : code));
        generation.decide(part, own, column.subarray(from, to));
      }
      newest.state.documents += inserted;
      from = to;
    }
    return { ...interleave(columns, codes.length), begun };
  };
  return { generations, decide };
}

/** As many documents from `from` on as one call takes and as the generation has room for. */
function stretch(codes: Uint8Array, from: number, { batch, state }: Generation): { to: number; inserted: number } {
  const room = state.capacity - state.documents;
  const end = Math.min(codes.length, from + batch);
  let inserted = 0;
  let to = from;
  for (; to < end; to++) {
    if (codes[to] !== 1) continue;
    if (inserted === room) break;
    inserted++;
  }
  return { to, inserted };
}

function interleave(columns: Map<number, Uint32Array>, count: number): Omit<HistoryMasks, 'begun'> {
  const generations = Int32Array.from(columns.keys());
  if (columns.size === 1) return { generations, masks: columns.get(generations[0]!)! };
  const masks = new Uint32Array(count * columns.size);
  [...columns.values()].forEach((column, g) => {
    for (let i = 0; i < count; i++) masks[i * columns.size + g] = column[i]!;
  });
  return { generations, masks };
}
