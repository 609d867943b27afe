/**
 * Cuts what is to be sent so that no record batch exceeds `max.message.bytes` of its topic. kafkajs sends one batch for each partition and call and never
 * splits; learning it from the broker's refusal instead would leave a half-sent request behind.
 */
import { FatalError } from '../../errors.ts';
import type { OutMessage } from '../port.ts';
import { compress } from './codecs.ts';

/** Header of a record batch. */
const BATCH_BYTES = 61;
/** Lengths, deltas and attributes of a record, at most. */
const RECORD_BYTES = 32;
/** What does not compress grows by less than a thousandth, and by a frame. */
const EXPANSION = 1.002;
const FRAME_BYTES = 1024;

/** Bytes of a record, counted from above. */
export function recordBytes({ key, value, headers }: OutMessage): number {
  let bytes = RECORD_BYTES + value.byteLength + (key === undefined ? 0 : Buffer.byteLength(key));
  for (const [name, text] of Object.entries(headers ?? {}))
    bytes += 10 + Buffer.byteLength(name) + Buffer.byteLength(text);
  return bytes;
}

/** Uncompressed bytes that fit into one batch however badly they compress. */
export function roomIn(maxMessageBytes: number): number {
  return Math.floor((maxMessageBytes - BATCH_BYTES - FRAME_BYTES) / EXPANSION);
}

export interface Limits {
  readonly maxMessageBytes: number;
  readonly codec: number;
}

/**
 * Messages in order, in runs of one batch each.
 * @throws FatalError `message-too-large` when a single one does not fit even compressed
 */
export async function splitByBytes(
  place: string,
  messages: readonly OutMessage[],
  { maxMessageBytes, codec }: Limits,
): Promise<OutMessage[][]> {
  const room = roomIn(maxMessageBytes);
  const runs: OutMessage[][] = [];
  let run: OutMessage[] = [];
  let bytes = 0;
  for (const message of messages) {
    const size = recordBytes(message);
    if (size > room) await requireFits(place, message, maxMessageBytes, codec);
    if (run.length > 0 && bytes + size > room) {
      runs.push(run);
      run = [];
      bytes = 0;
    }
    run.push(message);
    bytes += size;
  }
  if (run.length > 0) runs.push(run);
  return runs;
}

async function requireFits(place: string, message: OutMessage, maxMessageBytes: number, codec: number): Promise<void> {
  const { value } = message;
  const packed = await compress(codec, Buffer.from(value.buffer, value.byteOffset, value.byteLength));
  const rest = recordBytes(message) - value.byteLength;
  if (packed.byteLength + rest + BATCH_BYTES + FRAME_BYTES <= maxMessageBytes) return;
  throw new FatalError(
    'message-too-large',
    `${place}; a message of ${value.byteLength} bytes, ${packed.byteLength} compressed; raise max.message.bytes of the topic, now ${maxMessageBytes}`,
  );
}
