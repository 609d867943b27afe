/** What lies in messages: codecs, keys, values that are missing, headers, and bytes that are no records. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import type { CompressionName } from '../../src/log/kafka/codecs.ts';
import { CODEC_NUMBERS } from '../../src/log/kafka/codecs.ts';
import type { KafkaLogOptions } from '../../src/log/kafka/options.ts';
import { fetchJars } from '../../scripts/kafka/jars.ts';
import { skip } from '../../src/testing/shared.ts';
import { textOf } from '../contract/messages.ts';
import { openTestLog, uniqueApp, withSharedBroker } from './brokers.ts';
import { rawProducer, readCommitted } from './raw.ts';

const codecs: readonly CompressionName[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

withSharedBroker((broker) => {
  async function setUp(t: TestContext, options: Partial<KafkaLogOptions> = {}) {
    const { brokers } = await broker();
    const app = uniqueApp();
    const log = await openTestLog(t, { app, brokers, ...options });
    const topic = `${app}.in`;
    await log.ensureTopics([{ name: topic, partitions: 1, kind: 'records', groups: [] }]);
    return { brokers, log, topic };
  }

  const lines = (name: string, count: number): { value: Buffer }[] =>
    Array.from({ length: count }, (_, i) => ({
      value: Buffer.from(`${name} ${i} ${'gold and pebbles '.repeat(i % 40)}`),
    }));

  suite('records on Kafka', () => {
    test('every codec, both ways with the Java client', async (t) => {
      const { brokers } = await broker();
      const app = uniqueApp();
      const topics = new Map(codecs.map((codec) => [codec, `${app}.${codec}`]));
      const count = 300;
      for (const [codec, topic] of topics) {
        const log = await openTestLog(t, { app, brokers, compression: codec });
        await log.ensureTopics([{ name: topic, partitions: 1, kind: 'records', groups: ['work'] }]);
        await log.producer().append(topic, 0, lines('riffle', count - 1));
        const lease = await log.lease('work', 0);
        await lease.commit({ outputs: new Map([[topic, lines('committed', 1)]]), positions: [], next: 1n });
        await lease.commit({ outputs: new Map([[topic, []]]), positions: [], next: 2n });
      }
      const script = path.join(import.meta.dirname, 'Interop.java');
      const args = [...topics].flatMap(([codec, topic]) => [topic, codec]);
      const java = spawnSync('java', [
        '-cp',
        path.join(fetchJars(), '*'),
        script,
        brokers.join(),
        String(count),
        ...args,
      ]);
      if (java.status !== 0)
        return skip(t, `java; it cannot run a source file; install a JDK: ${java.stderr.toString().slice(0, 500)}`);
      const read = java.stdout.toString().split('\n');
      const log = await openTestLog(t, { app, brokers });
      await log.ensureTopics(
        [...topics.values()].map((name) => ({ name, partitions: 1, kind: 'records', groups: ['work'] })),
      );
      for (const topic of topics.values()) {
        const mine = [...lines('riffle', count - 1), ...lines('committed', 1)].map(({ value }) => value.toString());
        const seen = read.filter((line) => line.startsWith(`${topic}\t`)).map((line) => line.slice(topic.length + 1));
        assert.deepEqual(seen, mine);
        const theirs = lines('java', count).map(({ value }) => value.toString());
        assert.deepEqual((await readCommitted(log, topic)).map(textOf), [...mine, ...theirs]);
      }
    });

    test('all codecs in one partition', async (t) => {
      const { brokers, log, topic } = await setUp(t);
      const producer = await rawProducer(t, brokers);
      for (const codec of codecs)
        await producer.send({
          topic,
          compression: CODEC_NUMBERS[codec],
          messages: [{ value: codec }, { value: `${codec} again` }],
        });
      assert.deepEqual(
        (await readCommitted(log, topic)).map(textOf),
        codecs.flatMap((codec) => [codec, `${codec} again`]),
      );
    });

    test('keys of any bytes, values that are missing, headers of any kind', async (t) => {
      const { brokers, log, topic } = await setUp(t);
      const producer = await rawProducer(t, brokers);
      await producer.send({
        topic,
        messages: [
          { key: Buffer.from([0xff, 0xfe, 0]), value: 'a', timestamp: '1234' },
          { key: 'ключ', value: null },
          { value: 'b', headers: { __proto__x: 'p', twice: ['1', '2'], empty: '', bytes: Buffer.from([0xc3, 0x28]) } },
          { key: '', value: '' },
        ],
      });
      const [first, second, third, fourth] = await readCommitted(log, topic);
      assert.deepEqual(
        [first?.key, first?.timestampMs, first?.tombstone],
        [Buffer.from([0xff, 0xfe, 0]).toString('base64'), 1234, undefined],
      );
      assert.deepEqual([second?.key, second?.value.byteLength, second?.tombstone], ['ключ', 0, true]);
      assert.deepEqual(
        { ...third?.headers },
        { __proto__x: 'p', twice: '2', empty: '', bytes: Buffer.from([0xc3, 0x28]).toString('base64') },
      );
      assert.deepEqual([fourth?.key, fourth?.value.byteLength, fourth?.tombstone], ['', 0, undefined]);
    });

    test('what Riffle writes with keys, headers and without a value comes back', async (t) => {
      const { log, topic } = await setUp(t);
      await log.producer().append(topic, 0, [
        { key: 'k', value: Buffer.from('v'), headers: { 'riffle.retry-of': 'raw-0@7', constructor: 'x' } },
        { key: 'k', value: Buffer.alloc(0), tombstone: true },
      ]);
      const [first, second] = await readCommitted(log, topic);
      assert.deepEqual([first?.key, { ...first?.headers }], ['k', { 'riffle.retry-of': 'raw-0@7', constructor: 'x' }]);
      assert.deepEqual([second?.key, second?.tombstone], ['k', true]);
    });

    test('a header bomb is read in time that grows with its size, not with its square', async (t) => {
      const { brokers, log, topic } = await setUp(t);
      const producer = await rawProducer(t, brokers);
      const headers = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`h${i}`, '']));
      await producer.send({ topic, messages: [{ value: 'bomb', headers }, { value: 'after' }] });
      const read = await readCommitted(log, topic);
      assert.deepEqual(read.map(textOf), ['bomb', 'after']);
      assert.equal(Object.keys(read[0]?.headers ?? {}).length, 100_000);
    });
  });
});
