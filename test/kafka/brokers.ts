/** Brokers for test files. */
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

/** What most tests need to know of a broker. */
export type Brokers = Pick<Kafka, 'brokers'>;

/** Where test/setup.ts has started the broker of all test files. */
export const SHARED_BROKER = 'RIFFLE_TEST_BROKER';

/** Runs `define`, which defines tests, with the broker of all test files, which nobody may disturb; one of its own for a file that runs alone. */
export function withSharedBroker(define: (broker: () => Promise<Brokers>) => void): void {
  const shared = process.env[SHARED_BROKER];
  if (shared === undefined) withBroker({}, define);
  else define(async () => ({ brokers: [shared] }));
}

/**
 * Runs `define`, which defines tests, with brokers of their own that start when the first of them asks. Where none can be had there is one skipped
 * test instead, which fails in CI.
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
  const log = await openKafkaLog({
    sessionTimeoutMs: 3000,
    heartbeatMs: 200,
    transactionTimeoutMs: 10_000,
    ...options,
  });
  t.after(() => log.close());
  return log;
}
