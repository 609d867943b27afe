import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadedOf, manifestOf, outputOf } from '../../testing/encoder-manifest.ts';
import { shareEncoders } from './share.ts';

test('scorers of one graph and the same windows share an encoder, however they reduce them', () => {
  const columns = { columns: 3 };
  const window = { tokens: 128, head: 1, tail: 0, random: 0, minTokens: 16, reduction: 'mean' as const };
  const toxicity = loadedOf(
    manifestOf([outputOf('toxic', 0), outputOf('threat', 1)], { name: 'toxicity/a@1' }, columns),
  );
  const spam = loadedOf(manifestOf([outputOf('score', 2)], { name: 'spam/a@1', window }, columns));
  const other = loadedOf(manifestOf([outputOf('score', 0)], { name: 'quality/b@1' }, { file: 'b.onnx' }));
  const wider = loadedOf(
    manifestOf([outputOf('score', 0)], { name: 'quality/c@1', window: { ...window, tokens: 256 } }, columns),
  );
  assert.deepEqual(shareEncoders([toxicity, other, spam, wider]), [[toxicity, spam], [other], [wider]]);
  assert.deepEqual(shareEncoders([]), []);
});
