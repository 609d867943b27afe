import type { Log, Message } from '../log/port.ts';

/** No group: whoever reads under this name is given every partition, and commits nothing. */
export const READER = 'reader';

/** What a topic with one partition holds now, oldest first, without leaving a trace in any group. */
export async function* readTopic(log: Log, topic: string): AsyncGenerator<Message> {
  const consumer = await log.consumer(READER, [topic]);
  try {
    for (;;) {
      const { assigned, batches } = await consumer.poll({ maxBytes: 4 << 20, waitMs: 0 });
      if (assigned.length > 0) consumer.seek({ topic, partition: 0, offset: (await consumer.bounds(topic, 0)).start });
      else if (batches.length === 0) return;
      for (const { messages } of batches) yield* messages;
    }
  } finally {
    await consumer.close();
  }
}
