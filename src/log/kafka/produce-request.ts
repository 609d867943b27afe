/**
 * Encodes produce requests (Kafka protocol, versions 3 to 7) and frames requests of all kinds, each in one buffer of the right size. kafkajs's
 * encoders grow to the next power of two and are copied into one another five times: of a document of 4 KB they leave 60 KB behind.
 */
import { type BatchRecord, encodeBatch } from './record-batch.ts';

/** A message as kafkajs hands it over; in milliseconds. */
export interface ProducedMessage extends BatchRecord {
  readonly timestamp?: number | string | null;
}

export interface ProduceRequest {
  readonly acks: number;
  readonly timeout: number;
  readonly transactionalId?: string | null | undefined;
  readonly producerId?: { toString(): string };
  readonly producerEpoch?: number;
  readonly compression?: number;
  readonly topicData: readonly {
    readonly topic: string;
    readonly partitions: readonly {
      readonly partition: number;
      readonly firstSequence?: number;
      readonly messages: readonly ProducedMessage[];
    }[];
  }[];
}

const NO_PRODUCER = -1;

/** What stands behind the header of the request. */
export async function encodeProduce(request: ProduceRequest): Promise<Buffer> {
  const { acks, timeout, transactionalId = null, topicData } = request;
  const parts = [nullableString(transactionalId), int16(acks), int32(timeout), int32(topicData.length)];
  for (const { topic, partitions } of topicData) {
    parts.push(nullableString(topic), int32(partitions.length));
    for (const { partition, firstSequence = 0, messages } of partitions) {
      const batch = await batchOf(request, firstSequence, messages);
      parts.push(int32(partition), int32(batch.byteLength), batch);
    }
  }
  return Buffer.concat(parts);
}

/** Without times of their own, messages are of now. */
function batchOf(
  { transactionalId, producerId = NO_PRODUCER, producerEpoch = 0, compression = 0 }: ProduceRequest,
  firstSequence: number,
  messages: readonly ProducedMessage[],
): Promise<Buffer> {
  const nowMs = Date.now();
  const fields = {
    compression,
    producerId,
    producerEpoch,
    firstSequence,
    transactional: typeof transactionalId === 'string' && transactionalId !== '',
    lastOffsetDelta: messages.length - 1,
  };
  if (!messages.some(({ timestamp }) => hasTime(timestamp)))
    return encodeBatch({ ...fields, firstTimestamp: nowMs, maxTimestamp: nowMs, records: messages });
  const times = messages.map(({ timestamp }) => (hasTime(timestamp) ? Number(timestamp) : nowMs));
  const first = times[0]!;
  return encodeBatch({
    ...fields,
    firstTimestamp: first,
    maxTimestamp: times.reduce((a, b) => Math.max(a, b)),
    records: messages.map((message, i) => ({ ...message, timestampDelta: times[i]! - first })),
  });
}

const hasTime = (timestamp: ProducedMessage['timestamp']): boolean => timestamp !== undefined && timestamp !== null;

export interface Framed {
  readonly correlationId: number;
  readonly clientId: string;
  readonly request: {
    readonly apiKey: number;
    readonly apiVersion: number;
    /** A buffer in kafkajs's wrapping. */
    encode(): Promise<{ readonly buffer: Buffer }>;
  };
}

/** A request as it goes over the wire: its length, header version 1, and what it says. */
export async function frameRequest({ correlationId, clientId, request }: Framed): Promise<{ buffer: Buffer }> {
  const { buffer: body } = await request.encode();
  const client = nullableString(clientId);
  const header = Buffer.allocUnsafe(12);
  header.writeInt32BE(header.byteLength - 4 + client.byteLength + body.byteLength, 0);
  header.writeInt16BE(request.apiKey, 4);
  header.writeInt16BE(request.apiVersion, 6);
  header.writeInt32BE(correlationId, 8);
  return { buffer: Buffer.concat([header, client, body]) };
}

function int16(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function nullableString(text: string | null): Buffer {
  return text === null ? int16(-1) : Buffer.concat([int16(Buffer.byteLength(text)), Buffer.from(text)]);
}
