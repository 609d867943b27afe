/** Numbers in [0, 1) from a text seed, the same on every machine (mulberry32 over an FNV-1a hash of the seed). */
export type Random = () => number;

export function randomFrom(seed: string): Random {
  let state = 0x811c9dc5;
  for (let at = 0; at < seed.length; at++) state = Math.imul(state ^ seed.charCodeAt(at), 0x01000193);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const out = [...items];
  for (let at = out.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    const held = out[at]!;
    out[at] = out[other]!;
    out[other] = held;
  }
  return out;
}

export function pick<T>(items: readonly T[], random: Random): T {
  const chosen = items[Math.floor(random() * items.length)];
  if (chosen === undefined) throw new Error('pick; got an empty list; give at least one item');
  return chosen;
}
