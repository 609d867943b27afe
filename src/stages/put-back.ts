/**
 * Dead letters of a stream, put back on the raw topic: each once, whatever is killed. What was put back stands, by the identity of the letter, on a
 * compacted topic beside raw, partition by partition; message and note are one commit of a lease. So whoever takes the lease of a partition next
 * reads there what is done, also when the outcome of the commit before is unknown.
 */
import { FatalError, TransientError } from '../errors.ts';
import type { Lease, Log, Message, OutMessage } from '../log/port.ts';
import { RETRY_OF } from '../model/record.ts';
import { type Finder, openFinder, readRecords } from '../runtime/read-records.ts';
import { DAMAGE_CODE } from './raw-messages.ts';

export const PUT_BACK_GROUP = 'dlq';
/** Header: how often the record was put back. */
export const RETRIES = 'riffle.retries';

export interface Letter {
  /** Its identity: the position of the message that became it. */
  readonly name: string;
  readonly partition: number;
  readonly offset: bigint;
  /** JSON: where the record came in first. */
  readonly origin: string;
  /** Of its message, where the letter says it: another message at the same place is another record. */
  readonly timestampMs: number | undefined;
  /** The message made from the letter alone, or why it cannot be made. */
  readonly kept: () => Promise<OutMessage | string>;
}

export interface PutBack {
  readonly log: Log;
  readonly raw: string;
  /** The topic of notes; both are declared, with as many partitions. */
  readonly notes: string;
  readonly partitions: number;
}

/** By identity of the letter. */
export interface PutBackReport {
  readonly putBack: string[];
  /** Put back before. */
  readonly already: string[];
  readonly refused: { readonly letter: string; readonly reason: string }[];
}

const CHUNK_LETTERS = 100;
const CHUNK_BYTES = 2 << 20;
const ATTEMPTS = 5;

type Outcome = 'put-back' | 'already' | { readonly reason: string };

/** @throws FatalError `fenced` when another call works on the same partition; what was committed is noted, and the same call goes on from there. */
export async function putBack(place: PutBack, letters: readonly Letter[]): Promise<PutBackReport> {
  const report: PutBackReport = { putBack: [], already: [], refused: [] };
  const byPartition = Map.groupBy(letters, ({ partition }) => partition);
  for (const partition of [...byPartition.keys()].sort((a, b) => a - b)) {
    const inOrder = byPartition.get(partition)!.sort((a, b) => (a.offset < b.offset ? -1 : 1));
    for (const [letter, outcome] of await putBackPartition(place, partition, inOrder)) {
      if (outcome === 'put-back') report.putBack.push(letter);
      else if (outcome === 'already') report.already.push(letter);
      else report.refused.push({ letter, ...outcome });
    }
  }
  return report;
}

/** Identities of the letters that were put back. */
export async function readNotes(
  { log, notes, partitions }: Pick<PutBack, 'log' | 'notes' | 'partitions'>,
  only?: number,
): Promise<Set<string>> {
  const names = new Set<string>();
  for await (const { message } of readRecords(log, notes, partitions, only)) names.add(message.key ?? '');
  return names;
}

async function putBackPartition(
  place: PutBack,
  partition: number,
  letters: readonly Letter[],
): Promise<ReadonlyMap<string, Outcome>> {
  const { log, raw, partitions } = place;
  const finder = openFinder(log, raw, partitions);
  const outcomes = new Map<string, Outcome>();
  /** By this call, perhaps with an outcome that is unknown as yet. */
  const sent = new Set<string>();
  try {
    for (let attempt = 1; ; attempt++) {
      const lease = await log.lease(PUT_BACK_GROUP, partition);
      // Read behind the lease: nobody else adds to them any more.
      const done = await readNotes(place, partition);
      for (const { name } of letters)
        if (done.has(name) && !outcomes.has(name)) outcomes.set(name, sent.has(name) ? 'put-back' : 'already');
      const left = letters.filter(({ name }) => !outcomes.has(name));
      try {
        await commitAll(place, lease, left, { finder, sent, outcomes });
        return outcomes;
      } catch (error) {
        if (!(error instanceof TransientError) || attempt === ATTEMPTS) throw error;
      }
    }
  } finally {
    await finder.close();
  }
}

interface Course {
  readonly finder: Finder;
  readonly sent: Set<string>;
  readonly outcomes: Map<string, Outcome>;
}

async function commitAll(
  place: PutBack,
  lease: Lease,
  letters: readonly Letter[],
  { finder, sent, outcomes }: Course,
): Promise<void> {
  let next = lease.next ?? 0n;
  for (let left = letters; left.length > 0; ) {
    const { ready, refused, rest } = await gather(left, finder);
    await commit(ready);
    for (const { letter, reason } of refused) outcomes.set(letter, { reason });
    left = rest;
  }

  async function commit(chunk: readonly Ready[]): Promise<void> {
    if (chunk.length === 0) return;
    for (const { letter } of chunk) sent.add(letter.name);
    const after = next + BigInt(chunk.length);
    try {
      await lease.commit({ outputs: outputsOf(place, chunk), positions: [], next: after });
    } catch (error) {
      if (!(error instanceof FatalError) || error.code !== 'message-too-large') throw error;
      // Found before anything is sent. Which one it is shows one by one.
      if (chunk.length > 1) for (const one of chunk) await commit([one]);
      else outcomes.set(chunk[0]!.letter.name, { reason: error.message });
      return;
    }
    next = after;
    for (const { letter } of chunk) outcomes.set(letter.name, 'put-back');
  }
}

interface Ready {
  readonly letter: Letter;
  readonly message: OutMessage;
}

interface Gathered {
  readonly ready: readonly Ready[];
  readonly refused: PutBackReport['refused'];
  readonly rest: readonly Letter[];
}

/** As many of the next letters as go into one commit. */
async function gather(letters: readonly Letter[], finder: Finder): Promise<Gathered> {
  const ready: Ready[] = [];
  const refused: PutBackReport['refused'] = [];
  let bytes = 0;
  let taken = 0;
  for (; taken < letters.length && taken < CHUNK_LETTERS && bytes < CHUNK_BYTES; taken++) {
    const letter = letters[taken]!;
    const found = await finder.find(letter.partition, letter.offset);
    const message = found && isSame(letter, found) ? copyOf(found) : await letter.kept();
    if (typeof message === 'string') refused.push({ letter: letter.name, reason: message });
    else if (message.headers?.[DAMAGE_CODE] !== undefined)
      refused.push({
        letter: letter.name,
        reason: `its sender calls it damaged (${message.headers[DAMAGE_CODE]}): it would be the same dead letter again; send the record anew`,
      });
    else {
      ready.push({ letter, message });
      bytes += message.value.byteLength;
    }
  }
  return { ready, refused, rest: letters.slice(taken) };
}

const isSame = ({ timestampMs }: Letter, found: Message): boolean =>
  timestampMs === undefined || timestampMs === found.timestampMs;

/** Its value lives as long as the next look. */
function copyOf({ key, headers, binary, value, tombstone }: Message): OutMessage {
  return {
    value: value.slice(),
    ...(key !== undefined && { key }),
    ...(headers && { headers }),
    ...(binary && { binary }),
    ...(tombstone && { tombstone }),
  };
}

function outputsOf({ raw, notes }: PutBack, chunk: readonly Ready[]): Map<string, OutMessage[]> {
  const messages: OutMessage[] = [];
  const lines: OutMessage[] = [];
  for (const { letter, message } of chunk) {
    const before = Number(message.headers?.[RETRIES]);
    const retries = (Number.isSafeInteger(before) && before > 0 ? before : 0) + 1;
    const headers = { ...message.headers, [RETRY_OF]: letter.origin, [RETRIES]: String(retries) };
    messages.push({ ...message, headers });
    const note = JSON.stringify({ letter: letter.name, of: JSON.parse(letter.origin) as unknown, retries });
    lines.push({ key: letter.name, value: Buffer.from(note) });
  }
  return new Map([
    [raw, messages],
    [notes, lines],
  ]);
}
