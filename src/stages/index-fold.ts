/** One sketch block through the near-duplicate index: a verdict for each record that it lists. */
import { INSERTED, type WholeIndex, NO_PARTITION, type Verdicts } from '../dedup/dedup.ts';
import { STUB } from '../model/sifted.ts';
import type { SketchBlock } from '../model/sketches.ts';
import type { Verdict } from '../model/verdicts.ts';

export function foldBlock(index: WholeIndex, block: SketchBlock): { list: Verdict[]; all: Verdicts | undefined } {
  let count = 0;
  for (let i = 0; i < block.count; i++) if (block.kinds[i] !== STUB) count++;
  const kinds = new Uint8Array(count);
  const offsets = new BigInt64Array(count);
  for (let i = 0, k = 0; i < block.count; i++) {
    if (block.kinds[i] === STUB) continue;
    kinds[k] = block.kinds[i] ?? INSERTED;
    offsets[k++] = BigInt.asIntN(64, block.offsets[i]!);
  }
  const partitions = new Uint32Array(count).fill(block.partition);
  const all = count === 0 ? undefined : index.decide({ count, kinds, partitions, offsets, sketches: block.sketches });
  const list: Verdict[] = [];
  for (let i = 0, k = 0; i < block.count; i++) {
    const stub = block.kinds[i] === STUB || all === undefined;
    list.push(stub ? stubVerdict(block, i) : verdictOf(block, i, all, k++));
  }
  return { list, all };
}

function stubVerdict(block: SketchBlock, i: number): Verdict {
  return {
    offset: block.offsets[i]!,
    exact: block.exact[i]!,
    kind: STUB,
    votes: 0,
    generation: 0,
    exactMatch: false,
    similarity: 0,
    containment: 0,
    copies: 0,
    duplicateOf: undefined,
  };
}

function verdictOf(block: SketchBlock, i: number, all: Verdicts, k: number): Verdict {
  const partition = all.duplicatePartition[k]!;
  return {
    offset: block.offsets[i]!,
    exact: block.exact[i]!,
    kind: block.kinds[i]!,
    votes: all.votes[k]!,
    generation: Math.max(0, all.generation[k]!),
    exactMatch: all.exact[k] === 1,
    similarity: all.similarity[k]!,
    containment: all.containment[k]!,
    copies: all.copies[k]!,
    duplicateOf:
      partition === NO_PARTITION ? undefined : { partition, offset: BigInt.asUintN(64, all.duplicateOffset[k]!) },
  };
}
