import path from 'node:path';
import type { Command } from 'commander';
import type { Topology } from '../../topologies/topology.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { ConfigError } from '../errors.ts';
import { resolvePolicy } from '../pruning/resolve.ts';
import type { Policy } from '../pruning/policy.ts';
import { loadScorers, shippedModels } from '../scoring/load.ts';
import type { ScorerSet } from '../scoring/stage0.ts';

export interface ConfigOptions {
  readonly config?: string;
  readonly set: readonly string[];
}

export const collect = (value: string, before: readonly string[]): string[] => [...before, value];

/** Options of every command that reads a configuration. */
export function withConfigOptions(command: Command): Command {
  return command
    .option('--config <file>', 'YAML file with settings; riffle.yaml when present')
    .option('--set <key=value>', 'one setting, repeatable: --set language.minConfidence=0.5', collect, []);
}

export const topologyNames = ['web-crawl', 'text', 'dedup'] as const;

export interface Loaded {
  readonly topology: Topology;
  readonly config: Config;
  readonly scorers: ScorerSet | undefined;
  readonly policy: Policy;
}

/** Everything that a topology needs, read and checked before anything is processed. @throws ConfigError */
export async function loadTopology(name: string, options: ConfigOptions): Promise<Loaded> {
  const known: readonly string[] = topologyNames;
  if (!known.includes(name))
    throw new ConfigError(
      'topology',
      `topology ${name}; there is none of that name; choose one of ${known.join(', ')}`,
    );
  const { default: topology } = (await import(`../../topologies/${name}.ts`)) as { default: Topology };
  const config = loadConfig({ topology: name, file: options.config, set: options.set });
  const { scorers: names, directory } = config.scoring;
  const scorers =
    names.length === 0
      ? undefined
      : loadScorers(directory === undefined ? shippedModels : path.resolve(directory), names);
  const policy = resolvePolicy(config.policy, scorers?.scorers.map(({ manifest }) => manifest) ?? []);
  return { topology, config, scorers, policy };
}
