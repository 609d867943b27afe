/** An encoder behind the tables: which records it is asked for, what becomes of its scores, and that nothing is lost when it is. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Registry } from 'prom-client';
import { observeRun } from '../../src/cli/observe.ts';
import { createProgress } from '../../src/cli/progress.ts';
import { createMetrics } from '../../src/metrics/metrics.ts';
import { draw } from '../../src/pruning/draw.ts';
import type { ReplayReport } from '../../src/pruning/replay.ts';
import { loadScorers, shippedModels } from '../../src/scoring/load.ts';
import type { Encoder } from '../../src/scoring/encoder/encoder.ts';
import { type EncoderScorer, startScorer } from '../../src/scoring/encoder/scorer.ts';
import { startSession } from '../../src/scoring/encoder/session-thread.ts';
import { EncoderUnavailable, SessionDied } from '../../src/scoring/encoder/unavailable.ts';
import type { CascadeCounts } from '../../src/stages/measured.ts';
import { type Files, folderOf } from '../../src/testing/encoder-folder.ts';
import { runText, type TextLine, type TextRecord } from './text-line.ts';
import { positionsOf, readOutputs, runChild } from '../crash/drive.ts';
import { remove, riffle, temporaryFolder, writeLines } from './cli.ts';

const NAME = 'test/count@1';
const CUT = 0.3;
const SAMPLE_RATE = 0.4;
const QUARANTINE = 0.14;

/** Looks at the head, the tail and a place between, and counts tokens. */
function cascading({ manifest }: Files): void {
  const [mean, count] = manifest.outputs;
  Object.assign(manifest, {
    languages: ['en'],
    maxTokens: 2000,
    window: { tokens: 102, head: 1, tail: 1, random: 1, minTokens: 1, reduction: 'mean' },
    outputs: [
      {
        ...mean,
        calibration: { slope: 0.1, intercept: 0.3 },
        mix: { scorer: 'quality/base@1', axis: 'score', weight: 0.1 },
      },
      { ...count, calibration: { slope: 2, intercept: 0 } },
    ],
    cascade: { of: 'toxicity/base@1', axis: 'toxic', cut: CUT, sampleRate: SAMPLE_RATE },
    thresholds: { quarantine: { axis: 'count', value: QUARANTINE, basis: 'none' } },
    selfTest: [{ text: 'the', scores: [0.3 + (0.1 * (101 + 1996 + 102)) / 3 / 1e6, 6 / 1000] }],
  });
}

const TABLES = 'quality/base@1, toxicity/base@1';
const common = ['policy.quality=[]', 'language.minConfidence=0', 'rules.decide=[]', 'blocks.records=8'];
const plain = [...common, `scoring.scorers=[${TABLES}]`, 'policy.gates=[]'];

let folder: string;
let models: string;
let file: string;
let scorer: EncoderScorer;
let set: readonly string[];
const ends: (() => void)[] = [];

before(async () => {
  folder = temporaryFolder();
  models = folderOf({ after: (end) => void ends.push(end) }, cascading);
  file = writeLines(path.join(folder, 'in.jsonl'), documents());
  scorer = await startScorer([load()], { provider: 'cpu', workers: 1 });
  const gate = `{ scorer: ${NAME}, axis: count, above: manifest }`;
  set = [
    ...common,
    ...[`scoring.directory=${models}`, `scoring.scorers=[${TABLES}, ${NAME}]`, `policy.gates=[${gate}]`],
    ...['scoring.provider=cpu', 'scoring.encoderWorkers=1'],
  ];
});
after(async () => {
  await scorer.close();
  remove(folder);
  for (const end of ends) end();
});

function load() {
  return loadScorers([models, shippedModels], [NAME]).encoders[0]!;
}

/** Pieces of the sample texts of many lengths, some rude; a copy now and then; some German. */
function documents(): object[] {
  const english = wordsOf('en');
  const german = wordsOf('de');
  const rude = 'You are a stupid idiot and a disgusting piece of garbage. Shut up, moron.'.split(' ');
  const texts: string[] = [];
  for (let i = 0, at = 0; at < 9000; i++) {
    const length = i % 9 === 8 ? 500 : 12 + ((i * 37) % 80);
    const words = (i % 10 === 3 ? german : english).slice(at, at + length);
    at += length;
    texts.push([...(i % 4 === 1 ? rude.slice(0, 3 + (i % 11)) : []), ...words].join(' '));
    if (i % 12 === 11) texts.push(texts[i - 5]!);
  }
  return texts.filter((text) => text !== '').map((text, i) => ({ id: `d${i}`, text }));
}

function wordsOf(language: string): string[] {
  const place = path.resolve(import.meta.dirname, '../../samples/texts', language);
  const files = readdirSync(place).sort();
  return files.flatMap((name) => readFileSync(path.join(place, name), 'utf8').split(/\s+/));
}

const all = (outputs: ReadonlyMap<string, readonly TextRecord[]>): Map<string, TextRecord> =>
  new Map(
    [...outputs].flatMap(([topic, list]) => (topic === 'control' ? [] : list.map((record) => [record.id, record]))),
  );

const identityOf = ({ topic, partition, offset }: TextRecord['position']) => `${topic}-${partition}@${offset}`;

type Axes = Readonly<Record<string, number>>;
const scoreOf = ({ signals }: TextRecord) => signals[NAME] as Axes | undefined;

/** The slow way: what a run without the encoder decides and writes tells whom to ask, one text after another. */
async function expectedOf(): Promise<Map<string, { record: TextRecord; path: string; score: Axes | undefined }>> {
  const outputs = await runText({ file, set: plain });
  const control = new Set(outputs.get('control')!.map(({ id }) => id));
  const expected = new Map<string, { record: TextRecord; path: string; score: Axes | undefined }>();
  for (const [id, record] of all(outputs)) {
    const { toxic } = (record.signals['toxicity/base@1'] ?? { toxic: -1 }) as Axes;
    const open = toxic! >= 0 && (record.decision.outcome === 'curated' || control.has(id));
    const identity = identityOf(record.position);
    const way =
      open && toxic! >= CUT
        ? 'doubt'
        : open && draw('riffle', `sample ${NAME}`, identity) < SAMPLE_RATE
          ? 'sample'
          : 'skipped';
    const others = { 'quality/base@1': record.signals['quality/base@1'] as number };
    const score = way === 'skipped' ? undefined : ((await scorer.score(record.text, identity, others))[NAME] as Axes);
    expected.set(id, { record, path: way, score });
  }
  return expected;
}

/** Runs with the encoder and adds up what its cascade counted. */
async function runCounted(line: Partial<TextLine>) {
  const counts: CascadeCounts = { records: [0, 0, 0], missed: 0 };
  const outputs = await runText({
    file,
    set,
    encoders: [scorer.encoder],
    ...line,
    observer: {
      ...line.observer,
      committed(_, { measured }) {
        const { records, missed } = measured.cascade[NAME] ?? { records: [], missed: 0 };
        for (const [i, count] of records.entries()) counts.records[i]! += count;
        counts.missed += missed;
      },
    },
  });
  return { outputs, counts };
}

/** One undisturbed run for all tests. */
let undisturbed: ReturnType<typeof runCounted> | undefined;
const calmRun = () => (undisturbed ??= runCounted({}));

test('exactly the records in doubt, and the sample, have the encoder’s score, and the gate decides by it', async () => {
  const expected = await expectedOf();
  const { outputs, counts } = await calmRun();
  const found = all(outputs);
  assert.deepEqual([...found.keys()].sort(), [...expected.keys()].sort());
  const paths = { skipped: 0, doubt: 0, sample: 0 };
  let missed = 0;
  let quarantined = 0;
  for (const [id, { record, path: way, score }] of expected) {
    const actual = found.get(id)!;
    const axes = scoreOf(actual);
    assert.deepEqual(Object.keys(axes ?? {}), Object.keys(score ?? {}), `${id}: ${way}`);
    for (const axis in score) assert.ok(Math.abs(axes![axis]! - score[axis]!) <= 1e-3, `${id} ${axis}`);
    const over = score !== undefined && score.count! > QUARANTINE;
    if (over) assert.deepEqual([actual.decision.topic, actual.decision.reason], ['quarantine', 'test.count'], id);
    else assert.equal(actual.decision.topic, record.decision.topic, id);
    if (over) quarantined++;
    if (over && way === 'sample') missed++;
    if ('toxicity/base@1' in record.signals) paths[way as keyof typeof paths]++;
  }
  assert.ok(quarantined > 0 && missed > 0 && Math.min(...Object.values(paths)) > 5, JSON.stringify({ paths, missed }));
  assert.deepEqual(counts, { records: Object.values(paths), missed });
  assert.equal(outputs.get('dead-letter')!.length, 0);
});

test('the same with two workers, and with a session that dies on the way', async () => {
  const { outputs: calm, counts } = await calmRun();
  let runs = 0;
  const start: typeof startSession = async (options) => {
    const session = await startSession(options);
    return {
      ...session,
      async run(batch) {
        if (++runs % 40 === 20) throw new SessionDied(', by the test');
        return await session.run(batch);
      },
    };
  };
  const mortal = await startScorer([load()], { provider: 'cpu', workers: 1, start });
  const disturbed = await runCounted({ workers: 2, encoders: [mortal.encoder] });
  assert.ok(mortal.encoder.figures().restarts > 0);
  await mortal.close();
  for (const [topic, records] of calm) assert.deepEqual(disturbed.outputs.get(topic), records, topic);
  assert.deepEqual(disturbed.counts, counts);
});

test('the metrics say what the cascade did', async (t) => {
  const { counts } = await calmRun();
  const registry = new Registry();
  const metrics = createMetrics(registry, 'test');
  const progress = createProgress({ topology: 'text', totalBytes: 0, interactive: false, level: 'error' });
  t.after(() => {
    metrics.stop();
    progress.stop();
  });
  await runText({ file, set, encoders: [scorer.encoder], observer: observeRun(metrics, progress) });
  const valuesOf = async (name: string) =>
    Object.fromEntries(
      (await registry.getSingleMetric(name)!.get()).values.map(({ labels, value }) => [String(labels.path), value]),
    );
  const [skipped, doubt, sample] = counts.records;
  assert.deepEqual(await valuesOf('riffle_cascade_records_total'), { skipped, doubt, sample });
  assert.deepEqual(await valuesOf('riffle_cascade_missed_total'), { undefined: counts.missed });
  assert.deepEqual(
    await valuesOf('riffle_batch_efficiency_ratio'),
    { undefined: 1 },
    'nothing is padded on a processor',
  );
});

test('while the device is away the line waits, and no record is at fault', async () => {
  const { outputs: calm } = await calmRun();
  let calls = 0;
  const away: Encoder = {
    ...scorer.encoder,
    score: async (windows) => {
      // Away for the first calls, and again later on.
      if (++calls <= 2 || calls === 5) throw new EncoderUnavailable('taken out by the test');
      return await scorer.encoder.score(windows);
    },
  };
  const why: string[] = [];
  const { outputs } = await runCounted({ encoders: [away], observer: { waiting: (reason) => why.push(reason) } });
  for (const [topic, records] of calm) assert.deepEqual(outputs.get(topic), records, topic);
  assert.ok(why.length >= 2);
  for (const reason of why) assert.match(reason, /^encoder; no session works: taken out by the test; /);
});

test('a window that breaks the model makes its record a dead letter, and no other', async () => {
  const { outputs: calm } = await calmRun();
  let broken = false;
  const breaking: Encoder = {
    ...scorer.encoder,
    async score(windows) {
      const numbers = await scorer.encoder.score(windows);
      if (!broken) numbers.fill(Number.NaN, 0, 2);
      broken = true;
      return numbers;
    },
  };
  const { outputs } = await runCounted({ encoders: [breaking] });
  const letters = outputs.get('dead-letter') as unknown as { id: string; error: { code: string }; value: string }[];
  assert.deepEqual(
    letters.map(({ error }) => error.code),
    ['score.nan'],
  );
  const { id } = JSON.parse(letters[0]!.value) as { id: string };
  const others = new Map([...all(calm)].filter(([one]) => one !== id));
  assert.deepEqual(all(new Map([...outputs].filter(([topic]) => topic !== 'dead-letter'))), others);
});

test('killed in the middle and started again: the outputs of an undisturbed run; a replay decides the same', async () => {
  const order = { topology: 'text', input: [file], set: [...set, 'workers=1'], omit: [] };
  const [calm, killed] = [path.join(folder, 'calm'), path.join(folder, 'killed')];
  const first = await runChild({ ...order, output: calm });
  assert.equal(first.code, 0, first.stderr);
  // The first commit is made, and the next stretch may be on its way through the encoder.
  const end = await runChild({ ...order, output: killed, crash: { point: 'curate.committed', nth: 1 } });
  assert.equal(end.signal, 'SIGKILL', end.stderr);
  const last = await runChild({ ...order, output: killed });
  assert.equal(last.code, 0, last.stderr);
  const outputs = readOutputs(killed);
  assert.deepEqual(outputs, readOutputs(calm));
  assert.ok([...positionsOf(outputs).values()].every((times) => times === 1));

  const settings = set.flatMap((one) => ['--set', one]);
  const replay = await riffle(['replay', 'text', '--output', calm, '--json', ...settings]);
  assert.equal(replay.code, 0, replay.stderr);
  const { records, unchanged, otherReason, moves } = JSON.parse(replay.stdout) as ReplayReport;
  assert.deepEqual([unchanged, otherReason, moves], [records, 0, []]);
});

test('an encoder that does not start ends the command before a folder is touched', async (t) => {
  const broken = folderOf(t, (files) => {
    cascading(files);
    files.manifest.selfTest = [{ text: 'the', scores: [0.9, 0.9] }];
  });
  const output = path.join(folder, 'refused');
  const settings = [...set, `scoring.directory=${broken}`].flatMap((one) => ['--set', one]);
  const { code, stderr } = await riffle(['run', 'text', '--input', file, '--output', output, '--no-http', ...settings]);
  assert.equal(code, 2, stderr);
  assert.match(stderr, /scoring\.scorers, scorer test\/count@1; self-test 0 gives/);
  assert.equal(readOutputs(output).size, 0);
});
