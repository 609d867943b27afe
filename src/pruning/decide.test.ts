/** Expected decisions are written by hand from docs/reference/policies.md and records.md. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import type { Failure } from '../model/reasons.ts';
import { type Evidence, decide } from './decide.ts';
import { draw } from './draw.ts';
import type { Policy } from './policy.ts';

const policy: Policy = {
  name: 'test',
  version: 3,
  owner: 'test',
  rationale: 'test',
  created: '2026-11-21',
  seed: 'riffle',
  gates: [
    { scorer: 'toxicity/base@1', axis: 'toxic', above: 0.7 },
    { scorer: 'toxicity/base@1', axis: 'threat', above: 0.5 },
  ],
  dedup: { drop: true, similarity: 0.695, votes: 4, keepCopies: 1 },
  quality: [{ scorer: 'quality/base@1', atLeast: 0.4 }],
  control: { rate: 0 },
  routes: { languages: ['en', 'de'], other: 'other' },
};

const first = { exactMatch: false, similarity: 0, votes: 0, copies: 1 };
const good: Evidence = {
  identity: 'text.raw-a.jsonl@0',
  language: 'en',
  failures: [],
  verdict: first,
  scores: { 'quality/base@1': 0.9, 'toxicity/base@1': { toxic: 0.1, threat: 0 } },
  retried: false,
};

const decode: Failure = { reason: 'decode.httpStatus', value: 404, limit: '200-299' };
const empty: Failure = { reason: 'extract.empty', value: 12, limit: 1 };
const language: Failure = { reason: 'language.confidence', value: 0.3, limit: 0.65 };
const words: Failure = { reason: 'gopher@datatrove.wordCount', value: 12, limit: 50 };
const toxic = { ...good.scores, 'toxicity/base@1': { toxic: 0.71, threat: 0.9 } };
const low = { ...good.scores, 'quality/base@1': 0.39 };
const copy = { ...first, exactMatch: true, similarity: 1, votes: 22, copies: 2 };

interface Row {
  readonly what: string;
  readonly evidence: Partial<Evidence>;
  /** Outcome, reason, value, limit. */
  readonly expected: readonly [string, string | null, number | string | null, number | string | null];
  readonly failed?: readonly string[];
  readonly policy?: Partial<Policy>;
}

const annotate: Partial<Policy> = { dedup: { ...policy.dedup, drop: false } };
const two: Partial<Policy> = { dedup: { ...policy.dedup, keepCopies: 2 } };

const rows: Row[] = [
  { what: 'nothing wrong', evidence: {}, expected: ['curated', null, null, null] },
  {
    what: 'a decode failure',
    evidence: { failures: [decode] },
    expected: ['rejected', 'decode.httpStatus', 404, '200-299'],
  },
  { what: 'no text left', evidence: { failures: [empty] }, expected: ['rejected', 'extract.empty', 12, 1] },
  {
    what: 'a gate',
    evidence: { scores: toxic },
    expected: ['quarantine', 'toxicity.toxic', 0.71, 0.7],
    failed: ['toxicity.toxic', 'toxicity.threat'],
  },
  {
    what: 'a score at the gate passes',
    evidence: { scores: { ...good.scores, 'toxicity/base@1': { toxic: 0.7, threat: 0.5 } } },
    expected: ['curated', null, null, null],
  },
  {
    what: 'an unsure language',
    evidence: { failures: [language] },
    expected: ['rejected', 'language.confidence', 0.3, 0.65],
  },
  { what: 'a rule', evidence: { failures: [words] }, expected: ['rejected', 'gopher@datatrove.wordCount', 12, 50] },
  { what: 'a copy', evidence: { verdict: copy }, expected: ['rejected', 'dedup.exact', 2, 1] },
  {
    what: 'a near copy',
    evidence: { verdict: { ...first, similarity: 0.81234567 } },
    expected: ['rejected', 'dedup.near', 0.8123, 0.695],
  },
  {
    what: 'just similar enough',
    evidence: { verdict: { ...first, similarity: 0.695 } },
    expected: ['rejected', 'dedup.near', 0.695, 0.695],
  },
  {
    what: 'less similar',
    evidence: { verdict: { ...first, similarity: 0.694 } },
    expected: ['curated', null, null, null],
  },
  {
    what: 'known to the history',
    evidence: { verdict: { ...first, votes: 4 } },
    expected: ['rejected', 'dedup.history', 4, 4],
  },
  { what: 'hardly known', evidence: { verdict: { ...first, votes: 3 } }, expected: ['curated', null, null, null] },
  {
    what: 'a near copy that the history knows too: the window names it',
    evidence: { verdict: { ...first, similarity: 0.9, votes: 20 } },
    expected: ['rejected', 'dedup.near', 0.9, 0.695],
  },
  { what: 'a low score', evidence: { scores: low }, expected: ['rejected', 'quality.threshold', 0.39, 0.4] },
  {
    what: 'a score at the limit',
    evidence: { scores: { ...good.scores, 'quality/base@1': 0.4 } },
    expected: ['curated', null, null, null],
  },
  {
    what: 'no score, as in a language that is not scored',
    evidence: { scores: {} },
    expected: ['curated', null, null, null],
  },
  {
    what: 'no verdict, as for a record without text',
    evidence: { verdict: undefined, failures: [decode] },
    expected: ['rejected', 'decode.httpStatus', 404, '200-299'],
  },
  {
    what: 'everything at once: decode, gates, language, rules, dedup, score',
    evidence: {
      failures: [decode, empty, language, words],
      scores: { ...toxic, 'quality/base@1': 0.1 },
      verdict: copy,
    },
    expected: ['rejected', 'decode.httpStatus', 404, '200-299'],
    failed: [
      'decode.httpStatus',
      'extract.empty',
      'toxicity.toxic',
      'toxicity.threat',
      'language.confidence',
      'gopher@datatrove.wordCount',
      'dedup.exact',
      'quality.threshold',
    ],
  },
  {
    what: 'toxic and in an unsure language: a person looks at it first',
    evidence: { failures: [language, words], scores: toxic },
    expected: ['quarantine', 'toxicity.toxic', 0.71, 0.7],
    failed: ['toxicity.toxic', 'toxicity.threat', 'language.confidence', 'gopher@datatrove.wordCount'],
  },
  {
    what: 'a rule and a copy: the copy bears its own reason',
    evidence: { failures: [words], verdict: copy },
    expected: ['rejected', 'gopher@datatrove.wordCount', 12, 50],
    failed: ['gopher@datatrove.wordCount', 'dedup.exact'],
  },
  {
    what: 'a copy put back from the dead letters',
    evidence: { verdict: copy, retried: true },
    expected: ['curated', null, null, null],
  },
  {
    what: 'a bad record put back',
    evidence: { failures: [words], retried: true },
    expected: ['rejected', 'gopher@datatrove.wordCount', 12, 50],
  },
  {
    what: 'copies only annotated',
    evidence: { verdict: copy },
    policy: annotate,
    expected: ['curated', null, null, null],
  },
  {
    what: 'the second of two copies to keep',
    evidence: { verdict: copy },
    policy: two,
    expected: ['curated', null, null, null],
  },
  {
    what: 'the third',
    evidence: { verdict: { ...copy, copies: 3 } },
    policy: two,
    expected: ['rejected', 'dedup.exact', 3, 2],
  },
];

suite('one record', () => {
  for (const { what, evidence, expected, failed, policy: other } of rows)
    test(what, () => {
      const decision = decide({ ...policy, ...other }, { ...good, ...evidence });
      const { outcome, reason, value, limit } = decision;
      assert.deepEqual([outcome, reason, value, limit], expected);
      assert.deepEqual(decision.failed, failed ?? (reason === null ? [] : [reason]));
      assert.equal(decision.probability, outcome === 'curated' ? 1 : 0);
      assert.equal(decision.topic, outcome === 'curated' ? 'curated.en' : outcome);
      assert.deepEqual([decision.draw, decision.control], [null, false], 'no control sample at rate 0');
    });
});

test('a language without a route of its own goes to the other one', () => {
  const topicOf = (code: string) => decide(policy, { ...good, language: code }).topic;
  assert.deepEqual(['de', 'fr', ''].map(topicOf), ['curated.de', 'curated.other', 'curated.other']);
});

suite('the control sample', () => {
  const sampled: Policy = { ...policy, control: { rate: 0.25 } };
  const identities = Array.from({ length: 4000 }, (_, i) => `text.raw-a.jsonl@${i}`);

  test('a record is in it when its draw is below the rate', () => {
    for (const identity of identities) {
      const { draw: number, control } = decide(sampled, { ...good, identity });
      assert.equal(number, draw('riffle', 'control', identity));
      assert.equal(control, number < 0.25);
    }
  });

  test('scores make no difference to it: that is what it is for', () => {
    for (const identity of identities) {
      const [kept, dropped] = [good.scores, low].map((scores) => decide(sampled, { ...good, identity, scores }));
      assert.deepEqual([kept!.outcome, dropped!.outcome], ['curated', 'rejected']);
      assert.equal(kept!.control, dropped!.control);
    }
  });

  test('what decode, a gate, a rule or a duplicate stops before scores is never in it', () => {
    const early: Partial<Evidence>[] = [
      { failures: [decode] },
      { scores: toxic },
      { failures: [words] },
      { verdict: copy },
    ];
    for (const evidence of early)
      for (const identity of identities.slice(0, 100)) {
        const { draw: number, control } = decide(sampled, { ...good, ...evidence, identity });
        assert.deepEqual([number, control], [null, false]);
      }
  });

  test('at rate 1 everything that gets there is in it', () => {
    const all: Policy = { ...policy, control: { rate: 1 } };
    assert.ok(identities.every((identity) => decide(all, { ...good, identity }).control));
  });
});

test('a decision depends on nothing but its evidence: order and repetition change nothing', () => {
  const evidence: fc.Arbitrary<Evidence> = fc.record({
    identity: fc.string(),
    language: fc.constantFrom('en', 'fr', ''),
    failures: fc.subarray([decode, empty, language, words]),
    verdict: fc.constantFrom(undefined, first, copy, { ...first, similarity: 0.8 }, { ...first, votes: 9 }),
    scores: fc.constantFrom({}, good.scores, toxic, low),
    retried: fc.boolean(),
  });
  const sampled: Policy = { ...policy, control: { rate: 0.5 } };
  fc.assert(
    fc.property(fc.array(evidence, { maxLength: 10 }), (all) => {
      const forwards = all.map((one) => decide(sampled, one));
      const backwards = all.toReversed().map((one) => decide(sampled, one));
      assert.deepEqual(backwards.toReversed(), forwards);
      for (const { outcome, reason, failed } of forwards) {
        assert.equal(outcome === 'curated', reason === null);
        assert.equal(reason, failed[0] ?? null);
        assert.equal(new Set(failed).size, failed.length);
      }
    }),
  );
});
