import type { Mode } from './schedule.ts';

/** All rules kept: no schedule may show anything. */
export const soundModes: Readonly<Record<string, Mode>> = {
  'fenced by an epoch (Kafka)': {},
  'conditional commits (embedded log)': { rules: { fence: 'conditional' } },
  'no watchdog: every attempt of sift is the same': { conditions: { watchdog: 0 } },
  'an upgrade: two configurations at once': { conditions: { configurations: 2 } },
  'an upgrade with conditional commits': { rules: { fence: 'conditional' }, conditions: { configurations: 2 } },
  'a window that forgets': { conditions: { window: true } },
  'slow index processes, much trimming': { rates: { publish: 0.8, trim: 0.3, start: 0.1, kill: 0.01, burst: 30 } },
  'a lost sketch block is repaired': { conditions: { lose: 'sketch' } },
  'a lost sifted block is repaired': { conditions: { lose: 'sifted' } },
  'a lost verdict block is repaired': { conditions: { lose: 'verdict' }, rates: { publish: 0.5 } },
  'blocks of all topics are lost, and repaired': { conditions: { lose: 'any', losses: 5 } },
  'everything at once': {
    rules: { fence: 'conditional' },
    conditions: { configurations: 2, window: true, lose: 'any', losses: 3 },
    rates: { publish: 0.5, trim: 0.1 },
  },
};

export interface BrokenMode extends Mode {
  /** The rule of docs/protocol.md that is left out. */
  rule: number;
  /** What must be seen, and why. */
  expect: RegExp;
  because: string;
  /** Most schedules that may be needed to see it. */
  within: number;
}

const lostByItself = /^alarm without a lost message/;

/** One rule left out each, two where one covers for the other. */
export const brokenModes: Readonly<Record<string, BrokenMode>> = {
  'sift commits before it appends': {
    rule: 2,
    rules: { siftOrder: 'commit, sifted, sketch' },
    expect: lostByItself,
    because: 'a kill in between loses the records between the commit and the append',
    within: 50,
  },
  'sift appends the sketch first': {
    rule: 2,
    rules: { siftOrder: 'sketch, sifted, commit' },
    expect: lostByItself,
    because: 'the index accepts a sketch whose sifted copy never comes, and the next attempt has another hash',
    within: 100,
  },
  'the position of sift moves back, and raw is trimmed behind it': {
    rule: 2,
    rules: { siftPosition: 'as written', trimRaw: 'sifted' },
    rates: { trim: 0.3, kill: 0.01, unknownOutcome: 0.01 },
    expect: /^deadlock$/,
    because: 'a stalled sift returns to where nothing is left to read',
    within: 500,
  },
  'curate decides on the first sifted copy': {
    rule: 3,
    rules: { join: 'first copy' },
    expect: /^two copies of a content survive$|^a content is lost/,
    because: 'the verdict is about another attempt',
    within: 100,
  },
  'an accepted stub waits for its own copy': {
    rule: 3,
    rules: { acceptedStub: 'waits for its copy' },
    conditions: { lose: 'sifted' },
    rates: { watchdogWhenCalm: 0 },
    expect: /^deadlock$/,
    because: 'the copy is lost, and sift is never stopped there again',
    within: 500,
  },
  'the index keeps no watermark': {
    rule: 4,
    rules: { watermark: false },
    expect: /^a verdict differs/,
    because: 'a block that comes again makes its records duplicates of themselves',
    within: 50,
  },
  'a gap stops the index for ever': {
    rule: 4,
    rules: { gap: 'stop' },
    conditions: { lose: 'sketch' },
    expect: /^deadlock$/,
    because: 'nobody sends the lost block again',
    within: 50,
  },
  'a snapshot before its verdicts are acknowledged': {
    rule: 5,
    rules: { snapshotWhen: 'any time' },
    expect: lostByItself,
    because: 'the successor starts behind verdicts that were never sent',
    within: 300,
  },
  'snapshots are pruned by write time': {
    rule: 5,
    rules: { snapshotPruning: 'three by write time', snapshotBelowNewest: 'published', snapshotChoice: 'any' },
    rates: { publish: 0.8, trim: 0.3, start: 0.1, kill: 0.01, burst: 30 },
    expect: /^deadlock$/,
    because: 'a slow index writes old snapshots late, and those that the trimmed log needs are pruned',
    within: 300,
  },
  'no snapshot is kept for curate': {
    rule: 5,
    rules: { snapshotPruning: 'three by position' },
    conditions: { lose: 'verdict' },
    rates: { publish: 0.5 },
    expect: /^deadlock$/,
    because: 'every snapshot left is behind the lost verdict: it cannot be issued again',
    within: 300,
  },
  'the index restarts at its group position': {
    rule: 6,
    rules: { indexRestart: 'group position' },
    expect: lostByItself,
    because: 'the state is older than the position: blocks in between are skipped',
    within: 50,
  },
  'index before offset': {
    rule: 6,
    rules: { indexRestart: 'group position', watermark: false },
    expect: /^a verdict differs/,
    because: 'the state is newer than the position: records are folded twice',
    within: 100,
  },
  'the sketch log is trimmed to the read position': {
    rule: 6,
    rules: { trimSketch: 'read position' },
    expect: /^deadlock$/,
    because: 'no snapshot reaches the start of the log',
    within: 50,
  },
  'the window looks at the clock of the machine': {
    rule: 7,
    rules: { time: 'of the machine' },
    conditions: { window: true },
    expect: /^a verdict differs/,
    because: 'a fold after a restart sees other times',
    within: 50,
  },
  'the next offset is not stored': {
    rule: 9,
    rules: { storesNext: false },
    expect: /^a record is written twice$/,
    because: 'the committed block holds records that are decided already',
    within: 100,
  },
  'outputs outside of the transaction': {
    rule: 9,
    rules: { curateCommit: 'outputs, then positions' },
    expect: /^a record is written twice$/,
    because: 'a kill in between repeats the outputs',
    within: 100,
  },
  'curate commits its read position': {
    rule: 10,
    rules: { committedPosition: 'read position' },
    expect: lostByItself,
    because: 'blocks that were read and not decided are skipped by the successor',
    within: 50,
  },
  'curate has no fence': {
    rule: 12,
    rules: { fence: 'none' },
    expect: /^a record is written twice$/,
    because: 'the one that was replaced still commits',
    within: 50,
  },
  'curate goes on after an unknown outcome': {
    rule: 12,
    rules: { curateUnknownOutcome: 'go on' },
    rates: { arriveLate: 0.05 },
    expect: /^a record is written twice$/,
    because: 'the first request arrives after the second',
    within: 500,
  },
  'trimming waits for started consumers only': {
    rule: 15,
    rules: { trimFor: 'started consumers' },
    expect: /^deadlock$/,
    because: 'a curate that starts late finds its input gone',
    within: 100,
  },
  'a position below the start jumps to the start': {
    rule: 15,
    rules: { trimFor: 'started consumers', belowStart: 'jump to the start' },
    expect: lostByItself,
    because: 'what was trimmed is skipped in silence',
    within: 100,
  },
  'raw is trimmed below the position of sift': {
    rule: 15,
    rules: { trimRaw: 'sifted' },
    conditions: { lose: 'sketch' },
    expect: /^deadlock$/,
    because: 'the repair has to read raw again',
    within: 100,
  },
  'partial batches wait for company': {
    rule: 18,
    rules: { flush: 'full batches only' },
    expect: /^deadlock$/,
    because: 'the last records never fill a batch',
    within: 50,
  },
  'the end is the high watermark': {
    rule: 18,
    rules: { end: 'high watermark' },
    expect: /^deadlock$/,
    because: 'markers behind the last record are in no block',
    within: 50,
  },
};
