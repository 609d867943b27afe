/** `riffle replay` decides stored records as a run under that policy would have: the run is the oracle. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { ReplayReport } from '../../src/pruning/replay.ts';
import { NOT_STORED } from '../../src/pruning/stored.ts';
import { documentText, remove, riffle, runDedup, temporaryFolder, writeLines } from './cli.ts';
import { readWritten } from './outputs.ts';

const sample = path.resolve(import.meta.dirname, '../../samples/crawl.warc.gz');

const set = (settings: readonly string[]) => settings.flatMap((one) => ['--set', one]);

let folder: string;
const at = (name: string) => path.join(folder, name);
before(async () => {
  folder = temporaryFolder();
  await crawl('first', []);
});
after(() => remove(folder));

async function crawl(output: string, settings: readonly string[]): Promise<void> {
  const common = ['run', 'web-crawl', '--input', sample, '--no-http', '--log-level', 'error', '--set', 'workers=1'];
  const { code, stderr } = await riffle([...common, '--output', at(output), ...set(settings)]);
  assert.equal(code, 0, stderr);
}

interface Decided {
  readonly position: { readonly partition: string; readonly offset: string };
  readonly decision: Record<string, unknown>;
}

const key = ({ partition, offset }: Decided['position']) => `${partition}@${offset}`;

async function replay(
  topology: string,
  output: string,
  settings: readonly string[],
): Promise<{ report: ReplayReport; decisions: Map<string, Decided['decision']> }> {
  const file = at('decisions.jsonl');
  const args = ['replay', topology, '--output', at(output), '--decisions', file, '--json', ...set(settings)];
  const { code, stdout, stderr } = await riffle(args);
  assert.equal(code, 0, stderr);
  const decided = readFileSync(file, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Decided);
  return {
    report: JSON.parse(stdout) as ReplayReport,
    decisions: new Map(decided.map(({ position, decision }) => [key(position), decision])),
  };
}

/** What a run wrote, without the name of its policy. */
function decisionsOf(output: string): Map<string, Decided['decision']> {
  const decisions = new Map<string, Decided['decision']>();
  for (const { record } of readWritten(at(output))) {
    if ('error' in record) continue;
    const { policy: _policy, ...decision } = record.decision;
    decisions.set(key({ ...record.position, partition: String(record.position.partition) }), decision);
  }
  return decisions;
}

/** `control` is where a copy goes, and no part of a record. */
const withoutControl = (decisions: Map<string, Decided['decision']>) =>
  new Map([...decisions].map(([position, { control: _control, ...rest }]) => [position, rest]));

test('under the policy that decided them, records are decided the same, to the last digit', async () => {
  const { report, decisions } = await replay('web-crawl', 'first', []);

  assert.deepEqual(withoutControl(decisions), decisionsOf('first'));
  assert.deepEqual(report.moves, []);
  assert.equal(report.unchanged, report.records);
  assert.equal(report.otherReason, 0);
  assert.equal(report.deadLetters, 3);
});

const otherPolicies: Readonly<Record<string, readonly string[]>> = {
  stricter: [
    'policy.gates.0.above=0.5',
    'policy.quality.0.atLeast=0.7',
    'policy.dedup.similarity=0.4',
    'policy.routes.languages=[en, de]',
    'policy.routes.other=rest',
  ],
  looser: [
    'policy.gates=[]',
    'policy.quality=[]',
    'policy.dedup.keepCopies=3',
    'policy.control.rate=0.3',
    'policy.seed=other',
  ],
};

for (const [name, settings] of Object.entries(otherPolicies)) {
  test(`under a ${name} policy, records go where a run under it sends them, and the report adds up`, async () => {
    await crawl(name, settings);
    const ran = decisionsOf(name);
    const before = decisionsOf('first');

    const { report, decisions } = await replay('web-crawl', 'first', settings);

    const expected = new Map(
      [...ran].map(([position, decision]) => {
        // The limit of a rule of sift's that was not the first reason then.
        const unknown = decisions.get(position)?.limit === NOT_STORED;
        return [position, unknown ? { ...decision, limit: NOT_STORED } : decision];
      }),
    );
    assert.deepEqual(withoutControl(decisions), expected);
    const moved = [...ran].filter(([position, { topic }]) => before.get(position)!.topic !== topic);
    assert.ok(moved.length > 20, `${moved.length} moved`);
    assert.equal(
      report.moves.reduce((sum, { count }) => sum + count, 0),
      moved.length,
    );
    assert.equal(report.unchanged, ran.size - moved.length);
    const others = [...ran].filter(([position, { topic, reason }]) => {
      const was = before.get(position)!;
      return was.topic === topic && was.reason !== reason;
    });
    assert.equal(report.otherReason, others.length);
    const curated = (decided: Map<string, Decided['decision']>) =>
      [...decided.values()].filter(({ outcome }) => outcome === 'curated').length;
    assert.deepEqual(report.curated, { before: curated(before), after: curated(ran) });
  });
}

test('Parquet says the same as JSON lines', async () => {
  const twins = Array.from({ length: 30 }, (_, i) => ({ id: `d${i}`, text: documentText(i % 20) }));
  const input = [writeLines(at('twins.jsonl'), twins)];
  await runDedup({ input, output: at('lines') });
  await runDedup({ input, output: at('columns'), set: ['output.format=parquet'] });
  const settings = ['policy.dedup.keepCopies=2'];

  const lines = await replay('dedup', 'lines', settings);
  const columns = await replay('dedup', 'columns', settings);

  assert.deepEqual(columns, lines);
  assert.deepEqual(lines.report.curated, { before: 20, after: 30 });
});

test('a policy about scores that were never taken, and a folder without a run, are refused', async () => {
  await runDedup({ input: [writeLines(at('one.jsonl'), [{ text: documentText(1) }])], output: at('unscored') });
  const unscored = await riffle(['replay', 'text', '--output', at('unscored')]);
  assert.equal(unscored.code, 2);
  assert.match(unscored.stderr, /toxicity\/base@1, and no record of this output has that score; run with it/);

  const nothing = await riffle(['replay', 'text', '--output', at('nothing')]);
  assert.equal(nothing.code, 1);
  assert.match(nothing.stderr, /holds no records; name the --output of a run/);
});
