/** Words of one entry: key (low, high), copies, partition, offset (low, high). */
const ENTRY = 6;
const COPIES = 2;
const FIRST_PLACES = 4096;
const MAX_LOAD = 0.6;
const MAX_COPIES = 0xffff_ffff;

interface Table {
  /** Places × ENTRY words; a place without copies is free. */
  words: Uint32Array;
  places: number;
  keys: number;
}

/** Answer to one document. The object is the table's own and is overwritten by the next call. */
export interface ExactAnswer {
  /** Documents with this key so far, this one included; stops at 2^32 - 1. */
  copies: number;
  /** The first of them; meaningless when `copies` is 1. */
  partition: number;
  offsetLow: number;
  offsetHigh: number;
}

export interface ExactKeys {
  /** Answers one document and, when `inserted`, counts it. Numbers are unsigned 32-bit halves. */
  readonly see: (
    low: number,
    high: number,
    inserted: boolean,
    partition: number,
    offsetLow: number,
    offsetHigh: number,
  ) => ExactAnswer;
  readonly keys: () => number;
  readonly bytes: () => number;
  /** The state, for a snapshot: newer and older table. */
  readonly tables: () => readonly Readonly<Table>[];
  readonly restore: (newer: Table, older: Table) => void;
}

/**
 * Exact keys with their count and first document, in open addressing. There are two tables: when the newer has half of `capacity` keys it becomes
 * the older, and keys not seen again since are forgotten. A table doubles as it fills, which no answer shows.
 */
export function createExactKeys(capacity: number): ExactKeys {
  let newer = emptyTable(FIRST_PLACES);
  let older = emptyTable(FIRST_PLACES);
  const answer: ExactAnswer = { copies: 0, partition: 0, offsetLow: 0, offsetHigh: 0 };

  const makeRoom = () => {
    if (newer.keys >= capacity / 2) {
      older = newer;
      newer = emptyTable(FIRST_PLACES);
    } else if (newer.keys >= newer.places * MAX_LOAD) {
      newer = doubled(newer);
    }
  };

  const see: ExactKeys['see'] = (low, high, inserted, partition, offsetLow, offsetHigh) => {
    if (inserted) makeRoom();
    let table = newer;
    let at = find(newer, low, high);
    if (newer.words[at + COPIES] === 0) {
      const before = find(older, low, high);
      const known = older.words[before + COPIES] !== 0;
      if (inserted) {
        if (known) newer.words.set(older.words.subarray(before, before + ENTRY), at);
        else newer.words.set([low, high, 0, partition, offsetLow, offsetHigh], at);
        newer.keys++;
      } else [table, at] = [older, before];
    }
    const { words } = table;
    answer.copies = Math.min(words[at + COPIES]! + 1, MAX_COPIES);
    answer.partition = words[at + 3]!;
    answer.offsetLow = words[at + 4]!;
    answer.offsetHigh = words[at + 5]!;
    if (inserted) words[at + COPIES] = answer.copies;
    return answer;
  };

  return {
    see,
    keys: () => newer.keys + older.keys,
    bytes: () => newer.words.byteLength + older.words.byteLength,
    tables: () => [newer, older],
    restore: (a, b) => {
      newer = a;
      older = b;
    },
  };
}

export function emptyTable(places: number): Table {
  return { words: new Uint32Array(places * ENTRY), places, keys: 0 };
}

/** Where the key stands, or the free place where it would. */
function find(table: Table, low: number, high: number): number {
  const { words, places } = table;
  for (let place = low & (places - 1); ; place = (place + 1) & (places - 1)) {
    const at = place * ENTRY;
    if (words[at + COPIES] === 0 || (words[at] === low && words[at + 1] === high)) return at;
  }
}

function doubled(table: Table): Table {
  const bigger = emptyTable(table.places * 2);
  for (let at = 0; at < table.words.length; at += ENTRY) {
    if (table.words[at + COPIES] === 0) continue;
    bigger.words.set(table.words.subarray(at, at + ENTRY), find(bigger, table.words[at]!, table.words[at + 1]!));
  }
  bigger.keys = table.keys;
  return bigger;
}
