import { createHash } from 'node:crypto';

/** One seed for each use, so that no hash says anything about another. */
export interface Seeds {
  readonly token: bigint;
  readonly exact: bigint;
  readonly row: bigint;
  readonly band: bigint;
}

export function deriveSeeds(seed: string): Seeds {
  const digest = createHash('sha256').update(`riffle.dedup:${seed}`).digest();
  return {
    token: digest.readBigUInt64LE(0),
    exact: digest.readBigUInt64LE(8),
    row: digest.readBigUInt64LE(16),
    band: digest.readBigUInt64LE(24),
  };
}
