/**
 * Curate's work on one stretch of one source partition, in a worker thread: join what sift found with the index's verdicts, score, decide,
 * and write the output lines. Nothing here is visible to anybody until the main thread commits it.
 */
import { createHash } from 'node:crypto';
import { RecordError } from '../errors.ts';
import { identityOf, positionJson, RETRY_OF, type SourcePosition } from '../model/record.ts';
import { DEAD, SOURCE, STUB } from '../model/sifted.ts';
import { readVerdictBlock, type Verdict, type VerdictBlock, verdictAt, verdictOffset } from '../model/verdicts.ts';
import type { PlainJsonReader } from '../operators/decode/plain-json.ts';
import { decide } from '../pruning/decide.ts';
import { type Policy, policyName } from '../pruning/policy.ts';
import { type Allocate, createLineBuffers, type LineBuffers, type TopicLines } from '../routing/lines.ts';
import { decisionJson, dedupSignal } from '../routing/output.ts';
import type { Scores, Stage0 } from '../scoring/stage0.ts';
import { type Body, createEntries, type Found } from './curate-entries.ts';
import { type Measured, measure, measureArms, newMeasured } from './measured.ts';
import { countRecord, emptyTotals, type Totals } from './observation.ts';

export interface CurateTask {
  readonly partition: number;
  /** Records in `[next, limit)` are decided. */
  readonly next: bigint;
  readonly limit: bigint;
  readonly sifted: readonly Uint8Array[];
  readonly verdicts: readonly Uint8Array[];
}

export interface CurateTools {
  readonly policy: Policy;
  readonly stage0: Stage0 | undefined;
  readonly plainJson: PlainJsonReader;
  readonly scoredLanguages: readonly string[];
  readonly rawTopic: string;
  readonly keepText: 'all' | 'curated';
  /** Memory for output lines. */
  readonly allocate?: Allocate;
  /** Name of a source partition: the path of the file, or the number of the topic's partition. */
  readonly nameOf: (partition: number) => string | number;
  /** Bytes of the source file of a partition, for records that are spliced. */
  readonly readSource: (partition: number, start: number, bytes: number) => Uint8Array;
  readonly guard?: CurateGuard | undefined;
}

/** Where workers died on a stretch before. */
export interface CurateGuard {
  /** Called with the offset of each record before it is decided, and with the limit behind the last. */
  readonly begin: (offset: bigint) => void;
  /** Records that are dead letters, for they killed their worker. */
  readonly poison: readonly bigint[];
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
  let next = task.next;
  for (const raw of task.verdicts) {
    const block = readVerdictBlock(raw);
    for (let i = 0; i < block.count; i++) {
      const offset = verdictOffset(block, i);
      if (offset < next || offset >= task.limit) continue;
      const verdict = verdictAt(block, i);
      tools.guard?.begin(offset);
      if (tools.guard?.poison.includes(offset)) giveUp(work, entries.take(offset, verdict.exact), crashed());
      else if (verdict.kind === STUB && !entries.has(offset, verdict.exact))
        giveUp(work, entries.takeAny(offset), reasonLost());
      else curateRecord(work, entries.take(offset, verdict.exact), verdict, block);
      next = offset + 1n;
    }
  }
  tools.guard?.begin(task.limit);
  const { outputs, totals, measured } = work;
  for (const type of entries.skipped(task.next, task.limit)) totals.skipped[type] = (totals.skipped[type] ?? 0) + 1;
  measured.tokens = (tools.stage0?.tokens() ?? 0) - tokensBefore;
  measured.seconds = (performance.now() - started) / 1000;
  return { outputs: outputs.take(), totals, measured };
}

/**
 * The attempt that counts gave the record up, and the log has lost what it wrote: a dead letter all the same, whatever other attempts made of it
 * (protocol rule 3).
 */
const reasonLost = (): RecordError =>
  new RecordError(
    'sift',
    'sift.reasonLost',
    'record; sift gave it up, and the log lost why; put it back with `riffle dlq retry`',
  );

const crashed = (): RecordError =>
  new RecordError(
    'curate',
    'curate.crash',
    'record; a worker thread ended twice while deciding it; look at the record and report it',
  );

function giveUp({ task, tools, outputs, totals }: Work, { entry, body }: Found, error: RecordError): void {
  const { offset } = entry;
  const position: SourcePosition = { topic: tools.rawTopic, partition: tools.nameOf(task.partition), offset };
  writeDeadLetter(errorJson(error, position, body, entry.retried), error.code, position, outputs, totals);
}

function curateRecord(work: Work, { entry, body }: Found, verdict: Verdict, block: VerdictBlock): void {
  const { task, tools, outputs, totals } = work;
  const position: SourcePosition = {
    topic: tools.rawTopic,
    partition: tools.nameOf(task.partition),
    offset: entry.offset,
  };
  if (entry.shape === DEAD) return writeDeadLetter(body.bytes, entry.failures[0]!.reason, position, outputs, totals);

  const sketched = entry.kind !== STUB;
  let scores: Scores = {};
  try {
    if (tools.stage0 && sketched && tools.scoredLanguages.includes(entry.language))
      // In UTF-8 as it lies in the record, where it can be had so.
      scores = tools.stage0.score(tools.plainJson.textOf(body.bytes) ?? textOf(body));
  } catch (error) {
    if (!(error instanceof RecordError)) throw error;
    return writeDeadLetter(errorJson(error, position, body, entry.retried), error.code, position, outputs, totals);
  }
  const decision = decide(tools.policy, {
    identity: identityOf(position),
    language: entry.language,
    failures: entry.failures,
    verdict: sketched ? verdict : undefined,
    scores,
    retried: entry.retried,
  });

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

const jsonOf = ({ bytes, tail }: Body): string =>
  `${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()}${tail}}`;

const textOf = (body: Body): string => (JSON.parse(jsonOf(body)) as { text: string }).text;

function withoutText(body: Body): Uint8Array {
  const object = JSON.parse(jsonOf(body)) as Record<string, unknown>;
  return new TextEncoder().encode(JSON.stringify({ ...object, text: '' }).slice(0, -1));
}
