import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import path from 'node:path';

/** Lines of a file as bytes, without the line feed; each is good until the next is asked for. */
export function* linesOf(file: string, limit = Number.POSITIVE_INFINITY): Generator<Buffer> {
  const fd = openSync(file, 'r');
  try {
    let buffer = Buffer.alloc(4 * 1024 * 1024);
    let held = 0;
    let lines = 0;
    for (;;) {
      if (held === buffer.length) buffer = Buffer.concat([buffer], buffer.length * 2);
      const read = readSync(fd, buffer, held, buffer.length - held, null);
      const filled = held + read;
      let start = 0;
      for (let end = buffer.indexOf(10, held); end >= 0 && end < filled; end = buffer.indexOf(10, start)) {
        if (lines++ === limit) return;
        yield buffer.subarray(start, end);
        start = end + 1;
      }
      buffer.copyWithin(0, start, filled);
      held = filled - start;
      if (read === 0) break;
    }
    if (held > 0 && lines < limit) yield buffer.subarray(0, held);
  } finally {
    closeSync(fd);
  }
}

export interface Truth {
  readonly kind: 'exact' | 'near' | 'crowd' | 'junk';
  readonly src?: string;
  /** Exact Jaccard similarity with `src`. */
  readonly j?: number;
}

/** What was planted, by document id; plain documents are not listed. */
export function truthOf(corpus: string): Map<string, Truth> {
  const truth = new Map<string, Truth>();
  for (const line of readFileSync(path.join(corpus, 'truth.jsonl'), 'utf8').split('\n')) {
    if (line === '') continue;
    const { id, ...rest } = JSON.parse(line) as Truth & { id: string };
    truth.set(id, rest);
  }
  return truth;
}

export const bins = [
  [0.3, 0.5],
  [0.5, 0.6],
  [0.6, 0.7],
  [0.7, 0.8],
  [0.8, 0.9],
  [0.9, 1],
  [1, 2],
] as const;

export interface Score {
  /** Share of planted pairs of which one was removed, for each of `bins`. */
  readonly recall: number[];
  readonly exact: number;
  /** Unique documents removed, pairs of which both were, groups of copies of which all were. */
  readonly lost: number;
  /** Those of them that are unique documents. */
  readonly lostIds: readonly string[];
  readonly unique: number;
  readonly crowdLost: number;
  readonly crowd: number;
}

/** Scores as score_dedup.py beside make_corpus.py does. `kept` holds every document that was judged. */
export function scoreOf(truth: Map<string, Truth>, kept: Map<string, boolean>): Score {
  const hits = bins.map(() => 0);
  const pairs = bins.map(() => 0);
  const groups = new Map<string, string[]>();
  const paired = new Set<string>();
  let crowd = 0;
  let crowdLost = 0;
  let lost = 0;
  for (const [id, { kind, src, j }] of truth) {
    if (!kept.has(id)) continue;
    if (kind === 'exact' && src !== undefined) {
      const group = groups.get(src) ?? [src];
      groups.set(src, group);
      group.push(id);
    } else if (kind === 'near' && src !== undefined && j !== undefined) {
      paired.add(src);
      if (!kept.has(src)) continue;
      const bin = bins.findIndex(([low, high]) => j >= low && j < high);
      if (bin >= 0) {
        pairs[bin]!++;
        hits[bin]! += kept.get(id) && kept.get(src) ? 0 : 1;
      }
      if (!kept.get(id) && !kept.get(src)) lost++;
    } else if (kind === 'crowd') {
      crowd++;
      if (!kept.get(id)) crowdLost++;
    }
  }
  let copies = 0;
  let removed = 0;
  for (const group of groups.values()) {
    const members = group.filter((id) => kept.has(id));
    const stay = members.filter((id) => kept.get(id)).length;
    copies += Math.max(0, members.length - 1);
    removed += Math.min(members.length - stay, Math.max(0, members.length - 1));
    if (members.length > 0 && stay === 0) lost++;
  }
  const lostIds: string[] = [];
  let unique = pairs.reduce((sum, n) => sum + n, groups.size);
  for (const [id, stays] of kept) {
    const kind = truth.get(id)?.kind;
    if ((kind !== undefined && kind !== 'junk') || groups.has(id) || paired.has(id)) continue;
    unique++;
    if (!stays) lostIds.push(id);
  }
  return {
    recall: hits.map((n, i) => n / pairs[i]!),
    exact: removed / copies,
    lost: lost + lostIds.length,
    lostIds,
    unique,
    crowdLost,
    crowd,
  };
}
