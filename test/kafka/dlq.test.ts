/** Dead letters of a stream on a real broker: looked at, and put back as they came, each once. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { topicPlace } from '../../src/cli/dlq-topic.ts';
import type { DeadLetterPlace, RetryReport } from '../../src/cli/dlq-place.ts';
import type { DeadLetter } from '../../src/cli/dead-letters.ts';
import { connectClient } from '../../src/log/kafka/client.ts';
import type { KafkaLog } from '../../src/log/kafka/log.ts';
import { deleteBefore } from '../../src/log/kafka/offsets.ts';
import type { Message } from '../../src/log/port.ts';
import { type Letter, putBack } from '../../src/stages/put-back.ts';
import { openRegistry } from '../../src/schemas/registry.ts';
import { riffle, writeLines, documentText } from '../integration/cli.ts';
import { openLine } from '../kafka-line/line.ts';
import { openTestLog, uniqueApp, withSharedBroker } from './brokers.ts';
import { API, createFaults } from './faults.ts';
import { rawProducer, readCommitted } from './raw.ts';
import { silentTerminal } from '../../src/testing/terminal.ts';

withSharedBroker((broker) => {
  interface Sent {
    readonly value: string | Buffer | null;
    readonly key?: string | Buffer;
    readonly headers?: Record<string, string | Buffer>;
  }

  /** A raw topic of two partitions with these messages on its second, and an empty one of dead letters. */
  async function setUp(t: TestContext, messages: readonly Sent[]) {
    const { brokers } = await broker();
    const app = uniqueApp();
    const raw = `${app}.raw`;
    const set = [`app=${app}`, 'log.kind=kafka', `log.brokers=${brokers.join()}`];
    const log = await openTestLog(t, { app, brokers });
    const specs = [
      { name: raw, partitions: 2, kind: 'records', groups: [] },
      { name: `${app}.dead-letter`, partitions: 2, kind: 'records', groups: [] },
    ] as const;
    await log.ensureTopics(specs);
    const producer = await rawProducer(t, brokers);
    await producer.send({
      topic: raw,
      messages: messages.map(({ key = null, ...message }) => ({ ...message, key, partition: 1 })),
    });
    const sent = await readCommitted(log, raw, 1);
    /** What sift makes of a message; `more` is what a test has otherwise. */
    const letterOf = (offset: number, more: Partial<DeadLetter> = {}): DeadLetter => {
      const { timestampMs, value, key, headers } = sent[offset]!;
      const text = Buffer.from(more.value ?? Buffer.from(value).toString());
      return {
        id: `${raw}-1@${offset}`,
        error: { stage: 'sift', operator: 'decode', code: 'decode.badJson', message: 'it is broken' },
        position: { topic: raw, partition: 1, offset: String(offset) },
        key: key ?? null,
        headers: headers ?? {},
        timestamp: new Date(timestampMs).toISOString(),
        value: text.toString(),
        encoding: 'utf-8',
        valueBytes: text.length,
        truncated: false,
        sha256: createHash('sha256').update(text).digest('hex'),
        decision: { outcome: 'dead-letter' },
        ...more,
      };
    };
    const bury = async (...letters: readonly (DeadLetter | Uint8Array)[]): Promise<void> => {
      const values = letters.map((one) => (one instanceof Uint8Array ? one : Buffer.from(JSON.stringify(one))));
      await log.producer().append(
        `${app}.dead-letter`,
        1,
        values.map((value) => ({ value })),
      );
    };
    const open = async (...more: readonly string[]): Promise<DeadLetterPlace> => {
      const place = await topicPlace('dedup', { set: [...set, ...more] }, silentTerminal);
      t.after(() => place.close());
      return place;
    };
    return { app, brokers, raw, set, log, letterOf, bury, open, sent };
  }

  async function lettersOf(place: DeadLetterPlace): Promise<DeadLetter[]> {
    const letters: DeadLetter[] = [];
    for await (const letter of place.letters()) letters.push(letter);
    return letters;
  }

  const retryAll = async (place: DeadLetterPlace): Promise<RetryReport> => place.retry(await lettersOf(place));

  const picked = ({ value, key, headers, binary, tombstone }: Message) => ({
    value: Buffer.from(value).toString('latin1'),
    key,
    headers: { ...headers },
    binary,
    tombstone,
  });

  suite('dead letters on Kafka', () => {
    test('a message is put back as it came, byte for byte, and once', { timeout: 120_000 }, async (t) => {
      const noText = Buffer.from([0xff, 0, 0xfe]);
      const before = JSON.stringify({ topic: 'first.raw', partition: 7, offset: '9007199254740993' });
      const { raw, log, letterOf, bury, open, sent } = await setUp(t, [
        { value: Buffer.from([0, 0, 0, 0, 9, 0xc3, 0x28]), key: noText, headers: { a: 'ü', b: noText } },
        { value: null, key: 'k' },
        { value: 'again', headers: { 'riffle.retry-of': before, 'riffle.retries': '2' } },
      ]);
      // In Avro, or cut short: what a letter keeps does not matter while the raw topic has the message.
      await bury(letterOf(0, { value: '?', truncated: true }), letterOf(1), letterOf(2));
      const place = await open();
      const names = [0, 1, 2].map((offset) => `${raw}-1@${offset}`);

      assert.deepEqual(await retryAll(place), { putBack: names, already: [], refused: [] });
      assert.deepEqual(await retryAll(place), { putBack: [], already: names, refused: [] });
      assert.deepEqual([...(await (await open()).putBack())], names);

      const back = (await readCommitted(log, raw, 1)).slice(3);
      const origin = (offset: number) => JSON.stringify({ topic: raw, partition: 1, offset: String(offset) });
      const retried = [
        { 'riffle.retry-of': origin(0), 'riffle.retries': '1' },
        { 'riffle.retry-of': origin(1), 'riffle.retries': '1' },
        { 'riffle.retry-of': before, 'riffle.retries': '3' },
      ];
      assert.deepEqual(
        back.map(picked),
        sent.map((message, i) => ({ ...picked(message), headers: { ...message.headers, ...retried[i] } })),
      );
    });

    test('what the raw topic let go comes from the letter, where that is whole', { timeout: 120_000 }, async (t) => {
      const { raw, brokers, log, letterOf, bury, open } = await setUp(t, [
        { value: 'whole', key: 'k', headers: { h: 'x' } },
        { value: 'cut short' },
        { value: 'block of a record', headers: { 'content-type': 'application/warc' } },
        { value: 'damaged', headers: { 'riffle.damage.code': 'decode.tooLarge' } },
        { value: 'another at its place' },
        { value: 'still there' },
      ]);
      await bury(
        letterOf(0),
        letterOf(1, { value: 'cut', truncated: true, valueBytes: 9 }),
        letterOf(2, { id: 'urn:uuid:1' }),
        letterOf(3),
        letterOf(4, { timestamp: '2020-01-01T00:00:00.000Z', value: 'the one before' }),
        letterOf(5),
        letterOf(5, { position: { topic: 'elsewhere', partition: 0, offset: '1' } }),
      );
      const client = await connectClient({ app: raw, brokers });
      t.after(() => client.close());
      await deleteBefore(client.cluster, raw, new Map([[1, 4n]]));

      const { putBack: back, refused = [] } = await retryAll(await open());

      assert.deepEqual(
        back,
        [0, 4, 5].map((offset) => `${raw}-1@${offset}`),
      );
      const reasons = new Map(refused.map(({ letter, reason }) => [letter, reason]));
      assert.deepEqual([...reasons.keys()].sort(), ['elsewhere-0@1', ...[1, 2, 3].map((o) => `${raw}-1@${o}`)].sort());
      assert.match(reasons.get(`${raw}-1@1`)!, /holds it no more, and the letter only the first 3 of 9 bytes/);
      assert.match(reasons.get(`${raw}-1@2`)!, /lost the header of the WARC record/);
      assert.match(reasons.get(`${raw}-1@3`)!, /calls it damaged \(decode\.tooLarge\)/);
      assert.match(reasons.get('elsewhere-0@1')!, /not from a partition of/);
      const found = (await readCommitted(log, raw, 1)).slice(2);
      assert.deepEqual(
        found.map(({ value }) => Buffer.from(value).toString()),
        ['whole', 'the one before', 'still there'],
      );
      assert.equal(found[0]!.key, 'k');
      assert.equal(found[0]!.headers?.h, 'x');
    });

    const troubles = [
      ['lost on the way', API.endTransaction, 'drop'],
      ['done, and the answer lost', API.endTransaction, 'no-reply'],
      ['lost with the message', API.produce, 'no-reply'],
    ] as const;
    for (const [what, api, fault] of troubles) {
      test(`a commit ${what}: each letter is put back once`, { timeout: 120_000 }, async (t) => {
        const { app, brokers, raw, log } = await setUp(t, [{ value: 'a' }, { value: 'b' }]);
        const faults = createFaults();
        const own = await openTestLog(t, { app, brokers, socketFactory: faults.socketFactory, requestTimeoutMs: 3000 });
        const place = await declared(own, app);
        faults.once(api, fault);

        const report = await putBack(place, lettersNamed(raw, 2));

        assert.equal(faults.hits.get(api), 1);
        assert.deepEqual(report, { putBack: ['x@0', 'x@1'], already: [], refused: [] });
        assert.equal((await readCommitted(log, raw, 1)).length, 4);
        assert.deepEqual((await putBack(place, lettersNamed(raw, 2))).already, ['x@0', 'x@1']);
        assert.equal((await readCommitted(log, raw, 1)).length, 4);
      });
    }

    test('two calls at once: one of them may be refused, no letter is put back twice', {
      timeout: 120_000,
    }, async (t) => {
      const { app, brokers, raw, log } = await setUp(
        t,
        Array.from({ length: 250 }, (_, i) => ({ value: `r${i}` })),
      );
      const call = async () =>
        putBack(await declared(await openTestLog(t, { app, brokers }), app), lettersNamed(raw, 250));
      const ended = await Promise.allSettled([call(), call()]);
      for (const end of ended)
        if (end.status === 'rejected') assert.equal((end.reason as { code: string }).code, 'fenced');
      // What is left after both were cut short.
      await call();
      const back = (await readCommitted(log, raw, 1)).slice(250).map(({ value }) => Buffer.from(value).toString());
      assert.equal(back.length, 250);
      assert.equal(new Set(back).size, 250);
    });

    test('killed at any moment: the same call goes on, and each letter is put back once', {
      timeout: 240_000,
    }, async (t) => {
      const count = 1000;
      const { raw, set, log, letterOf, bury } = await setUp(
        t,
        Array.from({ length: count }, (_, i) => ({ value: `r${i}` })),
      );
      await bury(...Array.from({ length: count }, (_, i) => letterOf(i)));
      const args = ['dlq', 'retry', '--all', '--json', '--topology', 'dedup', ...set.flatMap((one) => ['--set', one])];
      const watcher = await log.consumer('reader', [raw]);
      watcher.pause(raw, 0);
      watcher.pause(raw, 1);
      /** As soon as the topic has grown to `end`, wherever the call stands then. */
      const kill = async (child: ChildProcess, end: bigint) => {
        while (child.exitCode === null && (await watcher.bounds(raw, 1)).end < end) await sleep(2);
        child.kill('SIGKILL');
      };
      const killAt = (end: bigint) => riffle(args, { meanwhile: (child) => void kill(child, end) });

      for (const end of [count + 1, count + 350, count + 702]) assert.equal((await killAt(BigInt(end))).code, null);
      const last = await riffle(args);
      await watcher.close();

      assert.equal(last.code, 0, last.stderr);
      const { putBack: rest, already } = JSON.parse(last.stdout) as RetryReport;
      assert.equal(rest.length + already.length, count);
      // A kill within a transaction leaves offsets that nobody sees.
      assert.ok(already.length >= 200 && rest.length > 0, `${already.length} were put back before`);
      const back = (await readCommitted(log, raw, 1)).slice(count).map(({ value }) => Buffer.from(value).toString());
      assert.equal(back.length, count);
      assert.equal(new Set(back).size, count);
    });

    test('letters in Avro, and without anybody to ask for their schema', { timeout: 120_000 }, async (t) => {
      const { app, raw, log, letterOf, open } = await setUp(t, [{ value: '{"text":' }]);
      const letter = letterOf(0);
      const url = await oneSchema(t);
      const subjects = new Map([['any', 'dead-letter' as const]]);
      const registry = await openRegistry({ url, format: 'avro', subjects, autoRegister: false });
      const headers = {
        'riffle.error.stage': 'sift',
        'riffle.error.operator': 'decode',
        'riffle.error.code': 'decode.badJson',
        'riffle.error.message': 'm',
        'riffle.error.topic': raw,
        'riffle.error.partition': '1',
        'riffle.error.offset': '0',
      };
      const value = registry.encode('any', Buffer.from(JSON.stringify(letter)));
      await log.producer().append(`${app}.dead-letter`, 0, [{ value, headers }]);

      const [decoded] = await lettersOf(await open(`registry.url=${url}`));
      // What is null in Avro is left out.
      const { key: _null, ...members } = letter;
      assert.deepEqual(decoded, { ...members, at: { partition: 0, offset: '0' } });

      const place = await open();
      const [fromHeaders] = await lettersOf(place);
      assert.equal(fromHeaders?.error.code, 'decode.badJson');
      assert.equal(fromHeaders?.id, `${raw}-1@0`);
      assert.deepEqual((await retryAll(place)).putBack, [`${raw}-1@0`]);
    });

    test('as its users call it: a record too large is decided under a larger limit', {
      timeout: 240_000,
    }, async (t) => {
      const line = await openLine(t, await broker());
      const text = `${documentText(500)} `.repeat(8);
      await line.feed(
        writeLines(`${line.folder}/in.jsonl`, [
          { id: 'a', text: documentText(1) },
          { id: 'large', text },
        ]),
      );
      const first = line.start({ set: ['source.maxRecordBytes=2000'] });
      await first.ready();
      await line.drained();
      first.child.kill('SIGTERM');
      await first.ended;
      const where = ['--topology', 'dedup', ...line.set.flatMap((one) => ['--set', one])];

      const listed = await riffle(['dlq', 'list', ...where]);
      assert.match(
        listed.stdout,
        /1 dead letters in topic \S+\.dead-letter, 0 of them[^]*decode\.tooLarge[^]*dlq show/,
      );
      const shown = await riffle(['dlq', 'show', `${line.topics.raw}-0@1`, ...where]);
      assert.match(
        shown.stdout,
        /decode\.tooLarge in sift, decode[^]*content-type: application\/json[^]*\{"id":"large"/,
      );
      const retried = await riffle(['dlq', 'retry', '--code', 'decode.tooLarge', ...where]);
      assert.equal(retried.code, 0, retried.stderr);
      assert.match(retried.stdout, /^1 dead letters are put back\nnext/);
      assert.match((await riffle(['dlq', 'retry', '--all', ...where])).stdout, /^0 dead[^]*1 were put back before/);

      const second = line.start();
      await second.ready();
      await line.drained();
      const outputs = await line.outputs();
      const decided = outputs.map(({ id, decision }) => `${id} ${decision.outcome}`).sort();
      assert.deepEqual(decided, ['a curated', 'large curated', `${line.topics.raw}-0@1 dead-letter`].sort());
      const { metadata } = outputs.find(({ id }) => id === 'large') as { metadata?: unknown };
      assert.deepEqual(metadata, { riffle: { 'retry-of': { topic: line.topics.raw, partition: 0, offset: '1' } } });
    });

    test('a topology without a stream, and folders beside topics, are refused', async () => {
      const { brokers } = await broker();
      const kafka = ['--set', 'log.kind=kafka', '--set', `log.brokers=${brokers.join()}`];
      const refusals = [
        [['--topology', 'dedup'], /lie in the folder of their run/],
        [kafka, /no --topology is given/],
        [['--topology', 'dedup', '--output', 'x', ...kafka], /both --topology and a folder/],
        [['--topology', 'dedup', '--set', `app=${uniqueApp()}`, ...kafka], /none of that name, or this user may not/],
      ] as const;
      const ended = await Promise.all(refusals.map(([args]) => riffle(['dlq', 'list', ...args])));
      for (const [i, [, words]] of refusals.entries()) {
        assert.equal(ended[i]!.code, 2, ended[i]!.stderr);
        assert.match(ended[i]!.stderr, words);
      }
    });
  });

  /** What the command declares before it puts anything back. */
  async function declared(log: KafkaLog, app: string) {
    const [raw, notes] = [`${app}.raw`, `${app}.retries`];
    await log.ensureTopics([
      { name: raw, partitions: 2, kind: 'records', groups: [], external: true },
      { name: notes, partitions: 2, kind: 'compacted', groups: ['dlq'] },
    ]);
    return { log, raw, notes, partitions: 2 };
  }

  const lettersNamed = (raw: string, count: number): Letter[] =>
    Array.from({ length: count }, (_, i) => ({
      name: `x@${i}`,
      partition: 1,
      offset: BigInt(i),
      origin: JSON.stringify({ topic: raw, partition: 1, offset: String(i) }),
      timestampMs: undefined,
      kept: async () => 'gone',
    }));
});

/** A registry that knows one schema, under any name and id. */
async function oneSchema(t: TestContext): Promise<string> {
  const { schemaOf } = await import('../../src/schemas/subjects.ts');
  const { schema } = schemaOf('dead-letter', 'avro');
  const server = createServer((request, response) => {
    const answer = request.url!.startsWith('/subjects/')
      ? { id: 7, version: 1, subject: 'any-value', schema }
      : { schema };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
