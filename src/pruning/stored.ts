import type { Failure } from '../model/reasons.ts';
import { identityOf } from '../model/record.ts';
import { decisionReasons, type Evidence, scorerFamily } from './decide.ts';

/** What an output record says of itself (docs/reference/records.md), as far as a decision rests on it. */
export interface StoredRecord {
  readonly signals?: Readonly<Record<string, unknown>>;
  readonly decision: {
    readonly reason?: string | null;
    readonly value?: unknown;
    readonly limit?: unknown;
    readonly failed?: readonly string[];
  };
  readonly position: { readonly topic: string; readonly partition: string | number; readonly offset: string };
  readonly metadata?: { readonly riffle?: { readonly 'retry-of'?: unknown } };
}

/** A limit of sift's that was not the record's first reason: it stands in the configuration of that time only. */
export const NOT_STORED = 'not stored';

/**
 * The evidence that a stored record was decided by, so that it can be decided again: under the same policy the same decision comes out, under
 * another one what that policy would have done. Signals are taken as they stand; no operator and no scorer runs.
 */
export function storedEvidence(record: StoredRecord): Evidence {
  const { signals = {}, position, metadata } = record;
  const dedup = signals.dedup as StoredVerdict | undefined;
  return {
    identity: identityOf({ ...position, offset: BigInt(position.offset) }),
    language: languageOf(signals),
    failures: siftFailures(record),
    verdict: dedup && { ...dedup, exactMatch: dedup.exact },
    scores: scoresOf(signals),
    retried: metadata?.riffle?.['retry-of'] !== undefined,
  };
}

/** The `dedup` signal. */
interface StoredVerdict {
  readonly exact: boolean;
  readonly similarity: number;
  readonly votes: number;
  readonly copies: number;
}

type Scores = Evidence['scores'];

/** A scorer's name has its version behind the last "@": `quality/base@1`; so have those of profiles, which have no "/". */
export const isScorer = (signal: string): boolean => /^(?!url\/|language\/)[a-z]+\/[^@]+@\d+$/.test(signal);

const scoresOf = (signals: Readonly<Record<string, unknown>>): Scores =>
  Object.fromEntries(Object.entries(signals).filter(([name]) => isScorer(name))) as Scores;

function languageOf(signals: Readonly<Record<string, unknown>>): string {
  return (signalOf(signals, 'language/')?.label as string | undefined) ?? '';
}

function signalOf(
  signals: Readonly<Record<string, unknown>>,
  prefix: string,
): Readonly<Record<string, unknown>> | undefined {
  return Object.entries(signals).find(([name]) => name.startsWith(prefix))?.[1] as Record<string, unknown> | undefined;
}

/** What sift found: everything that failed and is not the policy's own. */
function siftFailures({ decision, signals = {} }: StoredRecord): Failure[] {
  return (decision.failed ?? [])
    .filter((reason) => !isPolicyReason(reason, signals))
    .map((reason) =>
      reason === decision.reason
        ? { reason, value: decision.value as Failure['value'], limit: decision.limit as Failure['limit'] }
        : { reason, value: valueOf(signals, reason), limit: NOT_STORED },
    );
}

/** A gate's reason begins with the family of a scorer, and the record has a score of it. */
function isPolicyReason(reason: string, signals: Readonly<Record<string, unknown>>): boolean {
  if (decisionReasons.some((one) => one === reason)) return true;
  return Object.keys(signals).some((name) => isScorer(name) && reason.startsWith(`${scorerFamily(name)}.`));
}

/** `gopher@datatrove.wordCount` → that signal's number; the name of the language signal is its operator's. */
function valueOf(signals: Readonly<Record<string, unknown>>, reason: string): Failure['value'] {
  const dot = reason.lastIndexOf('.');
  const family = reason.slice(0, dot);
  const signal = signals[family] ?? signalOf(signals, `${family}/`);
  return ((signal as Record<string, unknown> | undefined)?.[reason.slice(dot + 1)] as Failure['value']) ?? NOT_STORED;
}
