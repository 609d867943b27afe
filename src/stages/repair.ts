/**
 * Repair of what a log acknowledged and lost (docs/protocol.md, "Repair"): who misses something asks the stage before it to start again, through a
 * topic, since the stages may be processes of their own. A request is repeated for as long as the alarm holds, so nobody has to find an old one.
 */
import type { Faults, StageContext } from '../runtime/context.ts';
import { READER } from '../runtime/read-topic.ts';

export interface RepairRequest {
  /** Who is to start again. */
  readonly stage: 'sift' | 'index';
  readonly partition: number;
  /** The first source offset that is missing. */
  readonly from: bigint;
  /** For people. */
  readonly why: string;
}

/** How soon an alarm is looked at again and a request repeated; and the longest wait of a loop, which sees only then what failed beside it. */
const EVERY_MS = 2000;
export const repairEveryMs = ({ repairMs }: Faults): number => repairMs ?? EVERY_MS;
/** A request that comes so many turns after its answer is no late one. */
const QUIET_TURNS = 2;
export const repairQuietMs = (faults: Faults): number => QUIET_TURNS * repairEveryMs(faults);

export function encodeRequest({ stage, partition, from, why }: RepairRequest): Uint8Array {
  return Buffer.from(JSON.stringify({ stage, partition, from: String(from), why }));
}

/** Undefined for what is no request: the topic is not the place to fail for what somebody else wrote there. */
export function decodeRequest(value: Uint8Array): RepairRequest | undefined {
  try {
    const request = JSON.parse(Buffer.from(value).toString()) as Omit<RepairRequest, 'from'> & { from: string };
    return { ...request, from: BigInt(request.from) };
  } catch {
    return undefined;
  }
}

/** Asks; the caller comes back every `repairEveryMs`. */
export async function askFor(context: StageContext, requests: readonly RepairRequest[]): Promise<void> {
  const { log, topics, faults } = context;
  if (requests.length === 0 || faults.omit.has('repair')) return;
  const messages = requests.map((request) => ({ value: encodeRequest(request) }));
  await log.producer().append(topics.repairs, 0, messages);
}

/**
 * Hands on what a stage is asked for, from now on and until the signal is aborted. To be run beside the loop that reads the stage's log: a topic of
 * requests without a leader must not stop it. `heed` is called at least every `repairEveryMs`, with nothing if nothing was asked.
 */
export async function heedRequests(
  context: StageContext,
  stage: RepairRequest['stage'],
  heed: (requests: readonly RepairRequest[]) => Promise<void> | void,
): Promise<void> {
  const { log, topics, faults, signal } = context;
  const consumer = await log.consumer(READER, [topics.repairs]);
  while (!signal.aborted) {
    const { assigned, batches } = await consumer.poll({ maxBytes: 1 << 20, waitMs: repairEveryMs(faults), signal });
    if (assigned.length > 0) {
      const { end } = await consumer.bounds(topics.repairs, 0);
      consumer.seek({ topic: topics.repairs, partition: 0, offset: end });
    }
    const requests = batches.flatMap(({ messages }) => messages.map(({ value }) => decodeRequest(value)));
    await heed(requests.filter((request) => request?.stage === stage) as RepairRequest[]);
  }
  await consumer.close();
}
