/**
 * Distinct texts, numbered from 0, in typed arrays: no string is made to look one up.
 * A text has a record of `stride` integers: its hash, where its UTF-16 units lie, how many, and columns for the owner.
 */
const HASH = 0;
const POOL = 1;
const UNITS = 2;
/** First column that belongs to the owner. */
export const OWN = 3;

// Another one in every process, so that texts that share a slot cannot be prepared.
const hashStart = Math.trunc(Math.random() * 0x7fffffff) | 1;
const hashStep = 0x01000193;

/** The hash by which a table knows a text. */
export function hashUnits(units: Uint16Array, from: number, to: number): number {
  let hash = hashStart;
  for (let index = from; index < to; index++) hash = Math.imul(hash ^ units[index]!, hashStep);
  return hash;
}

export class TextTable {
  readonly stride: number;
  readonly #initial: number;
  count = 0;
  records: Int32Array;
  pool: Uint16Array;
  #poolEnd = 0;
  #slots: Int32Array;

  /** `initial` texts fit before anything grows; a power of two. */
  constructor(stride: number, initial: number) {
    this.stride = stride;
    this.#initial = initial;
    this.records = new Int32Array(initial * stride);
    this.pool = new Uint16Array(initial * 8);
    this.#slots = new Int32Array(initial * 2);
  }

  unitsOf(id: number): number {
    return this.records[id * this.stride + UNITS]!;
  }

  /** Units held: what a bound on memory looks at. */
  get poolUnits(): number {
    return this.#poolEnd;
  }

  /** Number of a text, -1 when it is new. */
  find(text: Uint16Array, from: number, to: number, hash: number): number {
    const { stride, records, pool } = this;
    const slots = this.#slots;
    const mask = slots.length - 1;
    const units = to - from;
    for (let slot = (hash ^ (hash >>> 15)) & mask; ; slot = (slot + 1) & mask) {
      const id = slots[slot]! - 1;
      if (id < 0) return -1;
      const record = id * stride;
      if (records[record] !== hash || records[record + UNITS] !== units) continue;
      const start = records[record + POOL]!;
      let index = 0;
      while (index < units && pool[start + index] === text[from + index]) index++;
      if (index === units) return id;
    }
  }

  /** Gives a new text the next number; its own columns are the caller's to fill. */
  add(text: Uint16Array, from: number, to: number, hash: number): number {
    const units = to - from;
    if ((this.count + 1) * 2 > this.#slots.length) this.#growSlots();
    if ((this.count + 1) * this.stride > this.records.length) {
      const records = new Int32Array(this.records.length * 2);
      records.set(this.records);
      this.records = records;
    }
    if (this.#poolEnd + units > this.pool.length) {
      const pool = new Uint16Array(Math.max(this.pool.length * 2, this.#poolEnd + units));
      pool.set(this.pool);
      this.pool = pool;
    }
    const start = this.#poolEnd;
    this.pool.set(text.subarray(from, to), start);
    this.#poolEnd = start + units;
    const id = this.count++;
    const record = id * this.stride;
    this.records[record + HASH] = hash;
    this.records[record + POOL] = start;
    this.records[record + UNITS] = units;
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = (hash ^ (hash >>> 15)) & mask;
    while (slots[slot] !== 0) slot = (slot + 1) & mask;
    slots[slot] = id + 1;
    return id;
  }

  /** Forgets everything, and gives back what a large text made it take. */
  clear(): void {
    const initial = this.#initial;
    if (this.records.length > initial * this.stride) this.records = new Int32Array(initial * this.stride);
    if (this.pool.length > initial * 8) this.pool = new Uint16Array(initial * 8);
    if (this.#slots.length > initial * 2) this.#slots = new Int32Array(initial * 2);
    else this.#slots.fill(0);
    this.count = 0;
    this.#poolEnd = 0;
  }

  #growSlots(): void {
    const old = this.#slots;
    const slots = new Int32Array(old.length * 2);
    const mask = slots.length - 1;
    for (const entry of old) {
      if (entry === 0) continue;
      const hash = this.records[(entry - 1) * this.stride]!;
      let slot = (hash ^ (hash >>> 15)) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry;
    }
    this.#slots = slots;
  }
}
