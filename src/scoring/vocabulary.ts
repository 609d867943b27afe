import { ConfigError } from '../errors.ts';

/** WordPiece entries, numbered by their line in `vocab.txt`. */
export interface Vocabulary {
  readonly size: number;
  readonly unknown: number;
  readonly classify: number;
  readonly separate: number;
  readonly padding: number;
  /** Id of an entry as it is written in the file. */
  idOf(entry: string): number | undefined;
  /**
   * The longest entry that the UTF-16 units from `start` to `end` begin with: `length · 2^20 + id`, or −1 without one.
   * From 0 it is an entry that starts a word, from elsewhere one that continues it (`##` in the file).
   */
  longest(units: Uint16Array, start: number, end: number): number;
}

/** Bits of an id in the answer of `longest`. */
export const ID_BITS = 20;

/** Children of a trie's node are found by hash of (node, letter), letters being numbered as they first occur. */
const LETTER_BITS = 12;
const STARTS = 0;
const CONTINUATIONS = 1;

/** Reads the text of a `vocab.txt`: one entry a line. Throws a ConfigError when a special token is missing. */
export function parseVocabulary(text: string): Vocabulary {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  const ids = new Map(lines.map((line, id) => [line, id]));
  const special = (name: string): number => {
    const id = ids.get(name);
    if (id !== undefined) return id;
    throw new ConfigError(
      'vocabulary',
      `vocabulary of ${lines.length} entries; no ${name}; give the vocab.txt of a BERT model`,
    );
  };
  const letterOf = new Uint16Array(0x10000);
  let letters = 0;
  let units = 2;
  for (const line of lines) {
    units += line.length;
    for (let i = 0; i < line.length; i++) letterOf[line.charCodeAt(i)] ||= ++letters;
  }
  if (lines.length >= 2 ** ID_BITS || letters >= 2 ** LETTER_BITS || units >= 2 ** (31 - LETTER_BITS)) {
    throw new ConfigError(
      'vocabulary',
      `vocabulary of ${lines.length} entries with ${letters} letters; too large; give one of BERT's size`,
    );
  }

  const mask = 2 ** (32 - Math.clz32(units)) * 2 - 1;
  const edge = new Int32Array(mask + 1);
  const child = new Int32Array(mask + 1);
  const entryOf = new Int32Array(units).fill(-1);
  let nodes = 2;

  /** Place of the edge from a node by a letter, or the free place where it would be. */
  function place(node: number, letter: number): number {
    const key = (node << LETTER_BITS) | letter;
    let at = Math.imul(key, 0x9e3779b1);
    at = (at ^ (at >>> 15)) & mask;
    while (edge[at] !== 0 && edge[at] !== key) at = (at + 1) & mask;
    return at;
  }

  for (const [id, line] of lines.entries()) {
    // An entry such as `##` itself starts a word and continues none.
    const continues = line.startsWith('##') && line.length > 2;
    let node = continues ? CONTINUATIONS : STARTS;
    for (let i = continues ? 2 : 0; i < line.length; i++) {
      const letter = letterOf[line.charCodeAt(i)]!;
      const at = place(node, letter);
      if (edge[at] === 0) {
        edge[at] = (node << LETTER_BITS) | letter;
        child[at] = nodes++;
      }
      node = child[at]!;
    }
    if (line !== '') entryOf[node] = id;
  }

  return {
    size: lines.length,
    unknown: special('[UNK]'),
    classify: special('[CLS]'),
    separate: special('[SEP]'),
    padding: special('[PAD]'),
    idOf: (entry) => ids.get(entry),
    longest(word, start, end) {
      let node = start === 0 ? STARTS : CONTINUATIONS;
      let best = -1;
      for (let i = start; i < end; i++) {
        const letter = letterOf[word[i]!]!;
        if (letter === 0) break;
        const at = place(node, letter);
        if (edge[at] === 0) break;
        node = child[at]!;
        const id = entryOf[node]!;
        if (id >= 0) best = ((i + 1 - start) << ID_BITS) | id;
      }
      return best;
    },
  };
}
