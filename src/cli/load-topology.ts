import path from 'node:path';
import { type Topology, topologyNames } from '../../topologies/topology.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { ConfigError } from '../errors.ts';
import type { Policy } from '../pruning/policy.ts';
import { resolvePolicy } from '../pruning/resolve.ts';
import { requireCascades } from '../scoring/cascade.ts';
import { loadScorers, shippedModels } from '../scoring/load.ts';
import { modelsFolder } from '../scoring/models-folder.ts';
import type { ScorerSet } from '../scoring/stage0.ts';

/** Options of every command that reads a configuration. */
export interface ConfigOptions {
  readonly config?: string;
  readonly set: readonly string[];
}

export interface Loaded {
  readonly topology: Topology;
  readonly config: Config;
  readonly scorers: ScorerSet | undefined;
  readonly policy: Policy;
}

const topologies: Readonly<Record<Topology['name'], () => Promise<{ default: Topology }>>> = {
  'web-crawl': () => import('../../topologies/web-crawl.ts'),
  text: () => import('../../topologies/text.ts'),
  dedup: () => import('../../topologies/dedup.ts'),
};

/** Everything that a topology needs, read and checked before anything is processed; `variable` is one of the environment. @throws ConfigError */
export async function loadTopology(
  name: string,
  options: ConfigOptions,
  variable: (name: string) => string | undefined = () => undefined,
): Promise<Loaded> {
  const known = topologyNames.find((one) => one === name);
  if (known === undefined)
    throw new ConfigError(
      'topology',
      `topology ${name}; there is none of that name; choose one of ${topologyNames.join(', ')}`,
    );
  const { default: topology } = await topologies[known]();
  const config = loadConfig({ topology: name, file: options.config, set: options.set });
  const { scorers: names, directory, models } = config.scoring;
  const scorers = names.length === 0 ? undefined : loadNamed(names, directory, models ?? modelsFolder(variable));
  const loaded = [...(scorers?.scorers ?? []), ...(scorers?.encoders ?? [])];
  const policy = resolvePolicy(
    config.policy,
    loaded.map(({ manifest }) => manifest),
  );
  return { topology, config, scorers, policy };
}

/** @throws ConfigError that names the key beside the file. */
function loadNamed(names: readonly string[], directory: string | undefined, models: string): ScorerSet {
  const folders = directory === undefined ? [shippedModels] : [path.resolve(directory), shippedModels];
  try {
    const set = loadScorers(folders, names, path.resolve(models));
    requireCascades(set);
    return set;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const key = directory === undefined ? 'scoring.scorers' : 'scoring.directory';
    throw new ConfigError(error.code, `${key}, ${error.message}`, { cause: error });
  }
}
