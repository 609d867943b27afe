/** The end of a run, for people and for programs (contract: command line). */
import { styleText } from 'node:util';
import { type Outcome, outcomes } from '../model/reasons.ts';
import { decidedRecords, sumCounts } from '../stages/observation.ts';
import type { RunResult } from '../stages/run.ts';
import { printable } from './printable.ts';

export interface Summary {
  readonly topology: string;
  readonly inputs: number;
  readonly skipped: Record<string, number>;
  readonly outcomes: Record<string, number>;
  readonly reasons: Record<string, number>;
  /** Outcome → reason, route or error code → records. */
  readonly decided: Record<Outcome, Record<string, number>>;
  readonly control: number;
  readonly resumed: boolean;
  readonly complete: boolean;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly recordsPerSecond: number;
  readonly bytes: number;
  readonly peakRssBytes: number;
  readonly dedup: Record<string, number>;
  readonly policy: string;
  readonly config: string;
  readonly version: string;
  readonly examples: Record<string, string>;
  readonly output: string;
  /** Of the main thread in this process, seconds. */
  readonly eventLoopDelay: { readonly p50: number; readonly p99: number; readonly p999: number };
}

export interface SummaryFacts {
  readonly topology: string;
  readonly seconds: number;
  readonly config: string;
  readonly version: string;
  readonly output: string;
  readonly eventLoopDelay: Summary['eventLoopDelay'];
}

export function summarize(result: RunResult, facts: SummaryFacts): Summary {
  const { totals, index } = result;
  const inputs = decidedRecords(totals);
  const usage = process.resourceUsage();
  const { decided } = totals;
  return {
    topology: facts.topology,
    inputs,
    skipped: totals.skipped,
    outcomes: Object.fromEntries(outcomes.map((outcome) => [outcome, sumCounts(decided[outcome])])),
    reasons: sorted({ ...decided.rejected, ...decided.quarantine, ...decided['dead-letter'] }),
    decided,
    control: totals.control,
    resumed: result.resumed,
    complete: result.complete,
    seconds: round(facts.seconds, 3),
    cpuSeconds: round((usage.userCPUTime + usage.systemCPUTime) / 1e6, 3),
    recordsPerSecond: round(inputs / Math.max(facts.seconds, 1e-3), 1),
    bytes: totals.bytes,
    peakRssBytes: usage.maxRSS * 1024,
    dedup: index === undefined ? {} : dedupFigures(index),
    policy: result.policy,
    config: facts.config,
    version: facts.version,
    examples: totals.examples,
    output: facts.output,
    eventLoopDelay: facts.eventLoopDelay,
  };
}

function dedupFigures(index: NonNullable<RunResult['index']>): Record<string, number> {
  const documents = Math.max(1, index.documents);
  const historyBytes = index.history.reduce((sum, { bytes }) => sum + bytes, 0);
  return {
    keys: index.exact.keys,
    historyBytesPerDocument: round(historyBytes / documents, 1),
    windowBytesPerDocument: round(index.window.bytes / Math.max(1, index.window.documents), 1),
    fill: round(index.fill, 4),
    estimatedFalsePositiveRate: index.estimatedFalsePositiveRate,
  };
}

/** Outcome by reason with one example each; then where the files are and what to type next. */
export function printSummary(summary: Summary, riffle: string): string {
  const { inputs, outcomes: byOutcome, seconds, recordsPerSecond } = summary;
  const lines: string[] = [];
  const kept = byOutcome.curated ?? 0;
  lines.push(
    '',
    styleText(
      'bold',
      `${summary.topology}: ${count(inputs)} records in ${seconds.toFixed(1)} s (${count(Math.round(recordsPerSecond))}/s), ${percent(kept, inputs)} kept`,
    ),
  );
  const width = Math.max(
    ...outcomes.flatMap((outcome) => Object.keys(summary.decided[outcome]).map((s) => s.length)),
    10,
  );
  for (const outcome of outcomes) {
    const n = byOutcome[outcome] ?? 0;
    lines.push(
      '',
      `${styleText(colour[outcome], outcome.padEnd(width + 2))}${count(n).padStart(9)}  ${percent(n, inputs)}`,
    );
    for (const [name, n] of Object.entries(sorted(summary.decided[outcome])))
      lines.push(`  ${name.padEnd(width)}${count(n).padStart(9)}${example(summary, name, outcome)}`);
  }
  const skipped = Object.entries(summary.skipped);
  if (skipped.length > 0)
    lines.push('', `skipped, not documents: ${skipped.map(([type, n]) => `${count(n)} ${type}`).join(', ')}`);
  if (summary.control > 0) lines.push(`control sample: ${count(summary.control)} copies`);
  const anyExample =
    Object.entries(summary.examples).find(([reason]) => reason.startsWith('dedup.near')) ??
    Object.entries(summary.examples)[0];
  lines.push('', `output     ${summary.output}`);
  if (anyExample)
    lines.push(`next       ${riffle} explain ${quoted(anyExample[1])} --output ${quoted(summary.output)}`);
  lines.push(`           ${riffle} describe ${summary.topology}`, '');
  return lines.join('\n');
}

const colour = { curated: 'green', rejected: 'yellow', quarantine: 'magenta', 'dead-letter': 'red' } as const;

function example({ examples }: Summary, reason: string, outcome: string): string {
  const id = outcome === 'curated' ? undefined : examples[reason];
  return id === undefined ? '' : styleText('dim', `   e.g. ${printable(id)}`);
}

/** As a shell takes it, whatever a file is called. */
const quoted = (text: string) => `'${printable(text).replaceAll("'", String.raw`'\''`)}'`;
const count = (n: number) => n.toLocaleString('en-US');
const percent = (n: number, of: number) => `${((100 * n) / Math.max(1, of)).toFixed(1)} %`;
const round = (x: number, digits: number) => Number(x.toFixed(digits));
const sorted = (counts: Record<string, number>) =>
  Object.fromEntries(Object.entries(counts).sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)));
