import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { INSERTED } from '../model/sifted.ts';
import type { Verdict } from '../model/verdicts.ts';
import type { Decision } from '../pruning/decide.ts';
import { decisionJson, dedupSignal } from './output.ts';

const verdict: Verdict = {
  offset: 9n,
  exact: 1n,
  kind: INSERTED,
  votes: 3,
  generation: 2,
  exactMatch: false,
  similarity: 0.123456,
  containment: 0.5,
  copies: 1,
  duplicateOf: undefined,
};

test('the dedup signal, with four decimals and the duplicate by its position', () => {
  assert.equal(
    dedupSignal(verdict, 22, undefined),
    '"dedup":{"votes":3,"bands":22,"similarity":0.1235,"containment":0.5,"duplicateOf":null,"exact":false,"generation":2,"copies":1}',
  );
  const { dedup } = JSON.parse(
    `{${dedupSignal({ ...verdict, exactMatch: true, copies: 7 }, 22, { topic: 't', partition: 'a "b"', offset: 2n ** 62n })}}`,
  ) as { dedup: object };
  assert.deepEqual(dedup, {
    votes: 3,
    bands: 22,
    similarity: 0.1235,
    containment: 0.5,
    duplicateOf: { topic: 't', partition: 'a "b"', offset: '4611686018427387904' },
    exact: true,
    generation: 2,
    copies: 7,
  });
});

test('any decision is valid JSON with the members of the contract, in their order', () => {
  const text = fc.string({ unit: 'binary' });
  const number = fc.double({ noNaN: true, noDefaultInfinity: true, min: 1e-9, max: 1e9 });
  const decision: fc.Arbitrary<Decision> = fc.record({
    outcome: fc.constantFrom('curated', 'rejected', 'quarantine'),
    topic: text,
    reason: fc.option(text),
    value: fc.oneof(text, number, fc.constant(null)),
    limit: fc.oneof(text, number, fc.constant(null)),
    failed: fc.array(text, { maxLength: 3 }),
    probability: fc.constantFrom(0, 1),
    draw: fc.option(number),
    control: fc.boolean(),
  });
  fc.assert(
    fc.property(decision, text, ({ control: _control, ...written }, policy) => {
      const json = JSON.parse(decisionJson({ ...written, control: false }, policy)) as object;
      const { probability, draw, ...rest } = written;
      assert.deepEqual(json, { ...rest, policy, probability, draw });
      assert.equal(Object.keys(json).join(), 'outcome,topic,reason,value,limit,failed,policy,probability,draw');
    }),
  );
});
