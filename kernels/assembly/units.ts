// UTF-16 units eight at a time: cut to a length, hashed, compared. All of them may read up to seven units behind the last.

/** Sixteen secret bytes, from the host: texts with equal hashes cannot be prepared. */
export const UNITS_SECRET: usize = 0x3f0;

/** The first `units` units at `at`, at most eight, and zeros. */
export function firstUnits(at: usize, units: i32): v128 {
  return v128.and(v128.load(at), i16x8.lt_u(i16x8(0, 1, 2, 3, 4, 5, 6, 7), i16x8.splat(<i16>min(units, 8))));
}

/** Takes eight more units in: two products of secret sums (NH: Black, Halevi, Krawczyk, Krovetz and Rogaway 1999, section 3), then a mix. */
export function hashUnits(hash: u64, units: v128): u64 {
  const sums = i32x4.add(units, v128.load(UNITS_SECRET));
  const low: u64 = i64x2.extract_lane(sums, 0);
  const high: u64 = i64x2.extract_lane(sums, 1);
  hash ^= (low & 0xffffffff) * (low >> 32) + (high & 0xffffffff) * (high >> 32);
  hash *= 0x9e3779b97f4a7c15;
  return hash ^ (hash >> 32);
}

/** Hash of the units of `[from, to)`, which continue what `hash` began. */
export function hashRange(hash: u64, from: usize, to: usize): u64 {
  for (; from < to; from += 16) hash = hashUnits(hash, firstUnits(from, <i32>((to - from) >> 1)));
  return hash;
}

export function differ(one: v128, other: v128): bool {
  return v128.any_true(v128.xor(one, other));
}

/** Whether the units at `other` are those of `[from, to)`. */
export function sameRange(from: usize, to: usize, other: usize): bool {
  for (; from < to; from += 16, other += 16) {
    const units = <i32>((to - from) >> 1);
    if (differ(firstUnits(from, units), firstUnits(other, units))) return false;
  }
  return true;
}
