import { columnsOf } from '../manifest-encoder.ts';
import type { LoadedEncoder } from '../scorer-set.ts';

/** Scorers that read the same numbers: one pass over the windows of a document gives the scores of all. */
export type EncoderGroup = readonly [LoadedEncoder, ...LoadedEncoder[]];

/** Scorers with the same graph, vocabulary and windows share an encoder, and the order stays. How the windows are reduced is each one's own. */
export function shareEncoders(all: readonly LoadedEncoder[]): EncoderGroup[] {
  const groups = Map.groupBy(all, ({ manifest, graphs }) => {
    const { tokenizer, model, maxTokens, window } = manifest;
    const { sha256, cls, sep, pad } = tokenizer;
    const read = [model.inputs, model.output, columnsOf(manifest)];
    return JSON.stringify([graphs, read, [sha256, cls, sep, pad], maxTokens, { ...window, reduction: undefined }]);
  });
  return [...groups.values()].map(([first, ...others]) => [first!, ...others]);
}
