/** One broker for a test file, started when the first test asks for it. */
import { randomBytes } from 'node:crypto';
import { after, test, type TestContext } from 'node:test';
import { type Kafka, type KafkaOptions, startKafka } from '../../scripts/kafka/broker.ts';
import { fetchJars, NoBroker } from '../../scripts/kafka/jars.ts';
import { openKafkaLog, type KafkaLog } from '../../src/log/kafka/log.ts';
import type { KafkaLogOptions } from '../../src/log/kafka/options.ts';
import { skip } from '../../src/testing/shared.ts';

/** A name that no other test has. */
export function uniqueApp(): string {
  return `t${randomBytes(5).toString('hex')}`;
}

/**
 * Runs `define`, which defines tests, with a broker that starts when the first of them asks for it. Where none can be had there is one skipped test
 * instead, which fails in CI.
 */
export function withBroker(options: KafkaOptions, define: (broker: () => Promise<Kafka>) => void): void {
  const reason = reasonForNone();
  if (reason !== undefined) {
    test('a broker', (t) => skip(t, reason));
    return;
  }
  let started: Promise<Kafka> | undefined;
  after(async () => {
    await (await started?.catch(() => undefined))?.stop();
  });
  define(() => (started ??= startKafka(options)));
}

function reasonForNone(): string | undefined {
  try {
    fetchJars();
    return undefined;
  } catch (error) {
    if (error instanceof NoBroker) return error.message;
    throw error;
  }
}

/** A log that is closed behind the test; time limits are short. */
export async function openTestLog(t: TestContext, options: KafkaLogOptions): Promise<KafkaLog> {
  const log = await openKafkaLog({ sessionTimeoutMs: 3000, heartbeatMs: 200, transactionTimeoutMs: 5000, ...options });
  t.after(() => log.close());
  return log;
}
