/**
 * One member of a consumer group: joins, tells its heart beats, joins again when the group changes, leaves. Heartbeats come from a timer and stop at
 * the first sign of a rebalance; they prove that the process lives, and `consume.ts` makes it leave when its reader does not.
 */
import { FatalError } from '../../errors.ts';
import { createAssigner } from './assign.ts';
import type { Client } from './client.ts';
import { describe, isLostMember, isPermanent, isRebalance } from './failures.ts';
import { type Broker, type Cluster, type OffsetTopic, requireKafka } from './internals.ts';
import { refused } from './persist.ts';

export interface Membership {
  /** Resolves when the group was joined; rejects when it never can be. */
  joined(): Promise<void>;
  /** Writes positions as a member. False when the group moved on meanwhile: ask again after `joined`, for what is still assigned. */
  commit(topics: readonly OffsetTopic[]): Promise<boolean>;
  /** Has the group shared out anew, as after a loss that the broker does not know of. */
  rejoin(): void;
  leave(): Promise<void>;
}

export interface MembershipEvents {
  /** `continuous`: nobody else can have had the partitions in between that this member had before. */
  assigned(partitions: readonly number[], continuous: boolean): void;
  failed(error: Error): void;
}

const LONGEST_PAUSE_MS = 2000;

export function joinGroup(
  { options }: Client,
  cluster: Cluster,
  groupId: string,
  counts: ReadonlyMap<string, number>,
  events: MembershipEvents,
): Membership {
  const { AssignerProtocol } = requireKafka('kafkajs') as { AssignerProtocol: Parameters<typeof createAssigner>[0] };
  const assigner = createAssigner(AssignerProtocol, counts);
  let memberId = '';
  let generationId = -1;
  let owned: readonly number[] = [];
  let coordinator: Broker | undefined;
  let closed = false;
  let joining = true;
  let ready = Promise.withResolvers<void>();
  ready.promise.catch(() => undefined);
  let again = Promise.withResolvers<void>();
  const running = run();

  async function run(): Promise<void> {
    for (let pauseMs = 50; !closed; ) {
      try {
        await join();
        pauseMs = 50;
        await staying();
      } catch (error) {
        if (closed) return;
        if (isLostMember(error)) forget();
        else if (isPermanent(error)) return fail(error);
        else if (!isRebalance(error)) {
          options.warn(`group ${groupId}; ${describe(error)}; joining again`);
          await Promise.race([pause(pauseMs), again.promise]);
          pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
          await cluster.refreshMetadata().catch(() => undefined);
        }
      }
    }
  }

  async function join(): Promise<void> {
    again = Promise.withResolvers();
    coordinator = await cluster.findGroupCoordinator({ groupId });
    const answer = await coordinator.joinGroup({
      groupId,
      sessionTimeout: options.sessionTimeoutMs,
      rebalanceTimeout: options.rebalanceTimeoutMs,
      memberId,
      groupProtocols: [{ name: assigner.name, metadata: assigner.metadata(owned) }],
    });
    const continuous = answer.memberId === memberId && answer.generationId === generationId + 1;
    memberId = answer.memberId;
    const { memberAssignment } = await coordinator.syncGroup({
      groupId,
      generationId: answer.generationId,
      memberId,
      groupAssignment: answer.leaderId === memberId ? assigner.assign(answer.members) : [],
    });
    generationId = answer.generationId;
    owned = assigner.assigned(memberAssignment);
    if (closed) return;
    joining = false;
    events.assigned(owned, continuous);
    ready.resolve();
  }

  /** Until the group changes. */
  async function staying(): Promise<void> {
    let beating = false;
    const timer = setInterval(() => {
      if (beating) return;
      beating = true;
      void beat().finally(() => (beating = false));
    }, options.heartbeatMs);
    try {
      await again.promise;
    } finally {
      clearInterval(timer);
    }
  }

  async function beat(): Promise<void> {
    try {
      coordinator ??= await cluster.findGroupCoordinator({ groupId });
      await coordinator.heartbeat({ groupId, groupGenerationId: generationId, memberId });
    } catch (error) {
      if (isLostMember(error)) {
        forget();
        rejoin();
      } else if (isRebalance(error)) rejoin();
      else {
        // It may have moved to another broker.
        coordinator = undefined;
        options.warn(`group ${groupId}; heartbeat: ${describe(error)}`);
      }
    }
  }

  /** The broker does not know this member any more: what it had may be with others. */
  function forget(): void {
    memberId = '';
    generationId = -1;
    owned = [];
  }

  function rejoin(): void {
    // Behind the end nobody would join, and who waits for it would wait for ever.
    if (joining || closed) return;
    joining = true;
    ready = Promise.withResolvers();
    ready.promise.catch(() => undefined);
    again.resolve();
  }

  function fail(cause: unknown): void {
    const error = cause instanceof FatalError ? cause : refused(`group ${groupId}`, cause);
    ready.reject(error);
    events.failed(error);
  }

  return {
    joined: () => ready.promise,
    rejoin,
    async commit(topics) {
      const member = { groupId, groupGenerationId: generationId, memberId };
      try {
        coordinator ??= await cluster.findGroupCoordinator({ groupId });
        await coordinator.offsetCommit({ ...member, topics });
        return true;
      } catch (error) {
        coordinator = undefined;
        if (!isLostMember(error) && !isRebalance(error)) throw error;
        if (member.groupGenerationId === generationId) {
          if (isLostMember(error)) forget();
          rejoin();
        }
        return false;
      }
    },
    async leave() {
      if (closed) return;
      closed = true;
      again.resolve();
      ready.reject(
        new FatalError('log-closed', `group ${groupId}; the consumer was closed; this is a mistake in the program`),
      );
      const leaving = memberId;
      if (leaving !== '' && coordinator)
        await coordinator.leaveGroup({ groupId, memberId: leaving }).catch(() => undefined);
      await Promise.race([running, pause(1000)]);
    },
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
