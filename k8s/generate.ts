/** `npm run k8s` writes k8s/manifests from the code's own names; a test holds the committed files to it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { stringify } from 'yaml';
import { loadTopology } from '../src/cli/load-topology.ts';
import { configMap } from './config.ts';
import { scaledObject, triggerAuthentication } from './scaling.ts';
import { type Settings, settings as defaults, stages } from './settings.ts';
import { kafkaTopics } from './topics.ts';
import { kafkaUsers } from './users.ts';
import { deployment, disruptionBudget, indexService, indexSet } from './workloads.ts';

export const folder: string = path.join(import.meta.dirname, 'manifests');

/** What each file holds, as values. */
export async function resources(settings: Settings = defaults): Promise<Readonly<Record<string, readonly object[]>>> {
  const { policy } = await loadTopology(settings.topology, { set: [] });
  return {
    'config.yaml': [configMap(settings)],
    'topics.yaml': kafkaTopics(settings, policy),
    'users.yaml': kafkaUsers(settings, policy),
    'sift.yaml': [deployment(settings, 'sift')],
    'index.yaml': [indexSet(settings), indexService(settings)],
    'curate.yaml': [deployment(settings, 'curate')],
    'controller.yaml': [deployment(settings, 'controller')],
    'disruption.yaml': stages.map((stage) => disruptionBudget(settings, stage)),
    'scaling.yaml': [triggerAuthentication(settings), scaledObject(settings, 'sift'), scaledObject(settings, 'curate')],
  };
}

/** The text of each file. YAML 1.1 decides what is quoted: Kubernetes reads `y` and `on` as booleans. */
export async function manifests(settings: Settings = defaults): Promise<Readonly<Record<string, string>>> {
  const files = await resources(settings);
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: Object.keys(files),
  };
  const text = (documents: readonly object[]): string =>
    `# Written by npm run k8s from k8s/*.ts: change it there.\n${documents
      .map((document) => stringify(document, { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false }))
      .join('---\n')}`;
  return Object.fromEntries(
    [...Object.entries(files), ['kustomization.yaml', [kustomization]] as const].map(([name, documents]) => [
      name,
      text(documents),
    ]),
  );
}

if (import.meta.main) {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(await manifests())) writeFileSync(path.join(folder, name), text);
}
