// One generation of the history: a Bloom filter of 64-byte blocks, one block for a key (Putze, Sanders, Singler: Cache-, Hash- and
// Space-Efficient Bloom Filters, 2007), one bit in each of the block's eight 64-bit lanes. One instance holds one generation.
import { K2, scale } from './hash';

/** Sketches of a batch, written by the host; then whether each is inserted (u8) and the bands known (u32). */
export const HISTORY_BATCH: i32 = 1024;
export const HISTORY_SKETCHES: usize = 0x1000;
export const HISTORY_INSERTED: usize = 0xa0000;
export const HISTORY_MASKS: usize = 0xb0000;
export const HISTORY_FILTER: usize = 0x100000;

/** Blocks of the whole filter, of all shards. */
let blocks: u32 = 0;
/** The part held here: blocks from `firstBlock`, `heldBlocks` of them, at HISTORY_FILTER. */
let firstBlock: u32 = 0;
let heldBlocks: u32 = 0;

export function historyConfigure(all: u32, first: u32, held: u32): void {
  blocks = all;
  firstBlock = first;
  heldBlocks = held;
}

/**
 * Answers `count` documents in order, document i after those before it: sets bit b of its mask when band b is known here, then inserts its keys
 * when HISTORY_INSERTED says 1. Value 2 leaves a document out: too few shingles. Returns how many bits of the filter changed.
 */
export function historyDecide(count: i32, stride: i32, bands: i32): i32 {
  let changed = 0;
  for (let i = 0; i < count; i++) {
    const keys = HISTORY_SKETCHES + <usize>i * <usize>stride;
    const inserted = load<u8>(HISTORY_INSERTED + i);
    const masks = HISTORY_MASKS + ((<usize>i) << 2);
    if (inserted == 2) {
      store<u32>(masks, 0);
      continue;
    }
    // Two passes: the loads of the first do not wait for each other, nor for the stores of the second.
    store<u32>(masks, known(keys, bands));
    if (inserted) changed += insert(keys, bands);
  }
  return changed;
}

/** Address of the key's block, or 0 when another shard holds it. */
function blockOf(key: u64): usize {
  const block = scale(key >> 32, blocks) - firstBlock;
  return block < heldBlocks ? HISTORY_FILTER + ((<usize>block) << 6) : 0;
}

/** Six bits for each lane, from bit 16 up: the block came from the key's own upper half. */
function lanes(key: u64): u64 {
  const x = key * K2;
  return x ^ (x >> 32);
}

function known(keys: usize, bands: i32): u32 {
  let mask: u32 = 0;
  for (let band = 0; band < bands; band++) {
    const key = load<u64>(keys + ((<usize>band) << 3));
    const block = blockOf(key);
    if (!block) continue;
    let x = lanes(key);
    let all: u64 = 1;
    for (let lane: usize = 0; lane < 64; lane += 8) {
      all &= load<u64>(block + lane) >> (x & 63);
      x >>= 6;
    }
    mask |= (<u32>(all & 1)) << band;
  }
  return mask;
}

function insert(keys: usize, bands: i32): i32 {
  let set: u64 = 0;
  for (let band = 0; band < bands; band++) {
    const key = load<u64>(keys + ((<usize>band) << 3));
    const block = blockOf(key);
    if (!block) continue;
    let x = lanes(key);
    for (let lane: usize = 0; lane < 64; lane += 8) {
      const old = load<u64>(block + lane);
      const bit = x & 63;
      set += ((old >> bit) & 1) ^ 1;
      store<u64>(block + lane, old | ((<u64>1) << bit));
      x >>= 6;
    }
  }
  return <i32>set;
}
