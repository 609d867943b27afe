/** The sample crawl through the whole line, held against what its generator planted (samples/truth.json). */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { outcomes, reasonFamily } from '../../src/model/reasons.ts';
import { riffle, temporaryFolder } from './riffle.ts';

const samples = path.resolve(import.meta.dirname, '../../samples');

interface Planted {
  readonly id: string;
  readonly expect: string;
  readonly reason?: string;
  readonly record?: string;
}

interface Decided {
  readonly id: string;
  readonly decision: { readonly outcome: string; readonly reason?: string | null };
}

/** Pages whose scores are a matter of the model: the line may differ from the truth on this share. */
const TOLERATED = 0.02;

test('the sample crawl: what is kept, every outcome, route and reason family, and the planted truth', async (t) => {
  const output = temporaryFolder(t);
  const { code, stderr, summary } = await riffle({
    topology: 'web-crawl',
    input: [path.join(samples, 'crawl.warc.gz')],
    output,
  });
  assert.equal(code, 0, stderr);
  const { inputs, decided } = summary!;

  const keptShare = summary!.outcomes.curated! / inputs;
  assert.ok(keptShare >= 0.25 && keptShare <= 0.6, `${keptShare} is kept`);
  for (const outcome of outcomes) assert.ok(summary!.outcomes[outcome]! > 0, outcome);
  const routes = ['en', 'de', 'fr', 'es', 'it', 'pt', 'nl', 'ru', 'ja', 'zh', 'other'].map((name) => `curated.${name}`);
  assert.deepEqual(Object.keys(decided.curated).sort(), routes.sort());
  const families = new Set([...Object.keys(decided.rejected), ...Object.keys(decided.quarantine)].map(reasonFamily));
  const expected = [
    'decode',
    'extract',
    'language',
    'gopher@datatrove',
    'gopher-repetition@datatrove',
    'fineweb@datatrove',
    'dedup',
    'quality',
    'toxicity',
  ];
  assert.deepEqual([...families].sort(), expected.sort());

  const truth = (JSON.parse(readFileSync(path.join(samples, 'truth.json'), 'utf8')) as Planted[]).filter(
    ({ expect }) => expect !== 'open',
  );
  const found = new Map(readOutputs(output).map((record) => [bare(record.id), record]));
  const wrong = truth.filter(({ id, expect, reason }) => {
    const decision = found.get(bare(id))?.decision;
    return decision?.outcome !== expect || (reason !== undefined && !(decision.reason ?? '').startsWith(reason));
  });
  assert.ok(truth.length > 250, `${truth.length} have a planted outcome`);
  assert.ok(
    wrong.length <= TOLERATED * truth.length,
    JSON.stringify(wrong.map((one) => [one, found.get(bare(one.id))?.decision])),
  );
});

/** WARC writes a record's id in angle brackets. */
const bare = (id: string): string => id.replace(/^<|>$/g, '');

function readOutputs(folder: string): Decided[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.jsonl') && name !== 'control.jsonl')
    .flatMap((name) => readFileSync(path.join(folder, name), 'utf8').split('\n').filter(Boolean))
    .map((line) => JSON.parse(line) as Decided);
}
