/** The protocol's rules as switches. The value named first is the rule; every other value leaves it out. */
export interface Rules {
  /** What stops a commit of a stage that was replaced: a Kafka epoch, or a commit conditional on where it started. */
  fence: 'epoch' | 'conditional' | 'none';
  siftOrder: 'sifted, sketch, commit' | 'sketch, sifted, commit' | 'commit, sifted, sketch';
  siftPosition: 'only forward' | 'as written';
  /** Which copy of a record curate decides on, where two attempts of sift differ. */
  join: 'accepted hash' | 'first copy';
  /** A verdict that says stub needs no copy from sifted. */
  acceptedStub: 'decides alone' | 'waits for its copy';
  watermark: boolean;
  indexRestart: 'snapshot position' | 'group position';
  snapshotWhen: 'acknowledged' | 'any time';
  /** A snapshot below the start of the sketch log is of no use. */
  snapshotChoice: 'usable ones' | 'any';
  /** An index that stands at or below the newest snapshot publishes nothing. */
  snapshotBelowNewest: 'refused' | 'published';
  snapshotPruning: 'below the kept one' | 'three by position' | 'three by write time';
  curateCommit: 'one transaction' | 'outputs, then positions';
  curateUnknownOutcome: 'start again' | 'go on';
  storesNext: boolean;
  committedPosition: 'first undecided block' | 'read position';
  trimSketch: 'oldest snapshot' | 'read position';
  trimRaw: 'decided' | 'sifted';
  /** Whose position holds the trimming of a log back. */
  trimFor: 'registered consumers' | 'started consumers';
  belowStart: 'stop' | 'jump to the start';
  time: 'of the log' | 'of the machine';
  gap: 'repair' | 'stop';
  flush: 'timer' | 'full batches only';
  end: 'last record' | 'high watermark';
}

export const soundRules: Readonly<Rules> = Object.freeze({
  fence: 'epoch',
  siftOrder: 'sifted, sketch, commit',
  siftPosition: 'only forward',
  join: 'accepted hash',
  acceptedStub: 'decides alone',
  watermark: true,
  indexRestart: 'snapshot position',
  snapshotWhen: 'acknowledged',
  snapshotChoice: 'usable ones',
  snapshotBelowNewest: 'refused',
  snapshotPruning: 'below the kept one',
  curateCommit: 'one transaction',
  curateUnknownOutcome: 'start again',
  storesNext: true,
  committedPosition: 'first undecided block',
  trimSketch: 'oldest snapshot',
  trimRaw: 'decided',
  trimFor: 'registered consumers',
  belowStart: 'stop',
  time: 'of the log',
  gap: 'repair',
  flush: 'timer',
  end: 'last record',
});

/** What the world does to the protocol. */
export interface Conditions {
  /** Configurations that sift processes run with at the same time (an upgrade in progress has two). */
  configurations: number;
  /** Share of records on which a watchdog may stop sift, in one attempt and not in the next. */
  watchdog: number;
  /** Blocks of this topic are acknowledged and lost all the same, at most `losses` a run. */
  lose: 'sketch' | 'verdict' | 'sifted' | 'any' | 'nothing';
  losses: number;
  /** The index forgets contents older than a window. */
  window: boolean;
}

export const ordinaryConditions: Readonly<Conditions> = Object.freeze({
  configurations: 1,
  watchdog: 0.3,
  lose: 'nothing',
  losses: 1,
  window: false,
});
