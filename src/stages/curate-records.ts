/**
 * Curate's work on one stretch of one source partition, in a worker thread: join what sift found with the index's verdicts, score, decide,
 * and write the output lines. Nothing here is visible to anybody until the main thread commits it.
 */
import { FatalError, RecordError } from '../errors.ts';
import type { Failure } from '../model/reasons.ts';
import { identityOf, positionJson, type SourcePosition } from '../model/record.ts';
import {
  DEAD,
  readSiftedBlock,
  type SiftedBlock,
  type SiftedEntry,
  SKIPPED,
  SOURCE,
  STUB,
  siftedEntry,
  siftedExact,
  siftedOffset,
  siftedShape,
} from '../model/sifted.ts';
import { readVerdictBlock, type Verdict, type VerdictBlock, verdictAt, verdictOffset } from '../model/verdicts.ts';
import { decide } from '../pruning/decide.ts';
import { type Policy, policyName } from '../pruning/policy.ts';
import { decisionJson, dedupSignal } from '../routing/output.ts';
import { RETRY_PARTITION } from '../runtime/retry-list.ts';
import type { Scores, Stage0 } from '../scoring/stage0.ts';
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
  readonly scoredLanguages: readonly string[];
  readonly rawTopic: string;
  readonly keepText: 'all' | 'curated';
  /** Name of a source partition: the path of the file. */
  readonly nameOf: (partition: number) => string;
  /** Bytes of the source file of a partition, for records that are spliced. */
  readonly readSource: (partition: number, start: number, bytes: number) => Uint8Array;
}

/** Lines of one topic, one after another, each ended by a line feed. */
export interface TopicLines {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly lengths: Uint32Array<ArrayBuffer>;
}

export interface CurateResult {
  readonly outputs: Readonly<Record<string, TopicLines>>;
  readonly totals: Totals;
  readonly measured: Measured;
}

/** For metrics only: lost with the process, unlike the totals. */
export interface Measured {
  /** `scorer`, or `scorer#axis` → scores. */
  readonly scores: Record<string, number[]>;
  readonly votes: number[];
}

export function curateRecords(task: CurateTask, tools: CurateTools): CurateResult {
  const entries = indexEntries(task);
  const outputs = createOutputs();
  const totals = emptyTotals();
  const measured: Measured = { scores: {}, votes: [] };
  const policy = policyName(tools.policy);
  let next = task.next;
  for (const raw of task.verdicts) {
    const block = readVerdictBlock(raw);
    for (let i = 0; i < block.count; i++) {
      const offset = verdictOffset(block, i);
      if (offset < next || offset >= task.limit) continue;
      const verdict = verdictAt(block, i);
      const entry = entries.take(offset, verdict.exact);
      curateRecord(entry, verdict, block, task.partition, tools, policy, outputs, totals, measured);
      next = offset + 1n;
    }
  }
  for (const type of entries.skipped()) totals.skipped[type] = (totals.skipped[type] ?? 0) + 1;
  return { outputs: outputs.take(), totals, measured };
}

function curateRecord(
  entry: SiftedEntry,
  verdict: Verdict,
  block: VerdictBlock,
  partition: number,
  tools: CurateTools,
  policy: string,
  outputs: Outputs,
  totals: Totals,
  measured: Measured,
): void {
  const position: SourcePosition = { topic: tools.rawTopic, partition: tools.nameOf(partition), offset: entry.offset };
  if (entry.shape === DEAD) return writeDeadLetter(entry.head, entry.failures[0]!.reason, position, outputs, totals);

  const body =
    entry.shape === SOURCE
      ? tools.readSource(partition, entry.sourceStart, entry.sourceBytes)
      : (entry.head as Uint8Array);
  let scores: Scores = {};
  try {
    if (tools.stage0 && entry.kind !== STUB && tools.scoredLanguages.includes(entry.language))
      scores = tools.stage0.score(textOf(body));
  } catch (error) {
    if (!(error instanceof RecordError)) throw error;
    return writeDeadLetter(scoringError(error, position, body), error.code, position, outputs, totals);
  }
  const decision = decide(tools.policy, {
    identity: identityOf(position),
    language: entry.language,
    failures: entry.failures as Failure[],
    verdict: entry.kind === STUB ? undefined : verdict,
    scores,
    retried: position.partition === RETRY_PARTITION,
  });

  const signals = [entry.signals];
  if (entry.kind !== STUB) {
    const duplicate = verdict.duplicateOf && {
      ...position,
      partition: tools.nameOf(verdict.duplicateOf.partition),
      offset: verdict.duplicateOf.offset,
    };
    signals.push(dedupSignal(verdict, block.bands, duplicate));
    measured.votes.push(verdict.votes);
  }
  for (const [name, score] of Object.entries(scores)) {
    signals.push(`${JSON.stringify(name)}:${JSON.stringify(score)}`);
    if (typeof score === 'number') (measured.scores[name] ??= []).push(score);
    else for (const [axis, value] of Object.entries(score)) (measured.scores[`${name}#${axis}`] ??= []).push(value);
  }
  const tail = `,"signals":{${signals.filter((s) => s !== '').join(',')}},"decision":${decisionJson(decision, policy)},"position":${positionJson(position)}}\n`;
  const kept = tools.keepText === 'all' || decision.outcome === 'curated' ? body : withoutText(body);
  outputs.add(decision.topic, kept, tail);
  if (decision.control) outputs.add('control', body, tail);
  if (decision.control) totals.control++;
  const bytes = entry.shape === SOURCE ? entry.sourceBytes : body.length;
  countRecord(totals, decision.outcome, decision.reason ?? decision.topic, bytes, () => identityOf(position));
}

function writeDeadLetter(
  head: Uint8Array | string,
  code: string,
  position: SourcePosition,
  outputs: Outputs,
  totals: Totals,
): void {
  const bytes = typeof head === 'string' ? new TextEncoder().encode(head) : head;
  outputs.add('dead-letter', bytes, `,"decision":{"outcome":"dead-letter"}}\n`);
  countRecord(totals, 'dead-letter', code, bytes.length, () => identityOf(position));
}

function scoringError(error: RecordError, position: SourcePosition, body: Uint8Array): string {
  return JSON.stringify({
    id: identityOf(position),
    error: { stage: 'curate', operator: error.operator, code: error.code, message: error.message },
    position: JSON.parse(positionJson(position)) as unknown,
    key: null,
    headers: position.partition === RETRY_PARTITION ? retryHeaders(body) : {},
    timestamp: null,
    value: `${Buffer.from(body).toString()}}`,
    encoding: 'utf-8',
    valueBytes: body.length + 1,
    truncated: false,
  }).slice(0, -1);
}

/** A retry that fails again still says whose retry it is. */
function retryHeaders(body: Uint8Array): Record<string, string> {
  const { metadata } = JSON.parse(`${Buffer.from(body).toString()}}`) as {
    metadata?: { riffle?: { 'retry-of'?: object } };
  };
  const retryOf = metadata?.riffle?.['retry-of'];
  return retryOf === undefined ? {} : { 'riffle.retry-of': JSON.stringify(retryOf) };
}

/** `body` is a JSON object without its closing brace. */
function textOf(body: Uint8Array): string {
  return (JSON.parse(`${Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString()}}`) as { text: string })
    .text;
}

function withoutText(body: Uint8Array): Uint8Array {
  const object = JSON.parse(`${Buffer.from(body).toString()}}`) as Record<string, unknown>;
  return new TextEncoder().encode(JSON.stringify({ ...object, text: '' }).slice(0, -1));
}

interface Outputs {
  add(topic: string, body: Uint8Array, tail: string): void;
  take(): Record<string, TopicLines>;
}

function createOutputs(): Outputs {
  const topics = new Map<string, { buffer: Buffer; at: number; lengths: number[] }>();
  return {
    add(topic, body, tail) {
      let lines = topics.get(topic);
      if (lines === undefined)
        topics.set(topic, (lines = { buffer: Buffer.allocUnsafeSlow(1 << 16), at: 0, lengths: [] }));
      const need = lines.at + body.length + tail.length * 3;
      if (need > lines.buffer.length) {
        const grown = Buffer.allocUnsafeSlow(Math.max(need, lines.buffer.length * 2));
        lines.buffer.copy(grown, 0, 0, lines.at);
        lines.buffer = grown;
      }
      lines.buffer.set(body, lines.at);
      const tailBytes = lines.buffer.write(tail, lines.at + body.length);
      lines.at += body.length + tailBytes;
      lines.lengths.push(body.length + tailBytes);
    },
    take() {
      const out: Record<string, TopicLines> = {};
      for (const [topic, { buffer, at, lengths }] of topics)
        out[topic] = { bytes: new Uint8Array(buffer.buffer as ArrayBuffer, 0, at), lengths: Uint32Array.from(lengths) };
      return out;
    },
  };
}

/** Finds sifted entries by offset and exact key: the copy that the index accepted is the one that counts (protocol rule 3). */
function indexEntries(task: CurateTask): { take(offset: bigint, exact: bigint): SiftedEntry; skipped(): string[] } {
  const blocks = task.sifted.map(readSiftedBlock);
  const at = blocks.map(() => 0);
  const skippedAt = new Map<bigint, string>();
  for (const block of blocks) collectSkipped(block, task, skippedAt);

  function take(offset: bigint, exact: bigint): SiftedEntry {
    for (const [b, block] of blocks.entries()) {
      if (offset < block.from || offset >= block.to) continue;
      let i = at[b]!;
      while (i < block.count && siftedOffset(block, i) < offset) i++;
      at[b] = i;
      if (i < block.count && siftedOffset(block, i) === offset && siftedExact(block, i) === exact)
        return siftedEntry(block, i);
    }
    throw new FatalError(
      'join',
      `partition ${task.partition}@${offset}; no sifted record has the key that the index accepted; report it`,
    );
  }
  return { take, skipped: () => [...skippedAt.values()] };
}

function collectSkipped(block: SiftedBlock, task: CurateTask, into: Map<bigint, string>): void {
  for (let i = 0; i < block.count; i++) {
    if (siftedShape(block, i) !== SKIPPED) continue;
    const offset = siftedOffset(block, i);
    if (offset < task.next || offset >= task.limit) continue;
    into.set(offset, Buffer.from(siftedEntry(block, i).head as Uint8Array).toString());
  }
}
