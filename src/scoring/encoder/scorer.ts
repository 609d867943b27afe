import { ConfigError } from '../../errors.ts';
import type { EncoderManifest } from '../manifest-encoder.ts';
import type { LoadedEncoder } from '../scorer-set.ts';
import type { Scores } from '../stage0.ts';
import { scorePatiently, type Windows } from './batcher.ts';
import { type Encoder, type EncoderOptions, startEncoder } from './encoder.ts';
import { createReduce, type Reduce } from './scores.ts';
import type { EncoderGroup } from './share.ts';
import { specialTokens } from './special.ts';
import { createTokenize } from './tokenizer.ts';
import { cutWindows } from './windows.ts';

/** The part of an encoder that a thread with the texts does. */
export interface Cutter {
  /** The windows of a text that the model sees; `identity` draws those in the middle. */
  cut(text: string | Uint8Array, identity: string): Promise<Windows>;
}

export async function createCutter(loaded: LoadedEncoder): Promise<Cutter> {
  const special = specialTokens(loaded);
  const tokenize = await createTokenize(loaded);
  const { window } = loaded.manifest;
  return { cut: async (text, identity) => cutWindows(await tokenize(text), window, special, identity) };
}

/** Text in, scores out, by the name of each scorer that shares the encoder. */
export interface EncoderScorer {
  readonly encoder: Encoder;
  /** `others`: scores that the manifests mix in. While no session works it waits. Rejects with a RecordError `score.nan`. */
  score(text: string | Uint8Array, identity: string, others?: Scores): Promise<Scores>;
  close(): Promise<void>;
}

/**
 * How far a self-test score may be off: other kernels add in another order. fp16 and int8 round more, and int8 not alike on every processor.
 */
const selfTestTolerance: Record<Encoder['precision'], number> = { fp32: 2e-3, fp16: 6e-3, int8: 3e-2 };

/**
 * Starts the encoder of scorers that share one (`shareEncoders`), with its tokenizer, and scores the self-test texts. Throws a ConfigError when anything does
 * not fit, or a score differs.
 */
export async function startScorer(group: EncoderGroup, options: EncoderOptions = {}): Promise<EncoderScorer> {
  const [first] = group;
  const cutter = await createCutter(first);
  const reduces = group.map(({ manifest }): [string, Reduce] => [manifest.name, createReduce(manifest)]);
  const encoder = await startEncoder(first, options);
  const scorer: EncoderScorer = {
    encoder,
    async score(text, identity, others) {
      const windows = await cutter.cut(text, identity);
      const numbers = await scorePatiently(encoder, windows);
      return Object.fromEntries(reduces.map(([name, reduce]) => [name, reduce(numbers, others)]));
    },
    close: () => encoder.close(),
  };
  try {
    for (const { manifest } of group) await selfTest(manifest, scorer);
  } catch (error) {
    await encoder.close();
    throw error;
  }
  return scorer;
}

/** Scores of the encoder by itself: nothing is mixed in. The scores to compare with may be those of another precision. */
async function selfTest(
  { name, selfTest: texts, outputs, model }: EncoderManifest,
  scorer: EncoderScorer,
): Promise<void> {
  const tolerance = Math.max(selfTestTolerance[model.precision], selfTestTolerance[scorer.encoder.precision]);
  for (const [i, { text, scores }] of texts.entries()) {
    const actual = (await scorer.score(text, `self-test-${i}`))[name]!;
    const values = outputs.map(({ axis }) => (typeof actual === 'number' ? actual : actual[axis]!));
    if (values.every((value, k) => Math.abs(value - scores[k]!) <= tolerance)) continue;
    throw new ConfigError(
      'scorer-self-test',
      `scorer ${name}; self-test ${i} gives ${values.join(', ')}, not ${scores.join(', ')}; check tokenizer, inputs, activation and calibration against the original`,
    );
  }
}
