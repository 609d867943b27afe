/** Listeners that demand TLS and a login, and secrets that nobody may see. */
import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { inspect } from 'node:util';
import { unsecuredToken, USER } from '../../scripts/kafka/secure.ts';
import type { KafkaLogOptions, Sasl } from '../../src/log/kafka/options.ts';
import { assignedOf, readAll, texts, textOf } from '../contract/messages.ts';
import { openTestLog, uniqueApp, withBroker } from './brokers.ts';
import { readCommitted } from './raw.ts';

/** kafkajs reads these by itself. */
const LOUD = { KAFKAJS_LOG_LEVEL: 'debug', KAFKAJS_DEBUG_PROTOCOL_BUFFERS: '1' };

/** A connection has to log in again so often, or is closed. */
const LOGIN_MS = 4000;

withBroker({ secure: true, props: { 'connections.max.reauth.ms': String(LOGIN_MS) } }, (broker) => {
  const password =
    (value: string = USER.password) =>
    () =>
      value;

  /** Everything that the adapter does once: metadata, appends, a transaction, reading. */
  async function works(t: TestContext, options: Partial<KafkaLogOptions>): Promise<void> {
    const app = uniqueApp();
    const log = await openTestLog(t, { app, brokers: [], ...options });
    const topic = `${app}.in`;
    await log.ensureTopics([{ name: topic, partitions: 1, kind: 'blocks', groups: ['work'] }]);
    await log.producer().append(topic, 0, texts('a'));
    const lease = await log.lease('work', 0);
    await lease.commit({ outputs: new Map([[topic, texts('b')]]), positions: [], next: 1n });
    assert.deepEqual((await readCommitted(log, topic)).map(textOf), ['a', 'b']);
    await log.close();
  }

  async function places() {
    const { secure } = await broker();
    assert.ok(secure);
    return { ...secure, ssl: { ca: secure.certificate, servername: 'localhost' } };
  }

  const logins: Readonly<Record<string, Sasl>> = {
    PLAIN: { mechanism: 'plain', username: USER.name, password: password() },
    'SCRAM-SHA-256': { mechanism: 'scram-sha-256', username: USER.name, password: password() },
    'SCRAM-SHA-512': { mechanism: 'scram-sha-512', username: USER.name, password: password() },
    OAUTHBEARER: { mechanism: 'oauthbearer', token: () => unsecuredToken(USER.name, 60) },
  };

  suite('listeners that demand something', () => {
    test('TLS', async (t) => {
      const { tls, ssl } = await places();
      await works(t, { brokers: [tls], ssl });
    });

    test('TLS refuses a broker whose certificate nobody vouches for', async (t) => {
      const { tls } = await places();
      await assert.rejects(works(t, { brokers: [tls], ssl: true }), { name: 'ConfigError', code: 'broker' });
    });

    for (const [name, sasl] of Object.entries(logins)) {
      test(`SASL ${name}, plain and over TLS`, async (t) => {
        const { sasl: open, saslTls, ssl } = await places();
        await works(t, { brokers: [open], sasl });
        await works(t, { brokers: [saslTls], ssl, sasl });
      });
    }

    test('a login that runs out is renewed: appends, commits and reading go on', async (t) => {
      const { sasl: place } = await places();
      const app = uniqueApp();
      const topic = `${app}.in`;
      let tokens = 0;
      const token = () => {
        tokens++;
        return unsecuredToken(USER.name, 60);
      };
      const log = await openTestLog(t, { app, brokers: [place], sasl: { mechanism: 'oauthbearer', token } });
      await log.ensureTopics([{ name: topic, partitions: 1, kind: 'blocks', groups: ['work'] }]);
      const consumer = await log.consumer('work', [topic]);
      await assignedOf(consumer);
      const lease = await log.lease('work', 0);
      const producer = log.producer();
      const before = tokens;
      const seen: string[] = [];
      for (let i = 0; tokens < before + 6 || i < 20; i++) {
        await producer.append(topic, 0, texts(String(i)));
        seen.push(...((await readAll(consumer, 1)).get(`${topic}-0`) ?? []).map(textOf));
        await new Promise((resolve) => setTimeout(resolve, LOGIN_MS / 20));
      }
      assert.deepEqual([...new Set(seen)], seen.map((_, i) => String(i)).slice(0, new Set(seen).size));
      await lease.commit({ outputs: new Map(), positions: [], next: 7n });
      assert.equal(await log.progress('work', 0), 7n);
    });

    const wrong: readonly Sasl[] = [
      { mechanism: 'plain', username: USER.name, password: password('quartz-and-mud') },
      { mechanism: 'scram-sha-512', username: USER.name, password: password('quartz-and-mud') },
      { mechanism: 'oauthbearer', token: () => unsecuredToken('quartz-and-mud', -3600) },
    ];
    for (const sasl of wrong) {
      test(`a wrong login by ${sasl.mechanism} is a configuration error, and nothing shows the secret`, async (t) => {
        const { sasl: place } = await places();
        const lines: string[] = [];
        for (const [name, value] of Object.entries(LOUD)) process.env[name] = value;
        t.after(() => Object.keys(LOUD).map((name) => delete process.env[name]));
        for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const)
          t.mock.method(console, method, (...values: unknown[]) => void lines.push(inspect(values)));
        const failure = await openTestLog(t, {
          app: uniqueApp(),
          brokers: [place],
          sasl,
          warn: (line) => void lines.push(line),
        }).catch((error: unknown) => error);
        t.mock.restoreAll();
        assert.ok(failure instanceof Error && 'code' in failure && failure.code === 'broker-login', inspect(failure));
        assert.match(failure.message, new RegExp(`they refuse the login by ${sasl.mechanism}`));
        const shown = inspect(failure, { depth: 20 }) + lines.join('\n');
        for (const secret of ['quartz-and-mud', Buffer.from('quartz-and-mud').toString('base64')])
          assert.ok(!shown.includes(secret), shown);
      });
    }

    test('a listener that wants a login, and none is given', async (t) => {
      const { sasl } = await places();
      await assert.rejects(works(t, { brokers: [sasl] }), { name: 'ConfigError' });
    });
  });
});
