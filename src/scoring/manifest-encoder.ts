import { z } from 'zod';
import { calibration, checkOutputs, common, fileName, origin, score, sha256, wordPiece } from './manifest-fields.ts';

const tokenId = z.int().nonnegative();
/** Tokens that the model itself needs: before a window, after it, and behind it in a batch. */
const special = { cls: tokenId.optional(), sep: tokenId.optional(), pad: tokenId.optional() };

/**
 * `wordpiece-uncased`: Riffle's own, over a `vocab.txt`; [CLS], [SEP] and [PAD] are found in it. `tokenizers-json`: anything that the package
 * `tokenizers` reads; a model without a token before or after the text leaves `cls` or `sep` out.
 */
const tokenizer = z.discriminatedUnion('kind', [
  wordPiece.extend(special),
  z.strictObject({
    kind: z.literal('tokenizers-json'),
    file: fileName,
    sha256,
    entries: z.int().positive(),
    ...special,
    pad: tokenId,
  }),
]);

/** Names of the graph's inputs. The tokens of a window are told from padding by their count, or by a mask of ones. */
const inputs = z
  .strictObject({
    ids: z.string(),
    lengths: z.string().optional(),
    attentionMask: z.string().optional(),
    /** Zero everywhere: a window is one sentence. */
    tokenTypes: z.string().optional(),
    type: z.enum(['int32', 'int64']),
  })
  .refine((m) => (m.lengths === undefined) !== (m.attentionMask === undefined), 'either lengths or attentionMask');

/** A file of a graph, and what the values between its operators are. */
const graph = { file: fileName, sha256, precision: z.enum(['fp32', 'fp16', 'int8']) };

const model = z.strictObject({
  ...graph,
  /** The same model in other precisions, with the same inputs and outputs: int8 is fastest on a processor, fp16 on a GPU. */
  variants: z.array(z.strictObject(graph)).optional(),
  inputs,
  /** The tensor of float32 that is read: a row for each window. */
  output: z.string(),
  /** Numbers in a row; without it, as many as the outputs name. */
  columns: z.int().positive().optional(),
  /**
   * How a number becomes a logit. `sigmoid`: it is one. `softmax`: the columns exclude each other, and the logit is that of the column against
   * all others. `none`: a regression; its score is slope · number + intercept, cut to 0 and 1.
   */
  activation: z.enum(['sigmoid', 'softmax', 'none']),
});

/** Which stretches of a document the model sees. All of a document that is short enough. */
const window = z
  .strictObject({
    /** As the model sees them, with [CLS] and [SEP]. */
    tokens: z.int().min(3),
    /** Windows at the beginning, at the end, and between, drawn by the record's identity. */
    head: z.int().nonnegative(),
    tail: z.int().nonnegative(),
    random: z.int().nonnegative(),
    /** A last window of fewer tokens of text is left out unless it is the only one. */
    minTokens: z.int().positive(),
    /** What an axis is of its windows; the other of the two is written beside it. */
    reduction: z.enum(['max', 'mean']),
  })
  .refine((w) => w.head + w.tail + w.random > 0, 'at least one window');

const output = z.strictObject({
  axis: z.string().regex(/^[\w-]+$/, 'letters, digits, _ and -'),
  /** Column of the model's output. */
  index: z.int().nonnegative(),
  calibration,
  /** Another scorer's score, as a logit, makes up `weight` of this one's: (1 − weight) · own + weight · other. Calibrated afterwards. */
  mix: z.strictObject({ scorer: z.string(), axis: z.string(), weight: z.number().min(0).max(1) }).optional(),
});

/** An ONNX graph over the tokens of a window: built by `training/encoder`, or anybody's. */
export const encoderManifest = z
  .strictObject({
    ...common,
    kind: z.literal('onnx-encoder'),
    tokenizer,
    model,
    /** Ids of a document that are looked at, without [CLS] and [SEP]: its end is where they end. */
    maxTokens: z.int().positive(),
    window,
    outputs: z.array(output).min(1),
    /** Only documents whose score by a cheaper scorer is at or above the cut are scored, and a sample of the others. */
    cascade: z.strictObject({ of: z.string(), axis: z.string(), cut: score, sampleRate: score }).optional(),
    trainingData: origin,
    split: z.string().optional(),
    /** Nothing else would tell that a graph is fed in another way than it was trained with. */
    selfTest: common.selfTest.min(1),
  })
  .refine(({ model: { columns }, outputs }) => outputs.every(({ index }) => index < (columns ?? index + 1)), {
    path: ['outputs'],
    message: 'indexes below model.columns',
  })
  .superRefine(checkOutputs);

export type EncoderManifest = z.infer<typeof encoderManifest>;

/** Numbers in a row of the model's output. */
export function columnsOf({ model, outputs }: Pick<EncoderManifest, 'model' | 'outputs'>): number {
  return model.columns ?? Math.max(...outputs.map(({ index }) => index)) + 1;
}
