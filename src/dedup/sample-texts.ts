/** Made-up texts for the tests of this folder: seeded, so that a failure repeats. */
export interface Random {
  /** Uniform in 0 … n - 1. */
  readonly below: (n: number) => number;
  readonly chance: (probability: number) => boolean;
}

/** mulberry32. */
export function random(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
  return { below: (n) => Math.floor(next() * n), chance: (probability) => next() < probability };
}

/** `count` words that no other text is likely to have in the same order. */
export function wordsOf({ below }: Random, count: number): string[] {
  return Array.from({ length: count }, () => below(1_000_000).toString(36));
}

/** The same with each word replaced by another with this probability. */
export function edited(words: readonly string[], source: Random, rate: number): string[] {
  return words.map((word) => (source.chance(rate) ? source.below(1_000_000).toString(36) : word));
}
