/** `riffle check` on Kafka: what a run would meet on the brokers and at the schema registry, without changing anything there. */
import type { Config } from '../config/schema.ts';
import { ConfigError, TransientError } from '../errors.ts';
import type { Findings } from '../log/kafka/check.ts';
import { topicNames, topicSpecs } from '../runtime/topics.ts';
import { rightsOf } from '../stages/rights.ts';
import { outputTopics } from '../stages/start.ts';
import type { ProcessStage } from '../stages/stream.ts';
import { openKafka } from './kafka.ts';
import type { Loaded } from './load-topology.ts';
import type { Terminal } from './terminal.ts';

/** @throws ConfigError when no broker answers, or they refuse the login. */
export async function checkKafka(
  { config, policy }: Loaded,
  stages: ReadonlySet<ProcessStage>,
  { variable }: Pick<Terminal, 'variable'>,
): Promise<Findings> {
  const names = topicNames(config.app, config.topics);
  const outputs = outputTopics(policy);
  // What is tried again and then works is no finding.
  const log = await openKafka(config, { variable, warn: () => undefined });
  try {
    const partitions = (await log.partitions(names.raw)) ?? config.log.partitions;
    const findings = await log.inspect({
      specs: topicSpecs(names, partitions, outputs, 'topic'),
      rights: rightsOf(names, outputs, stages),
    });
    const { sasl, tls } = config.log;
    const how = [sasl ? `login by ${sasl.mechanism}` : 'no login', tls.enabled ? 'over TLS' : 'not encrypted'];
    const registry = await checkRegistered(config, outputs, names.output);
    return {
      ok: [`log ${config.log.brokers.join()}: answers, ${how.join(', ')}`, ...findings.ok, ...registry.ok],
      warnings: findings.warnings,
      errors: [...findings.errors, ...registry.errors],
    };
  } finally {
    await log.close();
  }
}

type Registered = Pick<Findings, 'ok' | 'errors'>;

async function checkRegistered(
  { registry }: Config,
  outputs: readonly string[],
  output: (name: string) => string,
): Promise<Registered> {
  const { url } = registry;
  if (url === undefined) return { ok: [], errors: [] };
  const [{ checkRegistry }, { registryFrom }] = await Promise.all([
    import('../schemas/check.ts'),
    import('../schemas/registry.ts'),
  ]);
  const kindOf = (name: string) => (name === 'dead-letter' ? 'dead-letter' : 'record');
  const subjects = new Map(outputs.map((name) => [output(name), kindOf(name)] as const));
  try {
    const lines = await checkRegistry(registryFrom({ ...registry, url }, subjects));
    return { ok: [`registry ${url}: answers, outputs are written as ${registry.format}`, ...lines], errors: [] };
  } catch (error) {
    if (error instanceof ConfigError || error instanceof TransientError) return { ok: [], errors: [error.message] };
    throw error;
  }
}
