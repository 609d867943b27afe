/**
 * N, the next source offset to decide, rides in the metadata of the offsets that a lease commits: the same transaction, no topic of its own. Several
 * topics carry it, and a commit may leave one out, so each has the ordinal of its commit beside it; the latest counts.
 */
export interface Progress {
  readonly next: bigint | undefined;
  /** Commits of this group and partition so far. */
  readonly commits: bigint;
}

const FORMAT = /^riffle\/1 next=(\d+) commit=(\d+)$/;

export function writeProgress({ next, commits }: { next: bigint; commits: bigint }): string {
  return `riffle/1 next=${next} commit=${commits}`;
}

export function readProgress(positions: readonly { readonly metadata?: string | null }[]): Progress {
  let latest: Progress = { next: undefined, commits: 0n };
  for (const { metadata } of positions) {
    const fields = FORMAT.exec(metadata ?? '');
    if (fields === null) continue;
    const commits = BigInt(fields[2]!);
    if (latest.next === undefined || commits > latest.commits) latest = { next: BigInt(fields[1]!), commits };
  }
  return latest;
}
