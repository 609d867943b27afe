/** Lets go of blocks that every group of a topic has passed. Raw and output topics belong to others: their retention is theirs. */
import type { Client } from './client.ts';
import { deleteBefore, fetchCommitted, listEnd } from './offsets.ts';
import type { Topic } from './topics.ts';

/** @returns messages let go of; offsets, so markers count */
export async function trimTopics(
  client: Client,
  topics: readonly Topic[],
  groupId: (group: string) => string,
): Promise<number> {
  let removed = 0;
  for (const { name, kind, groups, partitions, external } of topics) {
    if (kind !== 'blocks' || external || groups.length === 0) continue;
    const numbers = Array.from({ length: partitions }, (_, p) => p);
    const passed = await passedBy(client, name, numbers, groups.map(groupId));
    if (passed.size === 0) continue;
    const starts = await listEnd(client.cluster, name, numbers, 'start');
    const behind = [...passed].filter(([partition, offset]) => offset > (starts.get(partition) ?? offset));
    if (behind.length === 0) continue;
    await deleteBefore(client.cluster, name, new Map(behind));
    for (const [partition, offset] of behind) removed += Number(offset - starts.get(partition)!);
  }
  return removed;
}

/** The lowest committed position of each partition, where every group has one. */
async function passedBy(
  client: Client,
  topic: string,
  partitions: readonly number[],
  groupIds: readonly string[],
): Promise<Map<number, bigint>> {
  const lowest = new Map<number, bigint>();
  const counts = new Map<number, number>();
  for (const groupId of groupIds) {
    for (const { partition, offset } of await fetchCommitted(client, groupId, [{ topic, partitions }])) {
      counts.set(partition, (counts.get(partition) ?? 0) + 1);
      const before = lowest.get(partition);
      if (before === undefined || offset < before) lowest.set(partition, offset);
    }
  }
  return new Map([...lowest].filter(([partition]) => counts.get(partition) === groupIds.length));
}
