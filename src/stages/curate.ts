/**
 * Curate: joins documents with verdicts, decides, and commits outputs, positions and N together: the only stage with a transaction. Deciding
 * happens in worker threads and is finished before a commit begins.
 */
import { FatalError, TransientError } from '../errors.ts';
import type { Batch, Commit, Consumer, Lease } from '../log/port.ts';
import type { Policy } from '../pruning/policy.ts';
import type { StageContext } from '../runtime/context.ts';
import type { Encoder } from '../scoring/encoder/encoder.ts';
import { orAborted } from '../runtime/or-aborted.ts';
import { groups } from '../runtime/topics.ts';
import { createJoin, type Join, type Stretch } from './curate-join.ts';
import { createCurateAlarm } from './curate-alarm.ts';
import { createDecider } from './curate-decide.ts';
import type { CurateResult } from './curate-records.ts';
import type { Observation } from './observation.ts';
import type { Policies } from './policies.ts';
import { createPace, type Pace } from './curate-pace.ts';
import { keepLooking } from './looks.ts';
import { repairEveryMs } from './repair.ts';

export interface CurateHooks {
  /** By this policy from now on. */
  decidesBy?(policy: Policy): void;
  /** The loop has come round. */
  turned?(): void;
  /** Cannot go on before something outside answers. */
  waiting?(why: string): void;
  /** Encoders have scored something. */
  moved?(): void;
  committed(observation: Observation, result: CurateResult, seconds: number): void;
}

interface Assigned {
  readonly partition: number;
  readonly join: Join;
  lease: Lease;
  /** As last committed. */
  last: Pick<Commit, 'positions' | 'next'>;
  /** Commits of one partition are serial, in source order. */
  chain: Promise<void>;
  inFlight: number;
  readonly pace: Pace;
  /** It is another process's now: nothing of it may be decided here any more. */
  dropped: boolean;
}

const POLL_BYTES = 8 << 20;
/** Verdict blocks decided in one go, and goes of one partition on their way at once. */
const STRETCH_BLOCKS = 4;
const STRETCHES = 3;
/** Of all partitions together: beyond it they wait for one another. */
const UNDER_WAY_BYTES = 64 << 20;
const COMMIT_ATTEMPTS = 5;

/** @param encoders those of the process, in the order of `shareEncoders` */
export async function runCurate(
  context: StageContext,
  policies: Policies,
  hooks: CurateHooks,
  encoders: readonly Encoder[] = [],
): Promise<void> {
  const { log, topics, signal } = context;
  const consumer = await log.consumer(groups.curate, [topics.sifted, topics.verdicts]);
  const assigned = new Map<number, Assigned>();
  let failed: Error | undefined;
  let current = await policies.first();
  hooks.decidesBy?.(current);
  // A stretch is decided by the one that is current when it is handed out: never one commit by two.
  const following = policies
    .follow?.((next) => {
      current = next;
      hooks.decidesBy?.(next);
    })
    .catch((error: Error) => void (failed ??= error));
  const decider = createDecider({ pool: context.pool, encoders, signal, hooks });
  const lookForLoss = createCurateAlarm(context, consumer);
  const looks = keepLooking(context, () => lookForLoss([...assigned.values()], goOn));
  /** Stretches handed to workers and not yet committed, of all partitions together; and partitions that wait for their turn. */
  let underWayBytes = 0;
  const waiting = new Set<Assigned>();

  const poll = { maxBytes: POLL_BYTES, waitMs: repairEveryMs(context.faults), signal };
  while (!signal.aborted) {
    hooks.turned?.();
    const polled = await consumer.poll(poll);
    // Together, so that the leases of thousands of small files share their transactions.
    for (const one of await Promise.all(polled.assigned.map((partition) => assign(context, consumer, partition))))
      if (one) assigned.set(one.partition, one);
    for (const partition of polled.revoked) release(assigned.get(partition));
    for (const batch of polled.batches) takeBatch(batch);
    if (polled.batches.length > 0) looks.stir();
    looks.check();
    if (failed) throw failed;
  }
  await looks.stop();
  await Promise.all([...assigned.values()].map(({ chain }) => chain));
  await following;
  if (failed) throw failed;
  await consumer.close();

  function takeBatch({ topic, partition, messages }: Batch): void {
    const target = assigned.get(partition);
    if (target === undefined) return;
    for (const { offset, value } of messages) {
      // The value belongs to the consumer until its next poll; the join keeps it longer.
      const bytes = value.slice();
      if (topic === topics.sifted) target.join.addSifted(offset, bytes);
      else target.join.addVerdicts(offset, bytes);
    }
    goOn(target);
  }

  function goOn(target: Assigned): void {
    advance(target);
    target.pace.look(target.join, assigned.size);
  }

  function release(target: Assigned | undefined): void {
    if (target === undefined) return;
    target.dropped = true;
    if (assigned.get(target.partition) === target) assigned.delete(target.partition);
  }

  function advance(target: Assigned): void {
    while (target.inFlight < STRETCHES && !signal.aborted && !target.dropped) {
      if (underWayBytes >= UNDER_WAY_BYTES) return void waiting.add(target);
      const stretch = target.join.plan(STRETCH_BLOCKS);
      if (stretch === undefined) return;
      target.inFlight++;
      const bytes = bytesOf(stretch);
      underWayBytes += bytes;
      const decided = decider.decide(target.partition, stretch, current);
      decided.catch(() => undefined);
      target.chain = target.chain
        .then(async () => {
          // What is not decided when the run is stopped will be decided by the next one.
          const result = await orAborted(decided, signal);
          // Behind a stretch that was not committed nothing may be: N would pass over it.
          if (failed || result === undefined || target.dropped) return;
          await commit(context, target, stretch, result, hooks);
          decider.recycle(result);
        })
        .catch((error: Error) => {
          // The group gave it to another process, which reads from the positions what this one committed.
          if (isLost(context, error)) release(target);
          else failed ??= error;
        })
        .finally(() => {
          target.inFlight--;
          underWayBytes -= bytes;
          if (failed) return;
          if (!target.dropped) goOn(target);
          for (const other of waiting) {
            if (underWayBytes >= UNDER_WAY_BYTES) break;
            waiting.delete(other);
            goOn(other);
          }
        });
    }
  }
}

const bytesOf = ({ sifted, verdicts }: Stretch): number =>
  [...sifted, ...verdicts].reduce((sum, { byteLength }) => sum + byteLength, 0);

/** Protocol rule 12: fence, then committed positions and N, then seek; in that order, on every assignment. */
async function assign(context: StageContext, consumer: Consumer, partition: number): Promise<Assigned | undefined> {
  const { log, topics, faults } = context;
  const lease = await log.lease(groups.curate, partition).catch((error: Error) => {
    if (isLost(context, error)) return undefined;
    throw error;
  });
  if (lease === undefined) return undefined;
  const positionOf = (topic: string) => lease.positions.find((p) => p.topic === topic)?.offset ?? 0n;
  const start = {
    partition,
    next: faults.omit.has('store-next') ? undefined : (lease.next ?? 0n),
    sifted: positionOf(topics.sifted),
    verdicts: positionOf(topics.verdicts),
  };
  consumer.seek({ topic: topics.sifted, partition, offset: start.sifted });
  consumer.seek({ topic: topics.verdicts, partition, offset: start.verdicts });
  const last = { positions: lease.positions, next: lease.next ?? 0n };
  const pace = createPace(consumer, topics, partition);
  return {
    partition,
    lease,
    last,
    join: createJoin(start),
    chain: Promise.resolve(),
    inFlight: 0,
    pace,
    dropped: false,
  };
}

/** A lease that a later one took: where the log shares partitions out, that is how they change hands. */
const isLost = ({ log }: StageContext, error: Error): boolean =>
  log.sharesPartitions === true && error instanceof FatalError && error.code === 'fenced';

async function commit(
  context: StageContext,
  target: Assigned,
  stretch: Stretch,
  result: CurateResult,
  hooks: CurateHooks,
): Promise<void> {
  const { topics, faults } = context;
  const { partition } = target;
  const observation: Observation = {
    partition,
    from: String(stretch.next),
    next: String(stretch.limit),
    ...result.totals,
  };
  const lines = new Map(Object.entries(result.outputs).map(([topic, written]) => [topics.output(topic), written]));
  const outputs = new Map([[topics.observations, [{ value: Buffer.from(JSON.stringify(observation)) }]]]);
  const read = faults.omit.has('commit-first-undecided')
    ? target.join.readPositions()
    : target.join.positions(stretch.limit);
  const positions = [
    { topic: topics.sifted, partition, offset: read.sifted },
    { topic: topics.verdicts, partition, offset: read.verdicts },
  ];
  faults.at('curate.joined');
  const started = performance.now();
  const whole = { outputs, lines, positions, next: stretch.limit };
  await commitInside(context, target, goesOn(faults) ? { ...whole, from: stretch.next } : whole);
  faults.at('curate.committed');
  hooks.committed(observation, result, (performance.now() - started) / 1000);
}

/** Where a negative control has N stand elsewhere than it should, this rule would hide what that one is for. */
const goesOn = ({ omit }: StageContext['faults']): boolean =>
  (['go-on-from', 'store-next', 'fence', 'reinitialise', 'offsets-inside'] as const).every((rule) => !omit.has(rule));

/**
 * The transaction. When its outcome is unknown, the same lease is taken anew and what is committed then tells whether it took effect
 * (protocol rule 12); when N is neither what it was nor what it was to be, another process has decided here meanwhile, and the log refuses
 * what goes on from an N that is gone. The branches on `omit` are negative controls.
 */
async function commitInside(context: StageContext, target: Assigned, whole: Commit): Promise<void> {
  const { faults, log } = context;
  if (!faults.omit.has('offsets-inside')) faults.at('curate.commit');
  for (let attempt = 1; ; attempt++) {
    try {
      if (faults.omit.has('offsets-inside')) await commitOutside(context, target, whole);
      else await target.lease.commit(whole);
      target.last = { positions: whole.positions, next: whole.next };
      return;
    } catch (error) {
      const unknown = error instanceof TransientError && attempt < COMMIT_ATTEMPTS;
      const zombie = error instanceof FatalError && error.code === 'fenced' && faults.omit.has('fence');
      if (!unknown && !zombie) throw error;
      if (unknown && faults.omit.has('reinitialise')) continue;
      // Somebody else's by now: to take the lease anew would fence them.
      if (target.dropped) throw error;
      target.lease = await log.lease(groups.curate, target.partition);
      const took = goesOn(faults) ? target.lease.next === whole.next : (target.lease.next ?? -1n) >= whole.next;
      if (unknown && took) return;
    }
  }
}

async function commitOutside({ faults }: StageContext, { lease, last }: Assigned, whole: Commit): Promise<void> {
  const { outputs, lines, positions, next } = whole;
  await lease.commit({ ...last, outputs, ...(lines && { lines }) });
  faults.at('curate.commit');
  await lease.commit({ outputs: new Map(), positions, next });
}
