import { type ScorerManifest, manifestThreshold, referencePercentile } from '../scoring/manifest.ts';
import type { Policy, PolicyDocument } from './policy.ts';

/** The policy as it is published: cuts named after a manifest become the manifest's numbers. @throws ConfigError for one that it lacks. */
export function resolvePolicy(document: PolicyDocument, manifests: readonly ScorerManifest[]): Policy {
  const manifestOf = (scorer: string) => manifests.find(({ name }) => name === scorer)!;
  return {
    ...document,
    gates: document.gates.map((gate) => ({
      ...gate,
      above: gate.above === 'manifest' ? manifestThreshold(manifestOf(gate.scorer), 'quarantine').value : gate.above,
    })),
    quality: document.quality.map((rule) => ({
      ...rule,
      atLeast:
        typeof rule.atLeast === 'number'
          ? rule.atLeast
          : referencePercentile(manifestOf(rule.scorer), Number(rule.atLeast.slice('reference:'.length))),
    })),
  };
}
