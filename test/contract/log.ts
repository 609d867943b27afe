import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { RiffleError } from '../../src/errors.ts';
import type { Log, TopicSpec } from '../../src/log/port.ts';
import { assignedOf, isFenced, readAll, textOf, texts } from './messages.ts';

/** One medium, empty at first. Each `open` is a process of its own as far as the adapter can tell. */
export interface LogMedium {
  /** Put before the names of topics: a broker is shared by all tests. */
  readonly app: string;
  open(): Promise<Log>;
}

const specsOf = (app: string): readonly TopicSpec[] => [
  { name: `${app}.in`, partitions: 3, kind: 'blocks', groups: ['work'] },
  { name: `${app}.side`, partitions: 3, kind: 'blocks', groups: ['work'] },
  { name: `${app}.out`, partitions: 1, kind: 'records', groups: [] },
  { name: `${app}.policy`, partitions: 1, kind: 'compacted', groups: [] },
];

/** What every adapter of the log port must do. `makeMedium` gives a fresh medium to each test and cleans it up with `t.after`. */
export function logContract(name: string, makeMedium: (t: TestContext) => Promise<LogMedium>): void {
  async function opened(
    t: TestContext,
  ): Promise<{ log: Log; medium: LogMedium; app: string; specs: readonly TopicSpec[] }> {
    const medium = await makeMedium(t);
    const log = await medium.open();
    t.after(() => log.close());
    const { app } = medium;
    const specs = specsOf(app);
    await log.ensureTopics(specs);
    return { log, medium, app, specs };
  }

  suite(`log contract: ${name}`, () => {
    test('messages come back in order, with increasing offsets and times that never go back', async (t) => {
      const { log, app } = await opened(t);
      const producer = log.producer();
      const first = await producer.append(`${app}.in`, 1, texts('a', 'b'));
      const second = await producer.append(`${app}.in`, 1, texts('c'));
      assert.ok(second > first);
      const consumer = await log.consumer('work', [`${app}.in`]);
      const messages = (await readAll(consumer, 3)).get(`${app}.in-1`) ?? [];
      assert.deepEqual(messages.map(textOf), ['a', 'b', 'c']);
      assert.equal(messages[0]?.offset, first);
      assert.equal(messages[2]?.offset, second);
      for (let i = 1; i < messages.length; i++) {
        assert.ok(messages[i]!.offset > messages[i - 1]!.offset);
        assert.ok(messages[i]!.timestampMs >= messages[i - 1]!.timestampMs);
      }
    });

    test('many appends at once keep the order of each partition', async (t) => {
      const { log, app } = await opened(t);
      const producer = log.producer();
      const appends = Array.from({ length: 300 }, (_, i) => producer.append(`${app}.in`, i % 3, texts(String(i))));
      const offsets = await Promise.all(appends);
      const consumer = await log.consumer('work', [`${app}.in`]);
      const read = await readAll(consumer, 300);
      for (let partition = 0; partition < 3; partition++) {
        const expected = Array.from({ length: 100 }, (_, i) => String(3 * i + partition));
        const messages = read.get(`${app}.in-${partition}`) ?? [];
        assert.deepEqual(messages.map(textOf), expected);
        assert.deepEqual(
          messages.map(({ offset }) => offset),
          expected.map((text) => offsets[Number(text)]),
        );
      }
    });

    test('a block of 1 MiB and an empty one come back byte for byte', async (t) => {
      const { log, app } = await opened(t);
      const block = Uint8Array.from({ length: 2 ** 20 }, (_, i) => (i * 31) & 255);
      await log.producer().append(`${app}.in`, 0, [{ value: block }, { value: new Uint8Array(0) }, { value: block }]);
      const consumer = await log.consumer('work', [`${app}.in`]);
      const messages = (await readAll(consumer, 3)).get(`${app}.in-0`) ?? [];
      assert.deepEqual(
        messages.map(({ value }) => Buffer.compare(value, block)),
        [0, -1, 0],
      );
      assert.equal(messages[1]?.value.byteLength, 0);
    });

    test('the first poll gives every partition and no batch', async (t) => {
      const { log, app } = await opened(t);
      await log.producer().append(`${app}.in`, 0, texts('a'));
      const consumer = await log.consumer('work', [`${app}.in`, `${app}.side`]);
      let polled = await consumer.poll({ maxBytes: 1000, waitMs: 0 });
      while (polled.assigned.length === 0) polled = await consumer.poll({ maxBytes: 1000, waitMs: 100 });
      assert.deepEqual(new Set(polled.assigned), new Set([0, 1, 2]));
      assert.deepEqual(polled.batches, []);
    });

    test('maxBytes bounds a poll, but one message always comes', async (t) => {
      const { log, app } = await opened(t);
      await log.producer().append(
        `${app}.in`,
        0,
        Array.from({ length: 10 }, () => ({ value: Buffer.alloc(100_000, 7) })),
      );
      const consumer = await log.consumer('work', [`${app}.in`]);
      await assignedOf(consumer);
      const sizes: number[] = [];
      for (let left = 10; left > 0; ) {
        const { batches } = await consumer.poll({ maxBytes: 250_000, waitMs: 1000 });
        const count = batches.reduce((sum, { messages }) => sum + messages.length, 0);
        sizes.push(count);
        left -= count;
      }
      assert.ok(Math.max(...sizes) <= 4, `got ${sizes.join()}`);
      assert.ok(Math.min(...sizes) >= 1);
    });

    test('a waiting poll wakes for an append, and ends when aborted', async (t) => {
      const { log, app } = await opened(t);
      const consumer = await log.consumer('work', [`${app}.in`]);
      await assignedOf(consumer);
      const waiting = readAll(consumer, 1);
      await log.producer().append(`${app}.in`, 2, texts('late'));
      assert.deepEqual((await waiting).get(`${app}.in-2`)?.map(textOf), ['late']);
      const stop = new AbortController();
      const aborted = consumer.poll({ maxBytes: 1000, waitMs: 600_000, signal: stop.signal });
      stop.abort();
      assert.deepEqual((await aborted).batches, []);
    });

    test('no partition starves another', async (t) => {
      const { log, app } = await opened(t);
      const producer = log.producer();
      await producer.append(
        `${app}.in`,
        0,
        Array.from({ length: 40 }, () => ({ value: Buffer.alloc(100_000) })),
      );
      await producer.append(`${app}.in`, 2, texts('small'));
      const consumer = await log.consumer('work', [`${app}.in`]);
      await assignedOf(consumer);
      let bytes = 0;
      for (let found = false; !found; ) {
        const { batches } = await consumer.poll({ maxBytes: 400_000, waitMs: 1000 });
        for (const { partition, messages } of batches) {
          found ||= partition === 2;
          for (const { value } of messages) bytes += value.byteLength;
        }
      }
      assert.ok(bytes < 4_000_000, 'the small partition came before the large one was empty');
    });

    test('pause stops one partition and resume goes on where it stopped', async (t) => {
      const { log, app } = await opened(t);
      const producer = log.producer();
      const consumer = await log.consumer('work', [`${app}.in`]);
      await assignedOf(consumer);
      consumer.pause(`${app}.in`, 0);
      await producer.append(`${app}.in`, 0, texts('held'));
      await producer.append(`${app}.in`, 1, texts('free'));
      const read = await readAll(consumer, 1);
      assert.deepEqual([...read.keys()], [`${app}.in-1`]);
      consumer.resume(`${app}.in`, 0);
      assert.deepEqual((await readAll(consumer, 1)).get(`${app}.in-0`)?.map(textOf), ['held']);
    });

    test('positions: committed, never backwards, start of the next consumer', async (t) => {
      const { log, medium, app, specs } = await opened(t);
      const first = await log.producer().append(`${app}.in`, 0, texts('a', 'b', 'c'));
      const consumer = await log.consumer('work', [`${app}.in`]);
      const offsets = ((await readAll(consumer, 3)).get(`${app}.in-0`) ?? []).map(({ offset }) => offset);
      assert.equal(await consumer.committed(`${app}.in`, 0), undefined);
      await consumer.commit([{ topic: `${app}.in`, partition: 0, offset: offsets[1]! }]);
      await consumer.commit([{ topic: `${app}.in`, partition: 0, offset: first }]);
      assert.equal(await consumer.committed(`${app}.in`, 0), offsets[1]);
      await consumer.close();
      const again = await medium.open();
      t.after(() => again.close());
      await again.ensureTopics(specs);
      const next = await again.consumer('work', [`${app}.in`]);
      assert.deepEqual((await readAll(next, 2)).get(`${app}.in-0`)?.map(textOf), ['b', 'c']);
    });

    test('a position beyond the end of an empty topic is kept', async (t) => {
      const { log, app } = await opened(t);
      const consumer = await log.consumer('work', [`${app}.in`]);
      await consumer.commit([{ topic: `${app}.in`, partition: 2, offset: 123_456_789_012n }]);
      assert.equal(await consumer.committed(`${app}.in`, 2), 123_456_789_012n);
    });

    test('another stage sees what a group committed, also of a topic that the group does not read', async (t) => {
      const { log, medium, app, specs } = await opened(t);
      const consumer = await log.consumer('work', [`${app}.policy`]);
      await consumer.commit([
        { topic: `${app}.side`, partition: 0, offset: 7n },
        { topic: `${app}.side`, partition: 2, offset: 9n },
      ]);
      const other = await medium.open();
      t.after(() => other.close());
      await other.ensureTopics(specs);
      const positions = await other.positions('work', `${app}.side`);
      assert.deepEqual([positions.size, positions.get(0), positions.get(2)], [2, 7n, 9n]);
      assert.equal((await other.positions('work', `${app}.in`)).size, 0);
    });

    test('seek reads again from there', async (t) => {
      const { log, app } = await opened(t);
      await log.producer().append(`${app}.in`, 0, texts('a', 'b', 'c'));
      const consumer = await log.consumer('work', [`${app}.in`]);
      const offset = (await readAll(consumer, 3)).get(`${app}.in-0`)?.[1]?.offset ?? -1n;
      consumer.seek({ topic: `${app}.in`, partition: 0, offset });
      assert.deepEqual((await readAll(consumer, 2)).get(`${app}.in-0`)?.map(textOf), ['b', 'c']);
    });

    test('bounds: where the log starts, and an end that the next message is at or beyond', async (t) => {
      const { log, app } = await opened(t);
      const producer = log.producer();
      const first = await producer.append(`${app}.in`, 0, texts('a', 'b'));
      const consumer = await log.consumer('work', [`${app}.in`]);
      const { start, end } = await consumer.bounds(`${app}.in`, 0);
      assert.equal(start, first);
      assert.ok((await producer.append(`${app}.in`, 0, texts('c'))) >= end);
    });

    test('outputs, positions and N are committed together', async (t) => {
      const { log, medium, app, specs } = await opened(t);
      const lease = await log.lease('work', 1);
      assert.equal(lease.next, undefined);
      assert.equal(await log.progress('work', 1), undefined);
      await lease.commit({
        outputs: new Map([
          [`${app}.out`, texts('{"a":1}', '{"a":2}')],
          [`${app}.side`, texts('seen')],
        ]),
        positions: [
          { topic: `${app}.in`, partition: 1, offset: 5n },
          { topic: `${app}.side`, partition: 1, offset: 0n },
        ],
        next: 0n,
      });
      assert.equal(await log.progress('work', 1), 0n);
      const again = await medium.open();
      t.after(() => again.close());
      await again.ensureTopics(specs);
      const taken = await again.lease('work', 1);
      assert.equal(taken.next, 0n);
      const positions = new Map(taken.positions.map(({ topic, offset }) => [topic, offset]));
      assert.equal(positions.get(`${app}.in`), 5n);
      assert.equal(positions.get(`${app}.side`), 0n);
      const reader = await again.consumer('reader', [`${app}.out`, `${app}.side`]);
      const read = await readAll(reader, 3);
      assert.deepEqual(read.get(`${app}.out-0`)?.map(textOf), ['{"a":1}', '{"a":2}']);
      assert.deepEqual(read.get(`${app}.side-1`)?.map(textOf), ['seen']);
    });

    test('a fenced lease commits nothing, and the others of the same moment go on', async (t) => {
      const { log, medium, app, specs } = await opened(t);
      const zombie = await log.lease('work', 0);
      const other = await log.lease('work', 1);
      const again = await medium.open();
      t.after(() => again.close());
      await again.ensureTopics(specs);
      const owner = await again.lease('work', 0);
      const commitOf = (text: string, partition: number) => ({
        outputs: new Map([[`${app}.out`, texts(text)]]),
        positions: [{ topic: `${app}.in`, partition, offset: 9n }],
        next: 9n,
      });
      const results = await Promise.allSettled([
        other.commit(commitOf('"other"', 1)),
        zombie.commit(commitOf('"zombie"', 0)),
        other.commit({ ...commitOf('"other again"', 1), next: 10n }),
      ]);
      assert.deepEqual(
        results.map(({ status }) => status),
        ['fulfilled', 'rejected', 'fulfilled'],
      );
      assert.ok(results[1]?.status === 'rejected' && isFenced(results[1].reason));
      assert.equal(await again.progress('work', 0), undefined);
      await owner.commit({ ...commitOf('"owner"', 0), next: 3n });
      await assert.rejects(zombie.commit(commitOf('"zombie"', 0)), isFenced);
      assert.equal(await again.progress('work', 0), 3n);
      const reader = await again.consumer('reader', [`${app}.out`]);
      const lines = (await readAll(reader, 3)).get(`${app}.out-0`)?.map(textOf) ?? [];
      assert.deepEqual(lines.sort(), ['"other again"', '"other"', '"owner"'].sort());
    });

    test('a commit that goes on from an N that is gone is refused', async (t) => {
      const { log, app } = await opened(t);
      const commitOf = (from: bigint, next: bigint) => ({
        outputs: new Map([[`${app}.out`, texts(`"${from}"`)]]),
        positions: [],
        next,
        from,
      });
      const first = await log.lease('work', 0);
      await first.commit(commitOf(0n, 4n));
      await first.commit(commitOf(4n, 6n));
      const behind = await log.lease('work', 0);
      await assert.rejects(behind.commit(commitOf(4n, 5n)), isFenced);
      assert.equal(await log.progress('work', 0), 6n);
      const reader = await log.consumer('reader', [`${app}.out`]);
      assert.deepEqual((await readAll(reader, 2)).get(`${app}.out-0`)?.map(textOf), ['"0"', '"4"']);
    });

    test('commits of one lease are serial: the last N stays', async (t) => {
      const { log, app } = await opened(t);
      const lease = await log.lease('work', 2);
      const commits = Array.from({ length: 50 }, (_, i) =>
        lease.commit({ outputs: new Map([[`${app}.out`, texts(String(i))]]), positions: [], next: BigInt(i) }),
      );
      await Promise.all(commits);
      assert.equal(await log.progress('work', 2), 49n);
      const reader = await log.consumer('reader', [`${app}.out`]);
      const lines = (await readAll(reader, 50)).get(`${app}.out-0`)?.map(textOf);
      assert.deepEqual(
        lines,
        Array.from({ length: 50 }, (_, i) => String(i)),
      );
    });

    test('a compacted topic keeps at least the last value of each key', async (t) => {
      const { log, app } = await opened(t);
      const producer = log.producer();
      for (let i = 0; i < 10; i++) {
        await producer.append(`${app}.policy`, 0, [
          { key: i % 2 === 0 ? 'even' : 'odd', value: Buffer.from(String(i)) },
        ]);
      }
      const consumer = await log.consumer('reader', [`${app}.policy`]);
      const last = new Map<string, string>();
      await assignedOf(consumer);
      while (last.get('odd') !== '9') {
        const { batches } = await consumer.poll({ maxBytes: 10_000, waitMs: 1000 });
        for (const { messages } of batches)
          for (const message of messages) last.set(message.key ?? '', textOf(message));
      }
      assert.deepEqual(
        Object.fromEntries(last),
        Object.fromEntries([
          ['even', '8'],
          ['odd', '9'],
        ]),
      );
    });

    test('a topic that exists otherwise is refused, and the same again is not', async (t) => {
      const { log, app, specs } = await opened(t);
      await log.ensureTopics(specs);
      await assert.rejects(log.ensureTopics([{ ...specs[0]!, partitions: 4 }]), { name: 'ConfigError' });
      await assert.rejects(log.producer().append(`${app}.none`, 0, texts('a')), RiffleError);
    });
  });
}
