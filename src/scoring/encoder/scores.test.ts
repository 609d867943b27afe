import assert from 'node:assert/strict';
import { test } from 'node:test';
import { manifestOf, outputOf as output } from '../../testing/encoder-manifest.ts';
import { createReduce } from './scores.ts';

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const four = (x: number): number => Math.round(x * 1e4) / 1e4;

test('an axis is the greatest of its windows, calibrated, with the mean beside it', () => {
  const manifest = manifestOf([output('a', 1, { calibration: { slope: 0.5, intercept: -1 } }), output('b', 0)]);
  const [low, high] = [sigmoid(0.5 * -2 - 1), sigmoid(0.5 * 3 - 1)];
  assert.deepEqual(createReduce(manifest)(Float32Array.of(1, 3, 0, -2)), {
    a: four(high),
    'a.mean': four((low + high) / 2),
    b: four(sigmoid(1)),
    'b.mean': four((sigmoid(1) + 0.5) / 2),
  });
  assert.deepEqual(
    createReduce({ ...manifest, window: { ...manifest.window, reduction: 'mean' } })(Float32Array.of(1, 3, 0, -2)),
    {
      a: four((low + high) / 2),
      'a.max': four(high),
      b: four((sigmoid(1) + 0.5) / 2),
      'b.max': four(sigmoid(1)),
    },
  );
});

test('softmax is the share of a column, also where exponentials overflow', () => {
  const reduce = createReduce(manifestOf([output('a', 0), output('b', 2)], {}, { activation: 'softmax', columns: 3 }));
  const exponentials = [1, 2, 0.5].map(Math.exp);
  const sum = exponentials.reduce((a, b) => a + b);
  const scores = reduce(Float32Array.of(1, 2, 0.5)) as Record<string, number>;
  assert.deepEqual([scores.a, scores.b], [four(exponentials[0]! / sum), four(exponentials[2]! / sum)]);
  const far = reduce(Float32Array.of(2000, -2000, 1999)) as Record<string, number>;
  assert.deepEqual([far.a, far.b], [four(sigmoid(1)), four(sigmoid(-1))]);
});

test('a regression is scaled and cut, and a single score is a plain number', () => {
  const reduce = createReduce(
    manifestOf([output('score', 0, { calibration: { slope: 0.2, intercept: 0 } })], {}, { activation: 'none' }),
  );
  assert.equal(reduce(Float32Array.of(3.5)), 0.7);
  assert.equal(reduce(Float32Array.of(7)), 1);
  assert.equal(reduce(Float32Array.of(-1, 1)), 0.2);
  assert.equal(reduce(new Float32Array(0)), 0, 'a document without a token');
});

test('another score takes part as a logit', () => {
  const mix = { scorer: 'toxicity/base@1', axis: 'toxic', weight: 0.35 };
  const manifest = manifestOf([output('toxic', 0, { mix, calibration: { slope: 0.8, intercept: 0.1 } })]);
  const reduce = createReduce(manifest);
  const logit = Math.log(0.9 / 0.1);
  const mixed = four(sigmoid(0.8 * (0.65 * 2 + 0.35 * logit) + 0.1));
  assert.deepEqual(reduce(Float32Array.of(2), { 'toxicity/base@1': { toxic: 0.9 } }), {
    toxic: mixed,
    'toxic.mean': mixed,
  });
  const alone = four(sigmoid(0.8 * 2 + 0.1));
  assert.deepEqual(reduce(Float32Array.of(2), {}), { toxic: alone, 'toxic.mean': alone });
  const certain = (reduce(Float32Array.of(0), { 'toxicity/base@1': 1 }) as Record<string, number>).toxic!;
  assert.ok(certain < 1 && certain > 0.9, 'a rounded 1 is not for ever');
});

test('NaN is no score', () => {
  const reduce = createReduce(manifestOf([output('a', 0), output('b', 1)]));
  for (const numbers of [
    [Number.NaN, 0],
    [0, 0, 1, Number.NaN],
    [Number.NaN, Number.NaN, 9, 9],
  ])
    assert.throws(() => reduce(Float32Array.from(numbers)), {
      name: 'RecordError',
      code: 'score.nan',
      operator: 'score',
    });
});
