/** Around all test files: what files that run at the same time would all do anew is done once. */
import module from 'node:module';
import { type Kafka, startKafka } from '../scripts/kafka/broker.ts';
import { installRegistry } from '../scripts/registry/install.ts';
import { SHARED_BROKER } from './kafka/brokers.ts';

let kafka: Kafka | undefined;

export async function globalSetup(): Promise<void> {
  // Hundreds of processes read the same sources; those of the test files and all that they start find them compiled.
  module.enableCompileCache();
  process.env.NODE_COMPILE_CACHE ??= module.getCompileCacheDir() ?? '';
  // Where they cannot be had, the tests that need them say so.
  await installRegistry().catch(() => undefined);
  kafka = await startKafka().catch(() => undefined);
  if (kafka !== undefined) process.env[SHARED_BROKER] = kafka.brokers[0];
}

export async function globalTeardown(): Promise<void> {
  await kafka?.stop();
}
