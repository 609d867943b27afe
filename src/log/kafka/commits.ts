import type { Position } from '../port.ts';
import type { Client } from './client.ts';
import type { Membership } from './membership.ts';
import { fetchCommitted } from './offsets.ts';
import { persist } from './persist.ts';

export interface Committer {
  /** Commits follow one another, those that wait go together; a position never moves back. */
  commit(positions: readonly Position[]): Promise<void>;
  /** Somebody else may move its positions now. */
  forget(partition: number): void;
  /** Resolves with the commits that were asked for. */
  settled(): Promise<void>;
}

export interface CommitterParts {
  readonly client: Client;
  readonly groupId: string;
  readonly membership: () => Membership;
  /** Whether this member may still speak for it. */
  readonly owns: (position: Position) => boolean;
}

/** Positions of a member, outside transactions. */
export function createCommitter({ client, groupId, membership, owns }: CommitterParts): Committer {
  /** As last committed, by place. */
  const last = new Map<string, bigint>();
  let committing: Promise<void> = Promise.resolve();
  /** What the next request will say, by place; undefined once it is on its way. */
  let waiting: { readonly positions: Map<string, Position>; readonly done: Promise<void> } | undefined;

  async function commitOnce(positions: readonly Position[]): Promise<void> {
    for (;;) {
      await membership().joined();
      const mine = positions.filter(owns);
      await learn(mine.filter((position) => !last.has(placeOf(position))));
      const newer = mine.filter((position) => position.offset > (last.get(placeOf(position)) ?? -1n));
      if (newer.length === 0) return;
      const subject = `positions of ${groupId}`;
      const done = await persist(client, subject, () => membership().commit(newer.map(toKafka)));
      // The group moved on: what is still this member's is written under its new generation.
      if (!done) continue;
      for (const position of newer) last.set(placeOf(position), position.offset);
      return;
    }
  }

  /** Behind the request that is on its way. */
  function line(): NonNullable<typeof waiting> {
    const positions = new Map<string, Position>();
    const done = committing.then(() => {
      waiting = undefined;
      return commitOnce([...positions.values()]);
    });
    committing = done.catch(() => undefined);
    return { positions, done };
  }

  async function learn(unknown: readonly Position[]): Promise<void> {
    if (unknown.length === 0) return;
    const asked = unknown.map(({ topic, partition }) => ({ topic, partitions: [partition] }));
    const found = await fetchCommitted(client, groupId, asked);
    const committed = new Map(found.map((position) => [placeOf(position), position.offset]));
    for (const position of unknown) last.set(placeOf(position), committed.get(placeOf(position)) ?? -1n);
  }

  return {
    commit(positions) {
      const { positions: together, done } = (waiting ??= line());
      for (const position of positions) {
        const before = together.get(placeOf(position));
        if (before === undefined || position.offset > before.offset) together.set(placeOf(position), position);
      }
      return done;
    },
    forget(partition) {
      for (const place of last.keys()) if (place.endsWith(`/${partition}`)) last.delete(place);
    },
    settled: () => committing,
  };
}

function placeOf({ topic, partition }: Pick<Position, 'topic' | 'partition'>): string {
  return `${topic}/${partition}`;
}

function toKafka({ topic, partition, offset }: Position) {
  return { topic, partitions: [{ partition, offset: String(offset), metadata: null }] };
}
