import { type Decision, decide } from './decide.ts';
import type { Policy } from './policy.ts';
import { isScorer, type StoredRecord, storedEvidence } from './stored.ts';

/** A record with the decision that it was written with. */
export interface DecidedRecord extends StoredRecord {
  readonly decision: StoredRecord['decision'] & {
    readonly outcome: string;
    readonly topic?: string;
    readonly policy?: string;
  };
}

/** Records that another policy sends elsewhere, for one and the same rule. */
export interface Move {
  readonly from: string;
  readonly to: string;
  /** What decides: the rule that fires now, or, where nothing does, the one that fires no more. */
  readonly rule: string;
  count: number;
  /** Positions of the first ones. */
  readonly examples: string[];
}

export interface ReplayReport {
  /** Policies that the records were decided by. */
  readonly before: readonly string[];
  readonly records: number;
  /** Of no policy: as they are. */
  readonly deadLetters: number;
  /** They go where they went; `otherReason` of them because of another rule. */
  readonly unchanged: number;
  readonly otherReason: number;
  readonly curated: { readonly before: number; readonly after: number };
  /** Largest first. */
  readonly moves: readonly Move[];
  /** Scorers that the records have numbers of. */
  readonly scorers: ReadonlySet<string>;
}

export interface Replay {
  /** Decides a record again; undefined for a dead letter. */
  add(record: DecidedRecord): Decision | undefined;
  report(): ReplayReport;
}

/** Decides stored records again under another policy, and adds up what moves. */
export function createReplay(policy: Policy, examples: number): Replay {
  const before = new Set<string>();
  const scorers = new Set<string>();
  const moves = new Map<string, Move>();
  let records = 0;
  let deadLetters = 0;
  let unchanged = 0;
  let otherReason = 0;
  const curated = { before: 0, after: 0 };

  return {
    add(record) {
      const { outcome, topic = outcome, reason, policy: decidedBy } = record.decision;
      if (outcome === 'dead-letter') {
        deadLetters++;
        return undefined;
      }
      records++;
      if (decidedBy !== undefined) before.add(decidedBy);
      for (const name of Object.keys(record.signals ?? {})) if (isScorer(name)) scorers.add(name);
      const evidence = storedEvidence(record);
      const decision = decide(policy, evidence);
      if (outcome === 'curated') curated.before++;
      if (decision.outcome === 'curated') curated.after++;
      if (decision.topic !== topic)
        move(topic, decision.topic, decision.reason ?? reason ?? 'routes', evidence.identity);
      else {
        unchanged++;
        if (decision.reason !== reason) otherReason++;
      }
      return decision;
    },
    report: () => ({
      before: [...before],
      records,
      deadLetters,
      unchanged,
      otherReason,
      curated,
      moves: [...moves.values()].sort((a, b) => b.count - a.count),
      scorers,
    }),
  };

  function move(from: string, to: string, rule: string, identity: string): void {
    const key = JSON.stringify([from, to, rule]);
    let found = moves.get(key);
    if (found === undefined) moves.set(key, (found = { from, to, rule, count: 0, examples: [] }));
    found.count++;
    if (found.examples.length < examples) found.examples.push(identity);
  }
}
