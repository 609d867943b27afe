/**
 * Curate's work on one stretch of one source partition, in a worker thread: join what sift found with the index's verdicts, score, decide,
 * and write the output lines. Nothing here is visible to anybody until the main thread commits it.
 */
import { createHash } from 'node:crypto';
import { RecordError } from '../errors.ts';
import { identityOf, positionJson, RETRY_OF, type SourcePosition } from '../model/record.ts';
import { DEAD, type SiftedEntry, SOURCE, STUB } from '../model/sifted.ts';
import type { Verdict, VerdictBlock } from '../model/verdicts.ts';
import { decide } from '../pruning/decide.ts';
import { policyName } from '../pruning/policy.ts';
import { type Allocate, createLineBuffers, type LineBuffers, type TopicLines } from '../routing/lines.ts';
import { decisionJson, dedupSignal } from '../routing/output.ts';
import { speaks } from '../scoring/cascade.ts';
import type { Scores } from '../scoring/stage0.ts';
import type { Answers, Reducer } from './curate-answers.ts';
import { type Body, createEntries, type Found } from './curate-entries.ts';
import {
  type CurateTask,
  evidenceOf,
  isScored,
  jsonOf,
  positionOf,
  textOf,
  walk,
  type WalkTools,
} from './curate-walk.ts';
import { type Measured, measure, measureArms, measureCascade, newMeasured } from './measured.ts';
import { countRecord, emptyTotals, type Totals } from './observation.ts';

export interface CurateTools extends WalkTools {
  readonly keepText: 'all' | 'curated';
  /** Memory for output lines. */
  readonly allocate?: Allocate;
  /** Scorers of encoders, and what these answered; without, no encoder is configured. */
  readonly encoders?: { readonly scorers: readonly Reducer[]; readonly answers: Answers } | undefined;
}

export interface CurateResult {
  readonly outputs: Readonly<Record<string, TopicLines>>;
  readonly totals: Totals;
  readonly measured: Measured;
}

/** Everything that one task writes to. */
interface Work {
  readonly task: CurateTask;
  readonly tools: CurateTools;
  readonly policy: string;
  readonly outputs: LineBuffers;
  readonly totals: Totals;
  readonly measured: Measured;
}

export function curateRecords(task: CurateTask, tools: CurateTools): CurateResult {
  const started = performance.now();
  const tokensBefore = tools.stage0?.tokens() ?? 0;
  const { partition } = task;
  const entries = createEntries(task.sifted, (start, bytes) => tools.readSource(partition, start, bytes));
  const work: Work = {
    task,
    tools,
    policy: policyName(tools.policy),
    outputs: createLineBuffers(entries.expectedBytes, tools.allocate),
    totals: emptyTotals(),
    measured: newMeasured(),
  };
  walk(task, entries, tools.guard, {
    record: (found, verdict, block) => curateRecord(work, found, verdict, block),
    lost: (found, why) => giveUp(work, found, why),
  });
  const { outputs, totals, measured } = work;
  for (const type of entries.skipped(task.next, task.limit)) totals.skipped[type] = (totals.skipped[type] ?? 0) + 1;
  measured.tokens = (tools.stage0?.tokens() ?? 0) - tokensBefore + (tools.encoders?.answers.tokens ?? 0);
  measured.seconds = (performance.now() - started) / 1000;
  return { outputs: outputs.take(), totals, measured };
}

function giveUp({ task, tools, outputs, totals }: Work, { entry, body }: Found, error: RecordError): void {
  const position = positionOf(tools, task, entry.offset);
  writeDeadLetter(errorJson(error, position, body, entry.retried), error.code, position, outputs, totals);
}

function curateRecord(work: Work, { entry, body }: Found, verdict: Verdict, block: VerdictBlock): void {
  const { task, tools, outputs, totals } = work;
  const position = positionOf(tools, task, entry.offset);
  if (entry.shape === DEAD) return writeDeadLetter(body.bytes, entry.failures[0]!.reason, position, outputs, totals);

  const sketched = entry.kind !== STUB;
  let scores: Scores;
  try {
    scores = scoresOf(work, entry, body);
  } catch (error) {
    if (!(error instanceof RecordError)) throw error;
    return writeDeadLetter(errorJson(error, position, body, entry.retried), error.code, position, outputs, totals);
  }
  const decision = decide(tools.policy, evidenceOf(position, entry, verdict, scores));

  const signals = entry.signals === '' ? [] : [entry.signals];
  if (sketched) {
    const { duplicateOf } = verdict;
    const duplicate = duplicateOf && {
      ...position,
      partition: tools.nameOf(duplicateOf.partition),
      offset: duplicateOf.offset,
    };
    signals.push(dedupSignal(verdict, block.bands, duplicate));
  }
  for (const [name, score] of Object.entries(scores)) signals.push(`${JSON.stringify(name)}:${JSON.stringify(score)}`);
  measure(work.measured, scores, sketched ? verdict : undefined);
  measureArms(work.measured, scores, decision);

  const tail = `,"signals":{${signals.join(',')}},"decision":${decisionJson(decision, work.policy)},"position":${positionJson(position)}}\n`;
  const keepText = tools.keepText === 'all' || decision.outcome === 'curated';
  if (keepText) outputs.add(decision.topic, body.bytes, body.tail + tail);
  else outputs.add(decision.topic, withoutText(body), tail);
  if (decision.control) {
    outputs.add('control', body.bytes, body.tail + tail);
    totals.control++;
  }
  const bytes = entry.shape === SOURCE ? entry.sourceBytes : body.bytes.length;
  countRecord(totals, decision.outcome, decision.reason ?? decision.topic, bytes, () => identityOf(position));
}

/** @throws RecordError `score.nan` */
function scoresOf({ tools, measured }: Work, entry: SiftedEntry, body: Body): Scores {
  if (tools.stage0 === undefined || !isScored(tools, entry)) return {};
  const scores = tools.stage0.score(textOf(tools, body));
  if (tools.encoders === undefined) return scores;
  const { scorers, answers } = tools.encoders;
  const paths = answers.addScores(entry.offset, scores);
  for (const [i, { manifest }] of scorers.entries())
    if (speaks(manifest, entry.language)) measureCascade(measured, manifest, paths[i]!, scores);
  return scores;
}

function writeDeadLetter(
  head: Uint8Array | string,
  code: string,
  position: SourcePosition,
  outputs: LineBuffers,
  totals: Totals,
): void {
  const bytes = typeof head === 'string' ? new TextEncoder().encode(head) : head;
  outputs.add('dead-letter', bytes, `,"decision":{"outcome":"dead-letter"}}\n`);
  countRecord(totals, 'dead-letter', code, bytes.length, () => identityOf(position));
}

function errorJson(error: RecordError, position: SourcePosition, body: Body, retried: boolean): string {
  return JSON.stringify({
    id: identityOf(position),
    error: {
      stage: error.operator === 'sift' ? 'sift' : 'curate',
      operator: error.operator,
      code: error.code,
      message: error.message,
    },
    position: JSON.parse(positionJson(position)) as unknown,
    key: null,
    headers: retried ? retryHeaders(body) : {},
    timestamp: null,
    value: jsonOf(body),
    encoding: 'utf-8',
    valueBytes: Buffer.byteLength(jsonOf(body)),
    truncated: false,
    sha256: createHash('sha256').update(jsonOf(body)).digest('hex'),
  }).slice(0, -1);
}

/** A retry that fails again still says whose retry it is. */
function retryHeaders(body: Body): Record<string, string> {
  const { metadata } = JSON.parse(jsonOf(body)) as { metadata?: { riffle?: { 'retry-of'?: object } } };
  const retryOf = metadata?.riffle?.['retry-of'];
  return retryOf === undefined ? {} : { [RETRY_OF]: JSON.stringify(retryOf) };
}

function withoutText(body: Body): Uint8Array {
  const object = JSON.parse(jsonOf(body)) as Record<string, unknown>;
  return new TextEncoder().encode(JSON.stringify({ ...object, text: '' }).slice(0, -1));
}
