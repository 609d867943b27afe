import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { suite, test } from 'node:test';
import { ConfigError } from '../errors.ts';
import { parseManifest, type ScorerManifest } from '../scoring/manifest.ts';
import { type PolicyDocument, policySchema } from './policy.ts';
import { resolvePolicy } from './resolve.ts';

const models = path.resolve(import.meta.dirname, '../../models');
const manifest = (file: string): ScorerManifest =>
  parseManifest(JSON.parse(readFileSync(path.join(models, file), 'utf8')), file);
const quality = manifest('quality-base-1.json');
const toxicity = manifest('toxicity-base-1.json');

const policy = (rules: Partial<PolicyDocument>): PolicyDocument =>
  policySchema.parse({
    name: 'p',
    version: 1,
    owner: 'o',
    rationale: 'r',
    created: '2026-11-21',
    seed: 's',
    ...rules,
  });
const resolve = (rules: Partial<PolicyDocument>, manifests = [quality, toxicity]) =>
  resolvePolicy(policy(rules), manifests);

test('names of manifest numbers become the numbers', () => {
  const { gates, quality: thresholds } = resolve({
    gates: [{ scorer: 'toxicity/base@1', axis: 'toxic', above: 'manifest' }],
    quality: [{ scorer: 'quality/base@1', atLeast: 'reference:40' }],
  });
  assert.deepEqual(gates, [{ scorer: 'toxicity/base@1', axis: 'toxic', above: toxicity.thresholds.quarantine!.value }]);
  assert.deepEqual(thresholds, [{ scorer: 'quality/base@1', atLeast: quality.reference!.percentiles[40] }]);
});

test('numbers stay, and so does everything else', () => {
  const rules = {
    gates: [{ scorer: 'toxicity/base@1', axis: 'threat', above: 0.25 }],
    quality: [{ scorer: 'quality/base@1', atLeast: 0 }],
    control: { rate: 0.125 },
  };
  assert.deepEqual(resolve(rules), policy(rules));
  assert.deepEqual(resolve({}, []), policy({}));
});

suite('a rule that could never fire is refused, by its key', () => {
  const gate = (scorer: string, axis: string, above: number | 'manifest' = 0.5) => ({
    gates: [{ scorer, axis, above }],
  });
  const cases: [what: string, rules: Partial<PolicyDocument>, message: RegExp][] = [
    [
      'a gate of a scorer that is not there',
      gate('toxicity/base@2', 'toxic'),
      /^policy\.gates\.0\.scorer; toxicity\/base@2; /,
    ],
    [
      'a gate of an axis that is not there',
      gate('toxicity/base@1', 'toxin'),
      /^policy\.gates\.0\.axis; toxin; .*toxic, identity/,
    ],
    [
      'the cut of another axis',
      gate('toxicity/base@1', 'insult', 'manifest'),
      /^policy\.gates\.0\.above; .*toxic only.*; give a number$/,
    ],
    [
      'a cut that is not shipped',
      gate('quality/base@1', 'score', 'manifest'),
      /^policy\.gates\.0\.above; .*quarantine of quality\/base@1/,
    ],
    [
      'a threshold of several axes',
      { quality: [{ scorer: 'toxicity/base@1', atLeast: 0.5 }] },
      /^policy\.quality\.0\.scorer; .*a single output/,
    ],
    [
      'a percentile between two',
      { quality: [{ scorer: 'quality/base@1', atLeast: 'reference:40.5' }] },
      /^policy\.quality\.0\.atLeast; .*whole number/,
    ],
  ];
  for (const [what, rules, message] of cases)
    test(what, () => {
      assert.throws(
        () => resolve(rules),
        (error) => {
          assert.ok(error instanceof ConfigError);
          assert.match(error.message, message);
          return true;
        },
      );
    });
});
