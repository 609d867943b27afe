/** An undisturbed index over the sketch log that a run left behind: what its verdicts have to be, whatever happened on the way. */
import path from 'node:path';
import { createIndex, dedupOptionsSchema, NO_PARTITION } from '../../src/dedup/dedup.ts';
import { openEmbeddedLog } from '../../src/log/embedded/log.ts';
import { STUB } from '../../src/model/sifted.ts';
import { readSketchBlock } from '../../src/model/sketches.ts';
import { readTopic } from '../../src/runtime/read-topic.ts';
import { readState } from '../../src/runtime/state.ts';

const round = (x: number) => Math.round(x * 1e4) / 1e4;

/** `file@offset` → the `dedup` signal. */
export async function foldSketchLog(state: string): Promise<Map<string, object>> {
  const { inputs } = readState(state)!;
  const log = await openEmbeddedLog({ directory: path.join(state, 'log'), outputDirectory: path.dirname(state) });
  try {
    const blocks: Uint8Array[] = [];
    for await (const { value } of readTopic(log, 'dedup.sketches')) blocks.push(value.slice());
    const folded = foldBlocks(blocks, 'dedup.raw', (partition) => inputs[partition]!.name);
    return new Map([...folded].map(([key, signal]) => [path.basename(key), signal]));
  } finally {
    await log.close();
  }
}

/** `partition@offset` → the `dedup` signal, with block boundaries of one record each. */
export function foldBlocks(
  blocks: readonly Uint8Array[],
  rawTopic: string,
  nameOf: (partition: number) => string | number,
): Map<string, object> {
  const options = dedupOptionsSchema.parse({});
  const index = createIndex(options);
  const verdicts = new Map<string, object>();
  const marks = new Map<number, bigint>();
  for (const bytes of blocks) {
    const block = readSketchBlock(bytes);
    const mark = marks.get(block.partition) ?? block.from;
    // Behind a gap: it comes again when what is missing has come (protocol rule 4).
    if (block.from > mark) continue;
    marks.set(block.partition, block.to > mark ? block.to : mark);
    for (let i = 0, k = 0; i < block.count; i++) {
      const sketch =
        block.kinds[i] === STUB ? undefined : block.sketches.subarray(k * block.stride, ++k * block.stride);
      const offset = block.offsets[i]!;
      if (offset < mark || sketch === undefined) continue;
      const v = index.decide({
        count: 1,
        kinds: block.kinds.subarray(i, i + 1),
        partitions: Uint32Array.of(block.partition),
        offsets: BigInt64Array.of(offset),
        sketches: sketch,
      });
      const partition = v.duplicatePartition[0]!;
      verdicts.set(`${nameOf(block.partition)}@${offset}`, {
        votes: v.votes[0],
        bands: options.bands,
        similarity: round(v.similarity[0]!),
        containment: round(v.containment[0]!),
        duplicateOf:
          partition === NO_PARTITION
            ? null
            : { topic: rawTopic, partition: nameOf(partition), offset: String(v.duplicateOffset[0]) },
        exact: v.exact[0] === 1,
        generation: Math.max(0, v.generation[0]!),
        copies: v.copies[0],
      });
    }
  }
  return verdicts;
}
