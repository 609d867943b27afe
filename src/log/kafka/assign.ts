/**
 * Who reads what: a partition *number* goes to one member for all topics together, so that sifted and verdicts of a partition meet in one process
 * (kafkajs's assigners may split them). Shares differ by at most one, and members keep what they have as far as that allows.
 */

export interface Member {
  readonly memberId: string;
  /** What it had in the generation before. */
  readonly owned: readonly number[];
}

/** @param partitions numbers 0 to `partitions` − 1 are handed out */
export function assignPartitions(members: readonly Member[], partitions: number): Map<string, number[]> {
  const sorted = members.toSorted((a, b) => (a.memberId < b.memberId ? -1 : 1));
  const shares = new Map(sorted.map(({ memberId }) => [memberId, [] as number[]]));
  if (sorted.length === 0) return shares;
  const floor = Math.floor(partitions / sorted.length);
  let larger = partitions % sorted.length;
  const taken = new Set<number>();
  // Those with most come first: what is left over stays with them.
  for (const { memberId, owned } of sorted.toSorted((a, b) => b.owned.length - a.owned.length)) {
    const mine = shares.get(memberId)!;
    const valid = [...new Set(owned)].filter(
      (partition) => partition >= 0 && partition < partitions && !taken.has(partition),
    );
    const room = valid.length > floor && larger > 0 ? floor + 1 : floor;
    if (room > floor) larger--;
    for (const partition of valid.slice(0, room)) {
      mine.push(partition);
      taken.add(partition);
    }
  }
  const free = Array.from({ length: partitions }, (_, p) => p).filter((partition) => !taken.has(partition));
  for (const share of sorted.map(({ memberId }) => shares.get(memberId)!))
    while (share.length < floor) share.push(free.shift()!);
  for (const share of sorted.map(({ memberId }) => shares.get(memberId)!)) {
    if (free.length === 0) break;
    if (share.length === floor) share.push(free.shift()!);
  }
  for (const share of shares.values()) share.sort((a, b) => a - b);
  return shares;
}

interface AssignerProtocol {
  readonly MemberMetadata: {
    encode(metadata: { version: number; topics: readonly string[]; userData: Buffer }): Buffer;
    decode(buffer: Buffer): { topics: readonly string[]; userData: Buffer } | null;
  };
  readonly MemberAssignment: {
    encode(assignment: { version: number; assignment: Record<string, number[]>; userData: Buffer }): Buffer;
    decode(buffer: Buffer): { assignment: Record<string, number[]> } | null;
  };
}

/** Members and shares as they travel in the group protocol; what a member owns rides as its user data. */
export function createAssigner(
  { MemberMetadata, MemberAssignment }: AssignerProtocol,
  counts: ReadonlyMap<string, number>,
) {
  const topics = [...counts.keys()];
  const partitions = Math.max(...counts.values());
  return {
    name: 'riffle',
    metadata: (owned: readonly number[]): Buffer =>
      MemberMetadata.encode({ version: 0, topics, userData: Buffer.from(JSON.stringify(owned)) }),
    assign(members: readonly { memberId: string; memberMetadata: Buffer }[]) {
      const known = members.map(({ memberId, memberMetadata }) => ({ memberId, owned: ownedBy(memberMetadata) }));
      return [...assignPartitions(known, partitions)].map(([memberId, share]) => ({
        memberId,
        memberAssignment: MemberAssignment.encode({
          version: 0,
          assignment: Object.fromEntries([...counts].map(([topic, count]) => [topic, share.filter((p) => p < count)])),
          userData: Buffer.alloc(0),
        }),
      }));
    },
    assigned(bytes: Buffer): number[] {
      const decoded = bytes.byteLength === 0 ? null : MemberAssignment.decode(bytes);
      return [...new Set(Object.values(decoded?.assignment ?? {}).flat())].sort((a, b) => a - b);
    },
  };

  function ownedBy(memberMetadata: Buffer): number[] {
    const text = MemberMetadata.decode(memberMetadata)?.userData?.toString() ?? '';
    try {
      const owned: unknown = JSON.parse(text);
      return Array.isArray(owned) ? owned.filter((p): p is number => Number.isInteger(p)) : [];
    } catch {
      return [];
    }
  }
}
