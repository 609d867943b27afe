/** Plain kafkajs beside the adapter: to write what other programs write, and to look at the broker from outside. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Admin, ITopicConfig, Kafka as Kafkajs, Producer } from 'kafkajs';
import type { TestContext } from 'node:test';
import { requireKafka } from '../../src/log/kafka/internals.ts';
import { installPatches } from '../../src/log/kafka/patches.ts';
import type { KafkaLog } from '../../src/log/kafka/log.ts';
import type { Message } from '../../src/log/port.ts';

export async function rawKafka(brokers: readonly string[]): Promise<Kafkajs> {
  await installPatches();
  const kafkajs = requireKafka('kafkajs') as typeof import('kafkajs');
  return new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING });
}

export async function rawProducer(
  t: TestContext,
  brokers: readonly string[],
  transactionalId?: string,
): Promise<Producer> {
  const producer = (await rawKafka(brokers)).producer(
    transactionalId === undefined ? {} : { transactionalId, maxInFlightRequests: 1, transactionTimeout: 30_000 },
  );
  await producer.connect();
  t.after(() => producer.disconnect().catch(() => undefined));
  return producer;
}

export async function rawAdmin(t: TestContext, brokers: readonly string[]): Promise<Admin> {
  const admin = (await rawKafka(brokers)).admin();
  await admin.connect();
  t.after(() => admin.disconnect().catch(() => undefined));
  return admin;
}

/** Creates topics and waits until their leaders are known. (The client's own waiting fails on topics that it does not find yet.) */
export async function createTopics(admin: Admin, topics: ITopicConfig[]): Promise<void> {
  await admin.createTopics({ waitForLeaders: false, topics });
  for (const { topic, numPartitions = 1 } of topics)
    for (let led = false; !led; )
      led = await admin.fetchTopicOffsets(topic).then(
        (offsets) => offsets.length === numPartitions,
        () => false,
      );
}

export async function createTopic(
  admin: Admin,
  topic: string,
  numPartitions: number,
  settings: Readonly<Record<string, string>> = {},
): Promise<void> {
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
  await createTopics(admin, [{ topic, numPartitions, configEntries }]);
}

/** A transaction that was answered is closed in its partitions a moment later; one that a test leaves open stays open. */
const CLOSING_MS = 1000;

/** What readers may see of one partition, up to its end as of now, copied. */
export async function readCommitted(log: KafkaLog, topic: string, partition = 0): Promise<Message[]> {
  const consumer = await log.consumer('reader', [topic]);
  const found: Message[] = [];
  const closing = () =>
    log
      .lag()
      .some(
        (own) =>
          own.group === 'reader' &&
          own.topic === topic &&
          own.openTransactionMs > 0 &&
          own.openTransactionMs < CLOSING_MS,
      );
  try {
    for (;;) {
      const { assigned, batches } = await consumer.poll({ maxBytes: 4 << 20, waitMs: 0 });
      if (assigned.length > 0) continue;
      if (batches.length === 0 && closing()) await sleep(20);
      else if (batches.length === 0) return found;
      for (const batch of batches)
        if (batch.partition === partition) found.push(...batch.messages.map((m) => ({ ...m, value: m.value.slice() })));
    }
  } finally {
    await consumer.close();
  }
}
