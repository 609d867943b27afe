/** Questions about offsets: the two ends of partitions, and what groups committed. */
import type { Client } from './client.ts';
import { type Broker, type Cluster, EARLIEST, LATEST, READ_COMMITTED, READ_UNCOMMITTED } from './internals.ts';
import { persist } from './persist.ts';

export type End = 'start' | 'stable' | 'high';

const NEVER_COMMITTED = -1n;

/** `start`: the first offset kept; `stable`: behind what readers may see; `high`: behind everything. */
export async function listEnd(
  cluster: Cluster,
  topic: string,
  partitions: readonly number[],
  end: End,
): Promise<Map<number, bigint>> {
  const timestamp = end === 'start' ? EARLIEST : LATEST;
  const isolationLevel = end === 'stable' ? READ_COMMITTED : READ_UNCOMMITTED;
  const found = new Map<number, bigint>();
  for (const [broker, list] of await leadersOf(cluster, topic, partitions)) {
    const { responses } = await broker.listOffsets({
      isolationLevel,
      topics: [{ topic, partitions: list.map((partition) => ({ partition, timestamp })) }],
    });
    for (const { partitions: answers } of responses)
      for (const { partition, offset } of answers) found.set(partition, BigInt(offset));
  }
  return found;
}

/** Removes what lies before these offsets. */
export async function deleteBefore(
  cluster: Cluster,
  topic: string,
  offsets: ReadonlyMap<number, bigint>,
): Promise<void> {
  for (const [broker, list] of await leadersOf(cluster, topic, [...offsets.keys()])) {
    const partitions = list.map((partition) => ({ partition, offset: String(offsets.get(partition)) }));
    await broker.deleteRecords({ topics: [{ topic, partitions }] });
  }
}

/** @throws when a partition has no leader: a passing state */
async function leadersOf(
  cluster: Cluster,
  topic: string,
  partitions: readonly number[],
): Promise<Map<Broker, number[]>> {
  await cluster.addMultipleTargetTopics([topic]);
  const metadata = cluster.findTopicPartitionMetadata(topic);
  const byNode = new Map<number, number[]>();
  for (const partition of partitions) {
    const leader = metadata.find(({ partitionId }) => partitionId === partition)?.leader;
    if (leader === undefined || leader < 0) throw new Error(`${topic}-${partition} has no leader`);
    byNode.set(leader, [...(byNode.get(leader) ?? []), partition]);
  }
  const leaders = new Map<Broker, number[]>();
  for (const [nodeId, list] of byNode) leaders.set(await cluster.findBroker({ nodeId }), list);
  return leaders;
}

export interface Committed {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly metadata: string | null;
}

/** What a group committed; of all its topics when none is named. Partitions without a position are left out. */
export async function fetchCommitted(
  client: Pick<Client, 'cluster' | 'options'>,
  groupId: string,
  topics: readonly { topic: string; partitions: readonly number[] }[] = [],
): Promise<Committed[]> {
  return persist(client, `positions of ${groupId}`, async () => {
    const coordinator = await client.cluster.findGroupCoordinator({ groupId });
    const { responses } = await coordinator.offsetFetch({
      groupId,
      topics: topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map((partition) => ({ partition })),
      })),
    });
    return responses.flatMap(({ topic, partitions }) =>
      partitions
        .map(({ partition, offset, metadata }) => ({ topic, partition, offset: BigInt(offset), metadata }))
        .filter(({ offset }) => offset !== NEVER_COMMITTED),
    );
  });
}
