import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { countRecord, emptyTotals, type Totals } from '../stages/observation.ts';
import { printSummary, summarize } from './summary.ts';

function totals(): Totals {
  const all = emptyTotals();
  const count = (outcome: Parameters<typeof countRecord>[1], reason: string, times: number) => {
    for (let i = 0; i < times; i++) countRecord(all, outcome, reason, 100, () => `text.raw-a.jsonl@${reason}-${i}`);
  };
  count('curated', 'curated.en', 5);
  count('rejected', 'language.confidence', 1);
  count('rejected', 'dedup.near', 3);
  count('quarantine', 'toxicity.toxic', 2);
  count('dead-letter', 'decode.badJson', 1);
  all.skipped.warcinfo = 4;
  all.control = 2;
  return all;
}

const summary = summarize(
  { complete: true, totals: totals(), resumed: false, index: undefined, policy: 'text@1' },
  {
    topology: 'text',
    seconds: 2,
    config: 'sha256:0',
    version: '0.1.0',
    output: 'out',
    eventLoopDelay: { p50: 0, p99: 0, p999: 0 },
  },
);

test('inputs are the sum of the outcomes; skipped records and control copies are none', () => {
  const { inputs, outcomes, control, skipped, recordsPerSecond, bytes } = summary;
  assert.deepEqual(outcomes, { curated: 5, rejected: 4, quarantine: 2, 'dead-letter': 1 });
  assert.equal(inputs, 12);
  assert.deepEqual([control, skipped, recordsPerSecond, bytes], [2, { warcinfo: 4 }, 6, 1200]);
});

test('reasons come with the most frequent first, routes are none', () => {
  assert.deepEqual(Object.entries(summary.reasons), [
    ['dedup.near', 3],
    ['toxicity.toxic', 2],
    ['decode.badJson', 1],
    ['language.confidence', 1],
  ]);
});

test('printed, each reason has its count and one example, and the next command explains a near duplicate', () => {
  const lines = stripVTControlCharacters(printSummary(summary, 'riffle')).split('\n');
  assert.ok(lines.includes('text: 12 records in 2.0 s (6/s), 41.7 % kept'));
  const row = (name: string) =>
    lines
      .find((line) => line.startsWith(`  ${name} `))
      ?.trim()
      .split(/ {2,}/);
  assert.deepEqual(row('curated.en'), ['curated.en', '5']);
  assert.deepEqual(row('dedup.near'), ['dedup.near', '3', 'e.g. text.raw-a.jsonl@dedup.near-0']);
  assert.ok(lines.includes('skipped, not documents: 4 warcinfo'));
  assert.ok(lines.includes("next       riffle explain 'text.raw-a.jsonl@dedup.near-0' --output 'out'"));
  assert.ok(lines.includes('           riffle describe text'));
});

test('a name with a quote in it stays one word of the shell', () => {
  const quoting = { ...summary, examples: { 'dedup.near': "text.raw-it's.jsonl@0" }, output: "o'ut" };
  const lines = printSummary(quoting, 'riffle').split('\n');
  assert.ok(lines.includes(String.raw`next       riffle explain 'text.raw-it'\''s.jsonl@0' --output 'o'\''ut'`));
});

test('as JSON it has what the contract names', () => {
  const named =
    'topology inputs skipped outcomes reasons control resumed seconds cpuSeconds recordsPerSecond bytes peakRssBytes dedup policy config version';
  for (const member of named.split(' ')) assert.ok(member in summary, member);
  assert.deepEqual(JSON.parse(JSON.stringify(summary)), summary);
});
