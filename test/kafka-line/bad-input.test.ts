/** What producers send, and should not: each message has exactly one outcome, and the stream goes on. What a registry has to do with it: test/registry. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import type { Message } from 'kafkajs';
import { keepAll } from '../integration/riffle.ts';
import { withSharedBroker } from '../kafka/brokers.ts';
import { createTopics, rawAdmin, rawProducer } from '../kafka/raw.ts';
import { type Line, openLine, writeInput } from './line.ts';

const OUTPUT_BYTES = 1_000_000;
const RECORD_BYTES = 3_000_000;

let words = 0;
/** A text of its own of about so many bytes, which no rule rejects. */
const text = (bytes = 200): string => `document ${words++} ${'lorem ipsum '.repeat(bytes / 12)}`;
const json = (id: string, bytes?: number): string => JSON.stringify({ id, text: text(bytes) });

interface Bad {
  readonly name: string;
  readonly message: Partial<Message>;
  /** An outcome, or the code of a dead letter. */
  readonly becomes: string;
  readonly more?: Readonly<Record<string, unknown>>;
}

const cases: readonly Bad[] = [
  { name: 'a good one', message: { value: json('first') }, becomes: 'curated' },
  { name: 'without a value', message: { value: null, key: 'k' }, becomes: 'decode.noText' },
  { name: 'an empty value', message: { value: '' }, becomes: 'decode.noText' },
  { name: 'no JSON', message: { value: '{"text":' }, becomes: 'decode.badJson' },
  { name: 'binary', message: { value: Buffer.from([0, 159, 146, 150, 0, 1, 2, 3]) }, becomes: 'decode.unsupported' },
  {
    name: 'larger than an output topic takes',
    message: { value: json('large', 1_200_000) },
    becomes: 'output.tooLarge',
    more: { id: 'large', truncated: true },
  },
  {
    name: 'an id larger than an output topic takes',
    message: { value: JSON.stringify({ id: 'x'.repeat(1_200_000), text: text() }) },
    becomes: 'output.tooLarge',
  },
  {
    name: 'larger than source.maxRecordBytes',
    message: { value: json('huge', RECORD_BYTES) },
    becomes: 'decode.tooLarge',
    more: { truncated: true },
  },
  {
    name: 'a key larger than an output topic takes',
    message: { value: null, key: 'k'.repeat(1_200_000) },
    becomes: 'decode.noText',
  },
  {
    name: 'thousands of headers',
    message: {
      value: json('headers'),
      headers: Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`name-${i}`, String(i)])),
    },
    becomes: 'curated',
  },
  {
    name: 'a header of a megabyte, dead',
    message: { value: '{"text":', headers: { bomb: Buffer.alloc(1_000_000, 120) } },
    becomes: 'decode.badJson',
  },
  { name: 'from the beginning of time', message: { value: json('past'), timestamp: '0' }, becomes: 'curated' },
  { name: 'from the far future', message: { value: json('future'), timestamp: '253402300799000' }, becomes: 'curated' },
  {
    name: 'from beyond the calendar, dead',
    message: { value: null, timestamp: '9007199254740991' },
    becomes: 'decode.noText',
  },
  { name: 'a good one at the end', message: { value: json('last') }, becomes: 'curated' },
];

withSharedBroker((broker) => {
  /** The topics that a cautious owner makes: any timestamp, small outputs. */
  async function openBare(
    t: TestContext,
    set: readonly string[],
  ): Promise<Line & { readonly brokers: readonly string[] }> {
    const kafka = await broker();
    const line = await openLine(t, kafka, { bare: true, set });
    const admin = await rawAdmin(t, kafka.brokers);
    const topic = (name: string, settings: Readonly<Record<string, string>>) => ({
      topic: name,
      numPartitions: 1,
      configEntries: Object.entries(settings).map(([key, value]) => ({ name: key, value })),
    });
    const anyTime = {
      'message.timestamp.before.max.ms': String(2n ** 63n - 1n),
      'message.timestamp.after.max.ms': String(2n ** 63n - 1n),
    };
    const small = { 'max.message.bytes': String(OUTPUT_BYTES) };
    await createTopics(admin, [
      topic(line.topics.raw, { ...anyTime, 'max.message.bytes': String(8 << 20), 'retention.ms': '-1' }),
      ...['curated.main', 'rejected', 'dead-letter'].map((name) => topic(line.topics.output(name), small)),
    ]);
    return { ...line, brokers: kafka.brokers };
  }

  suite('bad input on Kafka', () => {
    test('every kind of message has one outcome', async (t) => {
      const line = await openBare(t, [`source.maxRecordBytes=${RECORD_BYTES}`]);
      const running = line.start();
      const producer = await rawProducer(t, line.brokers);
      for (const { message } of cases)
        await producer.send({ topic: line.topics.raw, messages: [{ value: null, ...message, partition: 0 }] });
      await running.ready();
      await line.declare();
      await line.drained();
      assert.equal(running.child.exitCode, null, running.said());

      const found = (await line.outputs()).filter(({ output }) => output !== 'control');
      const byOffset = found.toSorted((a, b) => Number(a.position.offset) - Number(b.position.offset));
      assert.deepEqual(
        byOffset.map(({ position, decision, error }) => [Number(position.offset), error?.code ?? decision.outcome]),
        cases.map(({ becomes }, i) => [i, becomes]),
      );
      for (const [i, { name, more = {}, message }] of cases.entries()) {
        const record = byOffset[i] as unknown as Record<string, unknown>;
        for (const [key, value] of Object.entries(more)) assert.equal(record[key], value, `${name}: ${key}`);
        const bytes = JSON.stringify(record).length;
        assert.ok(bytes < OUTPUT_BYTES, `${name}: ${bytes} bytes`);
        // Of what is too large, its whole size is known.
        if (record.truncated === true && record.output === 'dead-letter') {
          const sent = Buffer.byteLength(message.value ?? '');
          assert.ok((record.valueBytes as number) >= sent, `${name}: ${String(record.valueBytes)} of ${sent} bytes`);
        }
      }
    });

    test('records that kill their worker, or hold it up, are dead letters', async (t) => {
      const set = [...keepAll, 'source.maxRecordSeconds=2'];
      const line = await openLine(t, await broker(), { topology: 'text', set });
      const names = ['good', 'fault-exit-while-sifting', 'good', 'fault-hang-while-sifting', 'good'];
      // With a foreign member: the kernel that reads plain records leaves it to JSON.parse, where the fault waits.
      const lines = names.map((name) => JSON.stringify({ text: `${name} ${text()}`, metadata: {}, other: 1 }));
      await line.feed(writeInput(line, 'faults.jsonl', `${lines.join('\n')}\n`));
      const faults = path.resolve(import.meta.dirname, '../integration/faults.mjs');
      line.start({ env: { NODE_OPTIONS: `--import ${faults}` } });
      await line.drained();
      const found = (await line.outputs()).filter(({ output }) => output !== 'control');
      const byOffset = found.toSorted((a, b) => Number(a.position.offset) - Number(b.position.offset));
      assert.deepEqual(
        byOffset.map(({ decision, error }) => error?.code ?? decision.outcome),
        ['curated', 'sift.crash', 'curated', 'sift.timeout', 'curated'],
      );
    });
  });
});
