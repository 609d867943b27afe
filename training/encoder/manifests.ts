import type { EncoderManifest } from '../../src/scoring/manifest-encoder.ts';
import { axes } from '../labelled.ts';
import { type Source, sources, splitRule, toxicitySources } from '../sources.ts';
import { shippedHeads } from './heads.ts';
import { original } from './original.ts';
import type { WantedGraph } from './build.ts';

/** A window is 128 tokens with [CLS] and [SEP], as the heads were trained; of a long document its beginning, its end and one between. */
const window = { tokens: 128, head: 2, tail: 1, random: 1, minTokens: 16, reduction: 'max' } as const;
const MAX_TOKENS = 16_384;
/** Of the documents that stage 0 decides alone, this share is scored all the same: it shows when the two drift apart. */
const SAMPLE_RATE = 0.01;
const STAGE0_SHARE = 0.35;

/** What both manifests share: the encoder, its tokenizer and its windows. */
function encoder(
  graphs: readonly WantedGraph[],
): Pick<EncoderManifest, 'kind' | 'tokenizer' | 'model' | 'maxTokens' | 'window' | 'licence' | 'split'> {
  const [first, ...variants] = graphs.map(({ precision, sha256 }) => ({ file: `${sha256}.onnx`, sha256, precision }));
  return {
    kind: 'onnx-encoder',
    tokenizer: { kind: 'wordpiece-uncased', file: 'vocab.txt', sha256: original.vocabulary.sha256, entries: 30_522 },
    model: {
      ...first!,
      variants,
      inputs: { ids: 'input_ids', lengths: 'lengths', type: 'int32' },
      output: 'logits',
      columns: shippedHeads.reduce((sum, { widths }) => sum + widths.at(-1)!, 0),
      activation: 'sigmoid',
    },
    maxTokens: MAX_TOKENS,
    window,
    licence: 'Apache-2.0',
    split: splitRule,
  };
}

/** Without what is measured: calibration, thresholds, cascade, figures, self-test. */
export function toxicityManifest(graphs: readonly WantedGraph[]): EncoderManifest {
  return {
    name: 'toxicity/encoder@1',
    description:
      'Abusive vocabulary and tone: heads on frozen all-MiniLM-L6-v2, 128 tokens at a time, with a third of toxicity/base@1 mixed in. It does not tell use from mention: counter-speech, quotation, negation and reclaimed terms score as abuse does. No axis for sexual content: no source labels it.',
    languages: ['en'],
    ...encoder(graphs),
    outputs: axes.map((axis, index) => ({
      axis,
      index,
      calibration: { slope: 1, intercept: 0 },
      mix: { scorer: 'toxicity/base@1', axis, weight: STAGE0_SHARE },
    })),
    cascade: { of: 'toxicity/base@1', axis: 'toxic', cut: 0, sampleRate: SAMPLE_RATE },
    thresholds: {},
    // The heads of both see all of them: for spam, comments and prose are what it is not.
    trainingData: toxicitySources.map((name): Source => sources[name]),
    measured: {},
    selfTest: [{ text: '', scores: axes.map(() => 0) }],
  };
}

export function spamManifest(graphs: readonly WantedGraph[]): EncoderManifest {
  return {
    name: 'spam/encoder@1',
    description:
      'Advertising by mass mail: a head on frozen all-MiniLM-L6-v2. Trained on mail of 2002 to 2005, so it knows the offers of that time.',
    languages: ['en'],
    ...encoder(graphs),
    outputs: [{ axis: 'score', index: axes.length, calibration: { slope: 1, intercept: 0 } }],
    thresholds: {},
    trainingData: toxicitySources.map((name): Source => sources[name]),
    measured: {},
    selfTest: [{ text: '', scores: [0] }],
  };
}
