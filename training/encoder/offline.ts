import { hash } from 'node:crypto';
import { createCutter } from '../../src/scoring/encoder/scorer.ts';
import { createReduce, type Score } from '../../src/scoring/encoder/scores.ts';
import type { LoadedEncoder } from '../../src/scoring/scorer-set.ts';
import type { Stage0 } from '../../src/scoring/stage0.ts';
import type { EmbeddingCache } from './embed.ts';
import type { Head } from './graph.ts';
import { applyHead } from './heads.ts';

/** What a score is computed from: everything but the session, whose embeddings may have been computed before. */
export interface OfflineEncoder {
  readonly loaded: LoadedEncoder;
  readonly heads: readonly Head[];
  readonly embeddings: EmbeddingCache;
  /** Without it nothing is mixed in. */
  readonly stage0?: Stage0;
}

/** Scores by text, as the running program gives them: from the same windows, mix and rounding. */
export async function scoreOffline(
  texts: readonly string[],
  { loaded, heads, embeddings, stage0 }: OfflineEncoder,
  progress?: (done: number, all: number) => void,
): Promise<Map<string, Score>> {
  const once = [...new Set(texts)];
  const cutter = await createCutter(loaded);
  const windows: Int32Array[] = [];
  const counts: number[] = [];
  for (const text of once) {
    const { ids, lengths } = await cutter.cut(text, hash('sha256', text));
    let at = 0;
    for (const length of lengths) windows.push(ids.slice(at, (at += length)));
    counts.push(lengths.length);
  }
  const vectors = await embeddings.embed(windows, progress);
  const reduce = createReduce(loaded.manifest);
  let at = 0;
  return new Map(
    once.map((text, i) => {
      const rows = vectors.slice(at, (at += counts[i]!));
      const logits = rows.flatMap((vector) => heads.flatMap((head) => [...applyHead(head, vector)]));
      return [text, reduce(Float32Array.from(logits), stage0?.score(text))];
    }),
  );
}
