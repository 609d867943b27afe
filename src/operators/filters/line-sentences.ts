import { type ChunkCache, ENDED, FLAGS, INSIDE } from './chunk-cache.ts';
import { HAS_MERGE } from './chunk-flags.ts';
import { hashStart, hashStep, UnitBuffer } from './text-table.ts';
import { kinds, SPACE_UNIT, WORD } from './unit-kinds.ts';

/** Counts the sentences of a line on its own, with the chunks that the scanner knows. */
export function lineSentences(cache: ChunkCache): (line: string) => number {
  const buffer = new UnitBuffer();
  return (line) => {
    const units = buffer.load(line);
    let count = 1;
    let ended = false;
    let chunkEnd = 0;
    for (let at = 0; at < line.length; ) {
      if (kinds[units[at]!] !== WORD) {
        at++;
        continue;
      }
      const from = at;
      let hash = hashStart;
      for (; at < line.length && kinds[units[at]!] === WORD; at++) hash = Math.imul(hash ^ units[at]!, hashStep);
      // Any run of white space but one space, which belongs to the token before, is a token that starts a sentence.
      const gap = from - chunkEnd;
      const blankToken = gap > 1 || (gap === 1 && (chunkEnd === 0 || units[chunkEnd]! !== SPACE_UNIT));
      if (blankToken && ended) {
        count++;
        ended = false;
      }
      let record = cache.find(units, from, at, hash);
      if (record === 0) record = cache.learn(line.slice(from, at), units, from, hash);
      if (cache.data[record + FLAGS]! & HAS_MERGE) record = cache.inContext(record, line, units, from, at);
      const sentences: number = cache.data[record + (ended ? ENDED : INSIDE)]!;
      count += sentences >> 1;
      ended = (sentences & 1) === 1;
      chunkEnd = at;
    }
    const gap = line.length - chunkEnd;
    return ended && (gap > 1 || (gap === 1 && units[chunkEnd]! !== SPACE_UNIT)) ? count + 1 : count;
  };
}
