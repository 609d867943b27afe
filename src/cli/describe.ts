import { z } from 'zod';
import type { Topology } from '../../topologies/topology.ts';
import type { Config } from '../config/schema.ts';
import { configSchema } from '../config/schema.ts';
import { decisionReasons, gateReason } from '../pruning/decide.ts';
import type { Policy } from '../pruning/policy.ts';
import { PUBLISHED_SEED } from '../dedup/dedup.ts';
import { decodeErrorCodes, decodeReasons } from '../operators/decode/reasons.ts';
import { operatorSpecs } from '../operators/specs.ts';
import { schemaErrorCodes } from '../schemas/reasons.ts';
import { outputTopics } from '../stages/start.ts';
import { topicNames } from '../runtime/topics.ts';
import { type ConfigOptions, loadTopology } from './load-topology.ts';
import type { Terminal } from './terminal.ts';

interface DescribeOptions extends ConfigOptions {
  readonly format: 'text' | 'mermaid' | 'json' | 'schema';
}

/** `riffle describe`. */
export async function describeCommand(name: string, options: DescribeOptions, terminal: Terminal): Promise<void> {
  process.stdout.write(await describe(name, options, terminal.variable));
}

export async function describe(
  name: string,
  options: DescribeOptions,
  variable?: Terminal['variable'],
): Promise<string> {
  const { topology, config, policy } = await loadTopology(name, options, variable);
  switch (options.format) {
    case 'text':
      return describeText(topology, config, policy);
    case 'mermaid':
      return describeMermaid(config, policy);
    case 'json':
      return describeJson(topology, config, policy);
    case 'schema':
      return `${JSON.stringify(configJsonSchema(), null, 2)}\n`;
  }
}

/** JSON Schema of a configuration file: what an editor completes and checks. */
export const configJsonSchema = () => z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' });

/** The whole topology as text: a golden file in review (test/golden). */
export function describeText(topology: Topology, config: Config, policy: Policy): string {
  const topics = topicNames(config.app, config.topics);
  const lines: string[] = [`topology ${topology.name}`, `  ${topology.summary}`, ''];
  const stage = (name: string, from: string, to: string) => lines.push(`stage ${name.padEnd(10)} ${from}  ->  ${to}`);
  stage('sift', topics.raw, `${topics.sifted}, ${topics.sketches}`);
  stage('index', topics.sketches, topics.verdicts);
  stage('curate', `${topics.sifted}, ${topics.verdicts}, ${topics.policy}`, `outputs, ${topics.observations}`);
  stage('controller', topics.observations, topics.policy);
  lines.push('', 'outputs', ...outputTopics(policy).map((topic) => `  ${topic}`), '', 'operators, in order');
  lines.push(`  ${'decode'.padEnd(12)} format by content, then one document a record`);
  for (const name of topology.operators) lines.push(`  ${name.padEnd(12)} ${operatorSpecs[name].summary}`);
  lines.push(`  ${'fingerprint'.padEnd(12)} sketch, band keys and exact key of the normalised text`, '', 'signals');
  for (const name of topology.operators) for (const signal of operatorSpecs[name].signals) lines.push(`  ${signal}`);
  lines.push(
    '  dedup',
    ...config.scoring.scorers.map((scorer) => `  ${scorer}`),
    '',
    'reasons, in the order in which the first one counts',
  );
  for (const reason of reasonsOf(topology, policy)) lines.push(`  ${reason}`);
  lines.push(
    '',
    'dead letters',
    ...deadLetterCodes.map((code) => `  ${code}`),
    '',
    `policy ${policy.name}@${policy.version}`,
  );
  lines.push(...flatten(policy, '').map(([key, value]) => `  ${key} = ${value}`), '', 'configuration');
  const { policy: _policy, ...rest } = withoutSecrets(config);
  lines.push(...flatten(rest, '').map(([key, value]) => `  ${key} = ${value}`), '');
  return lines.join('\n');
}

export const deadLetterCodes: readonly string[] = [
  ...decodeErrorCodes,
  'output.tooLarge',
  'retry.notFound',
  ...schemaErrorCodes,
  'score.nan',
  'sift.crash',
  'sift.reasonLost',
  'curate.crash',
  'sift.timeout',
];

export function reasonsOf(topology: Topology, policy: Policy): string[] {
  const decode = topology.operators.includes('extract')
    ? [...decodeReasons, ...operatorSpecs.extract.reasons]
    : decodeReasons;
  const rules = topology.operators.filter((name) => name !== 'extract').flatMap((name) => operatorSpecs[name].reasons);
  const dedup = decisionReasons.filter((reason) => reason.startsWith('dedup.'));
  const quality = policy.quality.length > 0 ? ['quality.threshold'] : [];
  return [...decode, ...policy.gates.map(gateReason), ...rules, ...dedup, ...quality];
}

function describeMermaid(config: Config, policy: Policy): string {
  const topics = topicNames(config.app, config.topics);
  const { raw, sifted, sketches, verdicts, policy: policyTopic, observations, repairs } = topics;
  const edges = [
    [raw, 'SIFT'],
    ['SIFT', sifted],
    ['SIFT', sketches],
    [sketches, 'INDEX'],
    ['INDEX', verdicts],
    [sifted, 'CURATE'],
    [verdicts, 'CURATE'],
    [policyTopic, 'CURATE'],
    ['CURATE', observations],
    [observations, 'CONTROLLER'],
    ['CONTROLLER', policyTopic],
    ['INDEX', repairs],
    ['CURATE', repairs],
    [repairs, 'SIFT'],
    [repairs, 'INDEX'],
    ...outputTopics(policy).map((topic) => ['CURATE', topic]),
  ];
  const node = (name: string) =>
    name === name.toUpperCase()
      ? `${name}([${name.toLowerCase()}])`
      : `${name.replaceAll(/[^a-zA-Z0-9]/g, '_')}[${JSON.stringify(name)}]`;
  return `flowchart LR\n${edges.map(([from, to]) => `  ${node(from!)} --> ${node(to!)}`).join('\n')}\n`;
}

/** A seed that somebody chose keeps others from preparing pages: it is not for screens and tickets. */
function withoutSecrets(config: Config): Config {
  const { dedup } = config;
  return dedup.seed === PUBLISHED_SEED ? config : { ...config, dedup: { ...dedup, seed: '(secret)' } };
}

function describeJson(topology: Topology, config: Config, policy: Policy): string {
  const description = {
    topology,
    topics: topicNames(config.app, config.topics),
    outputs: outputTopics(policy),
    reasons: reasonsOf(topology, policy),
    deadLetters: deadLetterCodes,
    policy,
    config: withoutSecrets(config),
  };
  return `${JSON.stringify(description, null, 2)}\n`;
}

function flatten(value: unknown, prefix: string): [string, string][] {
  if (
    typeof value !== 'object' ||
    value === null ||
    (Array.isArray(value) && value.every((item) => typeof item !== 'object'))
  )
    return [[prefix, JSON.stringify(value)]];
  return Object.entries(value).flatMap(([key, inner]) => flatten(inner, prefix === '' ? key : `${prefix}.${key}`));
}
