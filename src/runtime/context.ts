import type { Config } from '../config/schema.ts';
import type { Log } from '../log/port.ts';
import type { WorkerPool } from './pool.ts';
import type { TopicNames } from './topics.ts';

/**
 * Rules of the delivery protocol that a negative control leaves out (docs/protocol.md): a test that still passed without one would prove
 * nothing. Empty in production.
 */
export type ProtocolRule =
  | 'position-with-state'
  | 'watermark'
  | 'offsets-inside'
  | 'store-next'
  | 'fence'
  | 'reinitialise'
  | 'go-on-from'
  | 'snapshot-after-ack'
  | 'sifted-before-sketch'
  | 'commit-first-undecided'
  | 'trim-to-snapshot'
  | 'repair';

/** Places where a crash test kills the process. */
export type CrashPoint =
  | 'sift.start'
  | 'sift.sifted'
  | 'sift.sketch'
  | 'sift.committed'
  | 'index.folded'
  | 'index.answered'
  | 'index.snapshot'
  | 'curate.joined'
  | 'curate.commit'
  | 'curate.committed'
  | 'finish'
  | 'export.renamed';

export interface Faults {
  readonly omit: ReadonlySet<ProtocolRule>;
  /** Called at each point; may not come back. */
  at(point: CrashPoint): void;
  /** Records that this attempt gives up, as the watchdog would: two attempts at a record need not agree (protocol rule 3). */
  readonly poison: readonly Poison[];
  /** Instead of the usual patience before a run that makes no progress fails. */
  readonly stallMs?: number;
  /** Instead of the usual time between two looks for what a log has lost. */
  readonly repairMs?: number;
  /** The log that the stages see instead of the one that was opened. */
  readonly wrap?: <L extends Log>(log: L) => L;
}

/** A record that is not worked on any more: it becomes a dead letter with this code. */
export interface Poison {
  readonly partition: number;
  readonly offset: bigint;
  /** Not one record but whatever comes from `offset` on: reading it is what failed. */
  readonly rest?: boolean;
  readonly code: string;
  readonly message: string;
}

export const noFaults: Faults = { omit: new Set(), at: () => undefined, poison: [] };

/** Reason of the signal when everything is decided: nothing has to be kept for a restart. */
export const COMPLETE = 'complete';

/** What every stage gets: nothing in it knows which log is underneath. */
export interface StageContext {
  readonly log: Log;
  readonly config: Config;
  readonly topics: TopicNames;
  /** Partitions of raw. */
  readonly partitions: number;
  readonly pool: WorkerPool;
  readonly faults: Faults;
  /** Aborted to drain: finish what is under way, begin nothing new. */
  readonly signal: AbortSignal;
}
