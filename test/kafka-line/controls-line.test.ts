/**
 * Negative controls of the whole line on a real broker: one rule of the protocol left out, a kill at the point that it guards against, the same
 * command again. Something must be lost, differ, or be refused; the same course with every rule is exact.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import type { CrashPoint, ProtocolRule } from '../../src/runtime/context.ts';
import { groups } from '../../src/runtime/topics.ts';
import { withSharedBroker } from '../kafka/brokers.ts';
import type { ChildOrder } from '../oracle/child.ts';
import { type Line, openLine, until } from './line.ts';

/** Before the kill, and once more behind it. */
const RECORDS = 400;

interface Control {
  readonly omit: ProtocolRule;
  readonly point: CrashPoint;
  readonly nth: number;
  readonly shows: RegExp;
  readonly poison?: readonly number[];
  /** Repair is left out too: it would make up for it. */
  readonly repaired?: true;
  readonly set?: readonly string[];
  /** What every group has passed is let go of while the process is dead. */
  readonly trimmed?: true;
  readonly why: string;
}

const controls: readonly Control[] = [
  {
    omit: 'watermark',
    point: 'sift.sketch',
    nth: 5,
    shows: /^\d+ differ$/,
    why: 'a block that is folded in twice makes copies of its documents',
  },
  {
    omit: 'position-with-state',
    point: 'index.snapshot',
    nth: 1,
    shows: /^\d+ differ$/,
    why: 'a state ahead of its position folds the blocks between twice',
  },
  {
    omit: 'snapshot-after-ack',
    point: 'index.snapshot',
    nth: 1,
    shows: /^\d+ lost$/,
    repaired: true,
    why: 'verdicts before the snapshot are never given again',
  },
  {
    omit: 'sifted-before-sketch',
    point: 'sift.sketch',
    nth: 1,
    poison: [0],
    shows: /^\d+ lost$/,
    repaired: true,
    why: 'the index accepted an attempt whose sifted copy never came',
  },
  {
    omit: 'trim-to-snapshot',
    point: 'curate.committed',
    nth: 3,
    set: ['index.snapshotDocuments=100000'],
    trimmed: true,
    shows: /no-snapshot: /,
    why: 'the log that a restart has to fold again is gone',
  },
];

withSharedBroker((broker) => {
  suite('negative controls of the line on Kafka', () => {
    for (const control of controls)
      test(`without ${control.omit}, killed at ${control.point}: ${control.why}`, async (t) => {
        const omit = control.repaired ? ([control.omit, 'repair'] as const) : [control.omit];
        assert.match(await course(t, control, omit), control.shows);
        assert.equal(await course(t, control, []), 'exact');
      });
  });

  /** What is wrong in the end. */
  async function course(t: TestContext, control: Control, omit: readonly ProtocolRule[]): Promise<string> {
    const { point, nth, poison = [], set = [], trimmed } = control;
    const line = await openLine(t, await broker(), {
      set: ['index.snapshotDocuments=100', 'blocks.records=32', ...set],
    });
    await line.feedDocuments(RECORDS, 3, 'a.jsonl');
    const killed = startChild(t, line, { omit, poison, crash: { point, nth } });
    assert.equal((await killed.ended).signal, 'SIGKILL', killed.said());
    await line.feedDocuments(RECORDS, 3, 'b.jsonl');
    if (trimmed) await line.log.trim();
    const again = startChild(t, line, { omit });
    const stopped = await Promise.race([again.ended, ending(line, omit)]);
    again.child.kill('SIGTERM');
    await again.ended;
    if (stopped !== undefined) return again.said();
    const { records, lost, twice, differing } = await line.verify();
    if (twice.length > 0) return `${twice.length} twice`;
    if (lost.length > 0) return `${lost.length} lost`;
    if (differing.length > 0) return `${differing.length} differ`;
    assert.equal(records, 2 * RECORDS);
    return 'exact';
  }
});

/** Everything is decided; with a rule left out it is enough that everything is read, and nothing comes any more. */
async function ending(line: Line, omit: readonly ProtocolRule[]): Promise<undefined> {
  if (!omit.includes('repair')) {
    await line.drained();
    return undefined;
  }
  const end = BigInt(2 * RECORDS);
  await until(async () => ((await line.log.positions(groups.sift, line.topics.raw)).get(0) ?? 0n) >= end);
  for (let before = -1n, quiet = 0; quiet < QUIET_LOOKS; ) {
    const next = await line.progress();
    quiet = next === before ? quiet + 1 : 0;
    before = next;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  return undefined;
}

/** So many looks without a decision. */
const QUIET_LOOKS = 8;

function startChild(t: TestContext, line: Line, more: Pick<ChildOrder, 'omit' | 'poison' | 'crash'>) {
  const state = path.join(line.folder, 'state');
  mkdirSync(state, { recursive: true });
  const order: ChildOrder = {
    stages: ['sift', 'index', 'curate', 'controller'],
    set: line.set,
    state,
    partitions: line.partitions,
    seed: 1,
    faultRate: 0,
    ...more,
  };
  const file = path.resolve(import.meta.dirname, '../oracle/child.ts');
  const child = spawn(process.execPath, [file, JSON.stringify(order)], { stdio: ['ignore', 'ignore', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) =>
    child.on('close', (code, signal) => resolve({ code, signal })),
  );
  return { child, said: () => said, ended };
}
