/**
 * What one commit of curate did, committed with it: summing over all of them gives the counts of the whole run, whatever was killed in
 * between.
 */
import { type Outcome, outcomes } from '../model/reasons.ts';

export interface Totals {
  /** Outcome → reason → records. What stands in the reason's place: the route of curated ones, the error code of dead letters. */
  readonly decided: Record<Outcome, Record<string, number>>;
  /** WARC records without a document, by type. */
  readonly skipped: Record<string, number>;
  /** Copies in the control sample. */
  control: number;
  /** Bytes of the records decided, as they lay in the source or in the block. */
  bytes: number;
  /** Identity of the first record of each reason. */
  readonly examples: Record<string, string>;
}

export interface Observation extends Totals {
  readonly partition: number;
  readonly from: string;
  readonly next: string;
}

export function emptyTotals(): Totals {
  return {
    decided: { curated: {}, rejected: {}, quarantine: {}, 'dead-letter': {} },
    skipped: {},
    control: 0,
    bytes: 0,
    examples: {},
  };
}

/** Counts one record. */
export function countRecord(
  totals: Totals,
  outcome: Outcome,
  reason: string,
  bytes: number,
  identity: () => string,
): void {
  const reasons = totals.decided[outcome];
  const before = reasons[reason];
  reasons[reason] = (before ?? 0) + 1;
  totals.bytes += bytes;
  if (before === undefined) totals.examples[reason] ??= identity();
}

export function addTotals(totals: Totals, more: Totals): void {
  for (const outcome of outcomes) addCounts(totals.decided[outcome], more.decided[outcome]);
  addCounts(totals.skipped, more.skipped);
  totals.control += more.control;
  totals.bytes += more.bytes;
  for (const [reason, example] of Object.entries(more.examples)) totals.examples[reason] ??= example;
}

function addCounts(into: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(more)) into[name] = (into[name] ?? 0) + count;
}

export const sumCounts = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, n) => sum + n, 0);

export const decidedRecords = (totals: Totals): number =>
  outcomes.reduce((sum, outcome) => sum + sumCounts(totals.decided[outcome]), 0);
