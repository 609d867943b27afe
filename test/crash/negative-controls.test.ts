/**
 * Each rule of the protocol left out, with the crash that it guards against: the run must then lose, repeat or change something, or stop with
 * an error. A control that still came out right would mean that the crash tests prove nothing. The rules that need a second holder, an unknown
 * outcome or a copy that comes late are tried on curate alone: src/stages/curate.test.ts.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { CrashPoint, ProtocolRule } from '../../src/runtime/context.ts';
import { writeDocuments } from './documents.ts';
import { positionsOf, readOutputs, runChild } from './drive.ts';

const RECORDS = 4000;
let folder: string;
let input: string;
let expected: Map<string, string[]>;
const set = ['index.snapshotDocuments=1000', 'blocks.records=64', 'log.trimSeconds=0.01'];

before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'riffle-control-'));
  input = path.join(folder, 'in.jsonl');
  writeDocuments(input, RECORDS, 3);
  const calm = await runChild({ topology: 'dedup', input: [input], output: path.join(folder, 'calm'), set, omit: [] });
  assert.equal(calm.code, 0, calm.stderr);
  expected = readOutputs(path.join(folder, 'calm'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

type Violation = 'twice' | 'lost' | 'differs' | 'none' | `stopped: ${string}`;

/** One kill at the point, then the same command again; what is wrong with the result. */
async function violation(
  name: string,
  omit: readonly ProtocolRule[],
  point: CrashPoint,
  nth: number,
  poison: readonly string[] = [],
): Promise<Violation> {
  const output = path.join(folder, name);
  const order = { topology: 'dedup', input: [input], output, set, omit };
  const killed = await runChild({ ...order, poison, crash: { point, nth } });
  assert.equal(killed.signal, 'SIGKILL', `${point} was not reached ${nth} times: ${killed.stderr}`);
  const end = await runChild(order);
  assert.ok(omit.length > 0 || !end.stderr.includes('repair: '), `nothing was lost, and yet: ${end.stderr}`);
  if (end.code !== 0) return `stopped: ${end.stderr.split(':')[0]}`;
  const outputs = readOutputs(output);
  const positions = positionsOf(outputs);
  if ([...positions.values()].some((n) => n > 1)) return 'twice';
  if (positions.size < RECORDS) return 'lost';
  for (const [topic, lines] of expected) if (outputs.get(topic)!.join('\n') !== lines.join('\n')) return 'differs';
  return 'none';
}

interface Control {
  readonly omit: ProtocolRule;
  readonly point: CrashPoint;
  readonly nth: number;
  readonly shows: Violation;
  /** Or this, when trimming comes later than the index. */
  readonly late?: Violation;
  readonly poison?: readonly string[];
  /** Repair is left out too: it would make up for it. */
  readonly repaired?: true;
  readonly why: string;
}

/** Offset 0 is given up by the first attempt only: two attempts at a record need not agree. */
const controls: readonly Control[] = [
  {
    omit: 'offsets-inside',
    point: 'curate.commit',
    nth: 5,
    shows: 'twice',
    why: 'outputs without their positions are written again',
  },
  {
    omit: 'watermark',
    point: 'sift.sketch',
    nth: 20,
    shows: 'differs',
    why: 'a block folded in twice counts its documents as copies of themselves',
  },
  {
    omit: 'position-with-state',
    point: 'index.snapshot',
    nth: 2,
    shows: 'differs',
    why: 'a state ahead of its position folds the blocks between twice',
  },
  {
    omit: 'commit-first-undecided',
    point: 'curate.committed',
    nth: 3,
    shows: 'stopped: stalled',
    repaired: true,
    why: 'blocks that were read and not decided are passed over',
  },
  {
    omit: 'snapshot-after-ack',
    point: 'index.snapshot',
    nth: 1,
    shows: 'stopped: stalled',
    repaired: true,
    why: 'verdicts before the snapshot are never given again',
  },
  {
    omit: 'trim-to-snapshot',
    point: 'index.answered',
    nth: 40,
    shows: 'stopped: no-snapshot',
    late: 'stopped: below-log-start',
    why: 'the log that a restart has to fold again is gone',
  },
  {
    omit: 'sifted-before-sketch',
    point: 'sift.sketch',
    nth: 1,
    poison: ['0@0'],
    shows: 'stopped: stalled',
    repaired: true,
    why: 'the index accepted an attempt whose sifted copy never came',
  },
];

for (const { omit, point, nth, shows, late, poison, repaired, why } of controls) {
  test(`without ${omit}, killed at ${point}: ${why}`, async () => {
    const shown = await violation(`without-${omit}`, repaired ? [omit, 'repair'] : [omit], point, nth, poison);
    assert.equal(shown, shown === late ? late : shows);
    assert.equal(await violation(`with-${omit}`, [], point, nth), 'none');
  });
}
