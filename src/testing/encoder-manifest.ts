/** Manifests of encoders for tests that need no files. */
import { type EncoderManifest, encoderManifest } from '../scoring/manifest-encoder.ts';
import type { LoadedEncoder } from '../scoring/scorer-set.ts';

type Output = EncoderManifest['outputs'][number];

export const outputOf = (axis: string, index: number, more: Partial<Output> = {}): Output => ({
  axis,
  index,
  calibration: { slope: 1, intercept: 0 },
  ...more,
});

/** `more` replaces fields of the manifest, `model` those of its model. */
export function manifestOf(
  outputs: readonly Output[],
  more: Partial<EncoderManifest> = {},
  model: Partial<EncoderManifest['model']> = {},
): EncoderManifest {
  const sha256 = '0'.repeat(64);
  return encoderManifest.parse({
    name: 'test/encoder@1',
    kind: 'onnx-encoder',
    description: '',
    languages: ['en'],
    tokenizer: { kind: 'wordpiece-uncased', file: 'vocab.txt', sha256, entries: 100 },
    model: {
      file: 'a.onnx',
      sha256,
      precision: 'fp32',
      inputs: { ids: 'input_ids', lengths: 'lengths', type: 'int32' },
      output: 'logits',
      activation: 'sigmoid',
      ...model,
    },
    maxTokens: 512,
    window: { tokens: 128, head: 1, tail: 0, random: 0, minTokens: 16, reduction: 'max' },
    outputs,
    licence: '',
    trainingData: '',
    selfTest: [{ text: '', scores: outputs.map(() => 0) }],
    ...more,
  });
}

export function loadedOf(manifest: EncoderManifest): LoadedEncoder {
  const graphs = [{ path: manifest.model.file, precision: manifest.model.precision }];
  return { manifest, graphs, tokenizer: new Uint8Array(new SharedArrayBuffer(0)) };
}
