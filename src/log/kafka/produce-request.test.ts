import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { requireKafka } from './internals.ts';
import { encodeProduce, frameRequest, type ProduceRequest } from './produce-request.ts';

type Encode = () => Promise<{ readonly buffer: Buffer }>;

/** kafkajs as it is, without corrections: the slow twin. */
const theirs = requireKafka('kafkajs/src/protocol/requests/produce/v7/request') as (request: ProduceRequest) => {
  apiKey: number;
  apiVersion: number;
  encode: Encode;
};
const theirFrame = requireKafka('kafkajs/src/protocol/request') as typeof frameRequest;
const Long = requireKafka('kafkajs/src/utils/long') as { fromValue(value: string): { toString(): string } };

suite('produce requests', () => {
  const text = fc.string({ maxLength: 40 });
  const message = fc.record({
    key: fc.option(text),
    value: fc.option(fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes))),
    headers: fc.dictionary(text, fc.oneof(text, fc.array(text, { maxLength: 2 })), { maxKeys: 3 }),
    timestamp: fc.constantFrom('1700000000000', '1700000000123', '1700000200000'),
  });
  const request = fc.record({
    acks: fc.constantFrom(-1, 1),
    timeout: fc.nat(),
    transactionalId: fc.constantFrom(undefined, 'app-curate-0'),
    producerId: fc.bigInt({ min: -1n, max: 2n ** 62n }).map((id) => Long.fromValue(String(id))),
    producerEpoch: fc.nat(32767),
    compression: fc.constantFrom(0, 1),
    topicData: fc.array(
      fc.record({
        topic: text,
        partitions: fc.array(
          fc.record({
            partition: fc.nat(),
            firstSequence: fc.nat(),
            // Theirs takes the least time for the base of a batch, and the protocol the first record's.
            messages: fc
              .array(message, { minLength: 1, maxLength: 8 })
              .map((messages) => messages.toSorted((a, b) => a.timestamp.localeCompare(b.timestamp))),
          }),
          { maxLength: 3 },
        ),
      }),
      { maxLength: 3 },
    ),
  });

  test('are byte for byte those of kafkajs, and so is the frame around them', async () => {
    await fc.assert(
      fc.asyncProperty(request, fc.nat(), text, async (given, correlationId, clientId) => {
        const original = theirs(given);
        const { buffer } = await original.encode();
        const ours = await encodeProduce(given);
        assert.ok(buffer.equals(ours), `${buffer.toString('hex')}\n${ours.toString('hex')}`);
        const framed = { correlationId, clientId, request: original };
        assert.ok((await theirFrame(framed)).buffer.equals((await frameRequest(framed)).buffer));
      }),
      { numRuns: 200 },
    );
  });

  test('messages without a time are of now, beside those that have one', async () => {
    const messages = [{ value: 'a', timestamp: 0 }, { value: 'b' }, { value: 'c', timestamp: '-5' }];
    const before = Date.now();
    const bytes = await encodeProduce({
      acks: -1,
      timeout: 1,
      topicData: [{ topic: 't', partitions: [{ partition: 0, messages }] }],
    });
    // The batch stands behind 2 + 2 + 4 + 4 bytes, the topic in 3, and 4 + 4 + 4.
    const batch = bytes.subarray(27);
    assert.equal(batch.readBigInt64BE(27), 0n);
    const most = Number(batch.readBigInt64BE(35));
    assert.ok(most >= before && most <= Date.now());
  });
});
