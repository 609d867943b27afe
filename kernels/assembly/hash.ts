// The mixing functions that every kernel shares. src/dedup/twin.ts says the same in big integers.

export const K1: u64 = 0x9e3779b97f4a7c15;
export const K2: u64 = 0xbf58476d1ce4e5b9;
/** Base of the rolling polynomial over tokens, modulo 2^64. */
export const BASE: u64 = 0xd6e8feb86659fd93;
export const LENGTH: u64 = 0x2545f4914f6cdd1d;

export function mix(x: u64): u64 {
  x ^= x >> 32;
  x *= K2;
  return x ^ (x >> 29);
}

/** The high half of a 32 × 32 bit product: maps a uniform 32-bit number to 0 … n - 1 without a division. */
export function scale(x: u64, n: u32): u32 {
  return <u32>(((x & 0xffffffff) * <u64>n) >> 32);
}
