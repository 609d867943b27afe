/**
 * Negative controls of the client: kafkajs as it is, on the same brokers, goes wrong in just the ways that the adapter guards against. Should one of
 * these come out right with a later kafkajs, its guard can go. The guards themselves: trap 6 in test/kafka/traps-reading.test.ts,
 * test/kafka/trap-13.test.ts. Nothing here opens a log of Riffle's: that would correct the client in this process.
 */
import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs, { type Admin, type Kafka as Client } from 'kafkajs';
import type { Kafka } from '../../scripts/kafka/broker.ts';
import { uniqueApp, withBroker } from '../kafka/brokers.ts';

withBroker({ nodes: 3 }, (broker) => {
  async function setUp(t: TestContext): Promise<{ kafka: Kafka; client: Client; admin: Admin; topic: string }> {
    const kafka = await broker();
    const client = new kafkajs.Kafka({ brokers: [...kafka.brokers], logLevel: kafkajs.logLevel.NOTHING });
    const admin = client.admin();
    await admin.connect();
    t.after(() => admin.disconnect());
    return { kafka, client, admin, topic: `${uniqueApp()}.in` };
  }

  /** All that a `read_committed` reader of kafkajs sees, from the beginning. */
  async function read(client: Client, admin: Admin, topic: string): Promise<string[]> {
    const consumer = client.consumer({ groupId: topic });
    const values: string[] = [];
    let reached = -1n;
    const end = (await admin.fetchTopicOffsets(topic)).reduce((sum, { high }) => sum + BigInt(high), 0n);
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      eachMessage: async ({ message }) => {
        values.push(message.value!.toString());
        reached = BigInt(message.offset);
      },
    });
    // The last message is one that everybody may see; a marker lies behind it.
    await until(async () => reached >= end - 2n);
    await consumer.disconnect();
    return values;
  }

  async function createTopic(admin: Admin, topic: string, replicas: readonly number[][]): Promise<void> {
    await admin.createTopics({
      topics: [
        {
          topic,
          replicaAssignment: replicas.map((nodes, partition) => ({ partition, replicas: [...nodes] })),
          configEntries: [{ name: 'min.insync.replicas', value: '1' }],
        },
      ],
      waitForLeaders: false,
    });
    for (;;) {
      const found = await admin.fetchTopicMetadata({ topics: [topic] }).catch(() => undefined);
      if (found?.topics[0]?.partitions.every(({ leader }, p) => leader === replicas[p]![0])) return;
      await sleep(100);
    }
  }

  suite('negative controls of the client', () => {
    test("kafkajs's own abort filter delivers an aborted transaction that began before another one, and ended behind it", async (t) => {
      const { client, admin, topic } = await setUp(t);
      await createTopic(admin, topic, [[1]]);
      const begin = async (name: string) => {
        const producer = client.producer({ transactionalId: `${topic}-${name}`, maxInFlightRequests: 1 });
        await producer.connect();
        t.after(() => producer.disconnect());
        return producer.transaction();
      };
      const send = { topic, messages: [{ value: 'aborted', partition: 0 }] };
      const first = await begin('first');
      await first.send(send);
      const second = await begin('second');
      await second.send(send);
      await second.abort();
      await first.send(send);
      await first.abort();
      const third = await begin('third');
      await third.send({ topic, messages: [{ value: 'committed', partition: 0 }] });
      await third.commit();
      const values = await read(client, admin, topic);
      assert.ok(values.includes('aborted') && values.includes('committed'), values.join());
    });

    test("kafkajs's own retries lose what a broker that dies had not answered, and report success", async (t) => {
      const { kafka, client, admin, topic } = await setUp(t);
      // When node 2 dies, node 1 leads both partitions.
      await createTopic(admin, topic, [
        [1, 3],
        [2, 1],
      ]);
      const producer = client.producer({
        idempotent: true,
        maxInFlightRequests: 1,
        retry: { initialRetryTime: 300, retries: 20 },
      });
      await producer.connect();
      t.after(() => producer.disconnect());
      const send = (value: string) =>
        producer.send({ topic, acks: -1, messages: [0, 1].map((partition) => ({ value, partition })) });
      await send('before');

      const dying = kafka.nodes[1]!;
      dying.pause();
      // Node 1 answers, node 2 does not any more.
      const answered = new Promise<void>((resolve) => {
        producer.on(producer.events.REQUEST, ({ payload }) => void (payload.apiName === 'Produce' && resolve()));
      });
      const sent = send('lost');
      await answered;
      await dying.kill9();
      const answers = await sent;
      assert.deepEqual(
        answers.map(({ partition, errorCode }) => [partition, errorCode]),
        [[0, 0]],
      );
      await until(async () => (await end(1)) > 0n);
      assert.deepEqual([await end(0), await end(1)], [2n, 1n], 'the second message of partition 1 is nowhere');
      await dying.start();

      async function end(partition: number): Promise<bigint> {
        const found = await admin.fetchTopicOffsets(topic).catch(() => []);
        return BigInt(found.find((one) => one.partition === partition)?.high ?? -1);
      }
    });
  });
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(100);
}
