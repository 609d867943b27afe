/**
 * Open addressing over the positions of one text: a slot holds `base` + position + 1, and counts only when it lies above `base`,
 * which moves up with every use, so that nothing is ever cleared.
 */
export const smallest = 1 << 12;
/** Slots kept from one text to the next. */
export const largestKept = 1 << 18;

export class PositionTable {
  slots = new Int32Array(smallest);
  base = 0;
  #last = 0;

  /** Makes room for `count` positions and forgets the ones before. */
  begin(count: number): void {
    let size = smallest;
    while (size < count * 2) size *= 2;
    this.base += this.#last;
    this.#last = count + 1;
    const { length } = this.slots;
    // A text of millions of words leaves no large table behind.
    if (size > length || (length > largestKept && size < length)) {
      this.slots = new Int32Array(size);
      this.base = 0;
    } else if (this.base > 0x7fffffff - count - 1) {
      this.slots.fill(0);
      this.base = 0;
    }
  }
}

export function sameUnits(text: Uint16Array, one: number, other: number, length: number): boolean {
  let index = 0;
  while (index < length && text[one + index] === text[other + index]) index++;
  return index === length;
}
