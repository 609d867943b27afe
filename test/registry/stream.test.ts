/** A whole line between a broker and a registry: raw records by several schemas in, outputs in Avro out, and what is foreign in the dead letters. */
import assert from 'node:assert/strict';
import { on } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type RunningRegistry, startRegistry } from '../../scripts/registry/registry.ts';
import { skip } from '../../src/testing/shared.ts';
import { readCommitted, rawProducer } from '../kafka/raw.ts';
import { withSharedBroker } from '../kafka/brokers.ts';
import { openLine } from '../kafka-line/line.ts';
import { doorTo, through } from './door.ts';
import { consume, produce } from './producer.ts';

const words = (from: number): string => Array.from({ length: 40 }, (_, i) => `word${from * 100 + i}`).join(' ');
const PATIENCE_MS = 120_000;

/** Listens where the door was, and hangs up on whoever calls. */
async function hangingUp(port: number) {
  const server = createServer((socket) => socket.destroy());
  const calls = on(server, 'connection', { signal: AbortSignal.timeout(PATIENCE_MS) });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    async asked(times: number) {
      for (let i = 0; i < times; i++) await calls.next();
    },
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

withSharedBroker((broker) => {
  test('records come in and go out by schemas, through a registry that is away for a while', async (t) => {
    const kafka = await broker();
    let registry: RunningRegistry;
    try {
      registry = await startRegistry();
    } catch (error) {
      return skip(t, (error as Error).message);
    }
    t.after(() => registry.stop());
    const door = await doorTo(registry.port);
    t.after(() => door.close());
    const url = through(door, registry.url);
    const line = await openLine(t, kafka, { set: [`registry.url=${url}`] });
    const producer = await rawProducer(t, kafka.brokers);
    const send = (...values: Buffer[]) =>
      producer.send({ topic: line.topics.raw, messages: values.map((value) => ({ value, partition: 0 })) });
    const avro = {
      type: 'record',
      name: 'Page',
      fields: [
        { name: 'text', type: 'string' },
        { name: 'rank', type: 'long' },
      ],
    };
    const json = {
      $schema: 'http://json-schema.org/draft-07/schema#',
      type: 'object',
      properties: { text: { type: 'string' } },
    };
    const one = await produce(url, 'pages', 'AVRO', avro, { text: words(1), rank: 7 });
    const two = await produce(url, 'notes', 'JSON', json, { text: words(2) });
    const later = await produce(url, 'later', 'AVRO', { ...avro, name: 'Later' }, { text: words(3), rank: 8 });

    const running = line.start();
    await running.ready();
    const foreign = Buffer.concat([Buffer.from([0, 0, 0, 0, 99]), Buffer.from('x')]);
    await send(one.message, two.message, Buffer.from('{"text":"plain"}'), foreign, one.message.subarray(0, 20));
    const values = async (name: string) =>
      (await readCommitted(line.log, line.topics.output(name))).map(({ value }) => value);
    const atLeast = async (name: string, count: number): Promise<Uint8Array[]> => {
      for (const until = performance.now() + PATIENCE_MS; ; await sleep(100)) {
        const found = await values(name);
        if (found.length >= count) return found;
        if (performance.now() > until) assert.fail(`${name} has ${found.length} of ${count}:\n${running.said()}`);
      }
    };
    const read = async (name: string, value: Uint8Array) =>
      (await consume(url, line.topics.output(name), 'avro', value)) as Record<string, unknown>;

    const curated = await Promise.all((await atLeast('curated.main', 2)).map((value) => read('curated.main', value)));
    assert.deepEqual(
      curated.map(({ text }) => text),
      [words(1), words(2)],
    );
    assert.deepEqual(
      curated.map(({ metadata }) => metadata),
      ['{"rank":7}', null],
    );
    const letters = await Promise.all((await atLeast('dead-letter', 3)).map((value) => read('dead-letter', value)));
    const errors = letters.map(({ error }) => error as { code: string; message: string });
    assert.deepEqual(
      errors.map(({ code }) => code),
      ['schema.badMagic', 'schema.unknownId', 'schema.mismatch'],
    );
    assert.match(errors[1]!.message, /schema 99;/);

    // A schema that was not seen before, while nobody answers: the record waits, is asked about again, and is no dead letter.
    await door.close();
    const silent = await hangingUp(door.port);
    await send(later.message);
    await silent.asked(3);
    assert.equal((await values('dead-letter')).length, 3);
    await silent.close();
    await door.open();
    const [, , third] = await atLeast('curated.main', 3);
    assert.equal((await read('curated.main', third!)).text, words(3));
    assert.equal((await values('dead-letter')).length, 3);
  });
});
