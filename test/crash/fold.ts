/** An undisturbed index over the sketch log that a run left behind: what its verdicts have to be, whatever happened on the way. */
import path from 'node:path';
import { createIndex, dedupOptionsSchema, NO_PARTITION } from '../../src/dedup/dedup.ts';
import { openEmbeddedLog } from '../../src/log/embedded/log.ts';
import { STUB } from '../../src/model/sifted.ts';
import { readSketchBlock } from '../../src/model/sketches.ts';
import { readTopic } from '../../src/runtime/read-topic.ts';
import { readState } from '../../src/runtime/state.ts';

const round = (x: number) => Math.round(x * 1e4) / 1e4;

/** `file@offset` → the `dedup` signal, with block boundaries of one record each. */
export async function foldSketchLog(state: string, files: readonly string[]): Promise<Map<string, object>> {
  const { inputs } = readState(state)!;
  const log = await openEmbeddedLog({ directory: path.join(state, 'log'), outputDirectory: path.dirname(state) });
  const options = dedupOptionsSchema.parse({});
  const index = createIndex(options);
  const verdicts = new Map<string, object>();
  const marks = files.map(() => 0n);
  try {
    for await (const { value } of readTopic(log, 'dedup.sketches')) {
      const block = readSketchBlock(value);
      for (let i = 0, k = 0; i < block.count; i++) {
        const sketch =
          block.kinds[i] === STUB ? undefined : block.sketches.subarray(k * block.stride, ++k * block.stride);
        const offset = block.offsets[i]!;
        if (offset < marks[block.partition]!) continue;
        marks[block.partition] = offset + 1n;
        if (sketch === undefined) continue;
        const v = index.decide({
          count: 1,
          kinds: block.kinds.subarray(i, i + 1),
          partitions: Uint32Array.of(block.partition),
          offsets: BigInt64Array.of(offset),
          sketches: sketch,
        });
        const partition = v.duplicatePartition[0]!;
        const name = (p: number) => inputs[p]!.name;
        verdicts.set(`${path.basename(name(block.partition))}@${offset}`, {
          votes: v.votes[0],
          bands: options.bands,
          similarity: round(v.similarity[0]!),
          containment: round(v.containment[0]!),
          duplicateOf:
            partition === NO_PARTITION
              ? null
              : { topic: 'dedup.raw', partition: name(partition), offset: String(v.duplicateOffset[0]) },
          exact: v.exact[0] === 1,
          generation: Math.max(0, v.generation[0]!),
          copies: v.copies[0],
        });
      }
    }
  } finally {
    await log.close();
  }
  return verdicts;
}
