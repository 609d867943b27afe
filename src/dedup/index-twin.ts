import { containmentOf, similarityOf } from './estimates.ts';
import { configHash, type DedupOptions, windowDocuments } from './options.ts';
import { INSERTED, newVerdicts, type SketchBatch, sketchLayout, type Verdicts } from './sketch.ts';

interface Known {
  readonly ordinal: number;
  readonly rows: Uint8Array;
  readonly shingles: number;
  readonly partition: number;
  readonly offset: bigint;
}

/**
 * The slow, obvious twin of the index: maps instead of tables, sets instead of filters, so without their false positives and evictions.
 * Tests hold the index against it; nothing else should use it.
 */
export function createTwinIndex(options: DedupOptions): {
  configHash: string;
  decide: (batch: SketchBatch) => Verdicts;
} {
  const layout = sketchLayout(options);
  const capacity = windowDocuments(options);
  const seen = new Set<bigint>();
  const owners = new Map<bigint, Known>();
  const firsts = new Map<bigint, { partition: number; offset: bigint; shingles: number; copies: number }>();
  let ordinals = 0;

  const decide = (batch: SketchBatch): Verdicts => {
    const verdicts = newVerdicts(batch.count);
    for (let i = 0; i < batch.count; i++) {
      const view = new DataView(batch.sketches.buffer, batch.sketches.byteOffset + i * layout.stride, layout.stride);
      const rows = batch.sketches.slice(i * layout.stride + layout.rowsAt, i * layout.stride + layout.exactAt);
      const exact = view.getBigUint64(layout.exactAt, true);
      const shingles = view.getUint32(layout.shinglesAt, true);
      const inserted = batch.kinds[i] === INSERTED;
      const partition = batch.partitions[i]!;
      const offset = batch.offsets[i]!;

      const first = firsts.get(exact);
      verdicts.copies[i] = (first?.copies ?? 0) + 1;
      if (first) {
        name(verdicts, i, first, 1, 1);
        verdicts.exact[i] = 1;
      }
      if (inserted) {
        if (first) first.copies++;
        else firsts.set(exact, { partition, offset, shingles, copies: 1 });
      }
      if (shingles < options.minShingles) continue;

      const keys = Array.from({ length: options.bands }, (_, band) => view.getBigUint64(band * 8, true));
      const alive = (key: bigint) => {
        const owner = owners.get(key);
        return owner && ordinals - owner.ordinal <= capacity ? owner : undefined;
      };
      const candidates = [...new Set(keys.map(alive).filter((owner) => owner !== undefined))].sort(
        (a, b) => a.ordinal - b.ordinal,
      );
      let best: Known | undefined;
      let most = -1;
      for (const candidate of candidates) {
        const equal = equalRows(rows, candidate.rows);
        if (equal > most) [most, best] = [equal, candidate];
      }
      const similarity = best ? similarityOf(most, options.verificationRows) : 0;
      const votes = keys.filter((key) => seen.has(key) && !alive(key)).length;
      verdicts.votes[i] = votes;
      verdicts.generation[i] = votes > 0 ? 0 : -1;
      if (best && !first) {
        if (similarity > 0) name(verdicts, i, best, similarity, containmentOf(similarity, shingles, best.shingles));
      }
      if (!inserted) continue;
      for (const key of keys) seen.add(key);
      const known =
        Math.fround(similarity) >= Math.fround(options.window.similarity)
          ? best!
          : { ordinal: ordinals, rows, shingles, partition, offset };
      for (const key of keys) if (!alive(key)) owners.set(key, known);
      if (known !== best) ordinals++;
    }
    return verdicts;
  };
  return { configHash: configHash(options), decide };
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
