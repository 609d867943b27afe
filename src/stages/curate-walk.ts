/** The records of a stretch as curate goes over them: each with its verdict, and with the copy that the index accepted. */
import { RecordError } from '../errors.ts';
import { identityOf, type SourcePosition } from '../model/record.ts';
import { type SiftedEntry, STUB } from '../model/sifted.ts';
import { readVerdictBlock, type Verdict, type VerdictBlock, verdictAt, verdictOffset } from '../model/verdicts.ts';
import type { PlainJsonReader } from '../operators/decode/plain-json.ts';
import type { Evidence } from '../pruning/decide.ts';
import type { Policy } from '../pruning/policy.ts';
import type { Scores, Stage0 } from '../scoring/stage0.ts';
import type { Body, Entries, Found } from './curate-entries.ts';

export interface CurateTask {
  readonly partition: number;
  /** Records in `[next, limit)` are decided. */
  readonly next: bigint;
  readonly limit: bigint;
  readonly sifted: readonly Uint8Array[];
  readonly verdicts: readonly Uint8Array[];
}

/** What it takes to know all about a record that its decision rests on. */
export interface WalkTools {
  readonly policy: Policy;
  readonly stage0: Stage0 | undefined;
  readonly plainJson: PlainJsonReader;
  readonly scoredLanguages: readonly string[];
  readonly rawTopic: string;
  /** Name of a source partition: the path of the file, or the number of the topic's partition. */
  readonly nameOf: (partition: number) => string | number;
  /** Bytes of the source file of a partition, for records that are spliced. */
  readonly readSource: (partition: number, start: number, bytes: number) => Uint8Array;
  readonly guard?: CurateGuard | undefined;
}

/** Where workers died on a stretch before. */
export interface CurateGuard {
  /** Called with the offset of each record before it is looked at, and with the limit behind the last. */
  readonly begin: (offset: bigint) => void;
  /** Records that are dead letters, for they killed their worker. */
  readonly poison: readonly bigint[];
}

export interface Visitor {
  record(found: Found, verdict: Verdict, block: VerdictBlock): void;
  /** A record about which nothing can be decided. */
  lost(found: Found, why: RecordError): void;
}

export function walk(task: CurateTask, entries: Entries, guard: CurateGuard | undefined, visitor: Visitor): void {
  let next = task.next;
  for (const raw of task.verdicts) {
    const block = readVerdictBlock(raw);
    for (let i = 0; i < block.count; i++) {
      const offset = verdictOffset(block, i);
      if (offset < next || offset >= task.limit) continue;
      const verdict = verdictAt(block, i);
      guard?.begin(offset);
      if (guard?.poison.includes(offset)) visitor.lost(entries.take(offset, verdict.exact), crashed());
      else if (verdict.kind === STUB && !entries.has(offset, verdict.exact))
        visitor.lost(entries.takeAny(offset), reasonLost());
      else visitor.record(entries.take(offset, verdict.exact), verdict, block);
      next = offset + 1n;
    }
  }
  guard?.begin(task.limit);
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

export const positionOf = (
  { rawTopic, nameOf }: WalkTools,
  { partition }: CurateTask,
  offset: bigint,
): SourcePosition => ({ topic: rawTopic, partition: nameOf(partition), offset });

/** A record that has text to score, in a language that scorers are for. */
export const isScored = ({ scoredLanguages }: WalkTools, { kind, language }: SiftedEntry): boolean =>
  kind !== STUB && scoredLanguages.includes(language);

/** In UTF-8 as it lies in the record, where it can be had so; valid until the next call. */
export const textOf = ({ plainJson }: WalkTools, body: Body): string | Uint8Array =>
  plainJson.textOf(body.bytes) ?? (JSON.parse(jsonOf(body)) as { text: string }).text;

export const jsonOf = ({ bytes, tail }: Body): string =>
  `${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()}${tail}}`;

export const evidenceOf = (
  position: SourcePosition,
  { kind, language, failures, retried }: SiftedEntry,
  verdict: Verdict,
  scores: Scores,
): Evidence => ({
  identity: identityOf(position),
  language,
  failures,
  verdict: kind === STUB ? undefined : verdict,
  scores,
  retried,
});
