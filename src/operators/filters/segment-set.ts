/** Different lines that a later one is compared with; of more, the first. */
const segmentsKept = 1 << 22;

/** Ranges of one text, told apart by their units. */
export class SegmentSet {
  #slots = new Int32Array(1 << 10);
  #base = 0;
  #count = 0;
  #starts = new Int32Array(1 << 9);
  #ends = new Int32Array(1 << 9);
  #hashes = new Int32Array(1 << 9);

  begin(): void {
    this.#base += this.#count;
    this.#count = 0;
    if (this.#slots.length > 1 << 16 || this.#base > 0x3fffffff) {
      this.#slots = new Int32Array(1 << 10);
      this.#starts = new Int32Array(1 << 9);
      this.#ends = new Int32Array(1 << 9);
      this.#hashes = new Int32Array(1 << 9);
      this.#base = 0;
    }
  }

  /** Whether `text[from, to)` was added before; adds it if not. `hash` must depend on the units alone. */
  seen(text: Uint16Array, from: number, to: number, hash: number): boolean {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = (hash ^ (hash >>> 15)) & mask;
    for (; ; slot = (slot + 1) & mask) {
      const entry = slots[slot]! - this.#base - 1;
      if (entry < 0) break;
      if (this.#hashes[entry] !== hash) continue;
      const start = this.#starts[entry]!;
      if (this.#ends[entry]! - start === to - from && sameUnits(text, start, from, to - from)) return true;
    }
    if (this.#count === segmentsKept) return false;
    const entry = this.#count++;
    slots[slot] = this.#base + entry + 1;
    this.#starts[entry] = from;
    this.#ends[entry] = to;
    this.#hashes[entry] = hash;
    if (this.#count === this.#starts.length) this.#grow();
    return false;
  }

  #grow(): void {
    const size = this.#starts.length * 2;
    const larger = (old: Int32Array) => {
      const next = new Int32Array(size);
      next.set(old);
      return next;
    };
    this.#starts = larger(this.#starts);
    this.#ends = larger(this.#ends);
    this.#hashes = larger(this.#hashes);
    this.#slots = new Int32Array(size * 2);
    this.#base = 0;
    const mask = size * 2 - 1;
    for (let entry = 0; entry < this.#count; entry++) {
      const hash = this.#hashes[entry]!;
      let slot = (hash ^ (hash >>> 15)) & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = entry + 1;
    }
  }
}

function sameUnits(text: Uint16Array, one: number, other: number, length: number): boolean {
  let index = 0;
  while (index < length && text[one + index] === text[other + index]) index++;
  return index === length;
}
