import { ConfigError } from '../errors.ts';
import { manifestThreshold, referencePercentile, type ScorerManifest } from '../scoring/manifest.ts';
import type { Policy, PolicyDocument } from './policy.ts';

/**
 * The policy as it is published: cuts named after a manifest become the manifest's numbers.
 * @throws ConfigError for a cut that the manifest lacks, and for an output that the scorer does not have: such a rule would never fire.
 */
export function resolvePolicy(document: PolicyDocument, manifests: readonly ScorerManifest[]): Policy {
  const manifestOf = (scorer: string, key: string) => {
    const manifest = manifests.find(({ name }) => name === scorer);
    if (manifest === undefined)
      throw new ConfigError('policy-scorer', `${key}; ${scorer}; no such scorer is loaded; add it to scoring.scorers`);
    return manifest;
  };
  return {
    ...document,
    gates: document.gates.map(({ scorer, axis, above }, i) => {
      const manifest = manifestOf(scorer, `policy.gates.${i}.scorer`);
      requireAxis(manifest, axis, `policy.gates.${i}.axis`);
      return { scorer, axis, above: above === 'manifest' ? quarantineCut(manifest, axis, i) : above };
    }),
    quality: document.quality.map(({ scorer, atLeast }, i) => {
      const manifest = manifestOf(scorer, `policy.quality.${i}.scorer`);
      if (manifest.outputs.length > 1)
        throw new ConfigError(
          'policy-scorer',
          `policy.quality.${i}.scorer; ${scorer} gives ${axesOf(manifest)}; name a scorer with a single output, or write a gate`,
        );
      if (typeof atLeast === 'number') return { scorer, atLeast };
      const percent = Number(atLeast.slice('reference:'.length));
      return { scorer, atLeast: named(`policy.quality.${i}.atLeast`, () => referencePercentile(manifest, percent)) };
    }),
  };
}

/** What the manifest says is missing, with the key that asked for it. */
function named<T>(key: string, get: () => T): T {
  try {
    return get();
  } catch (cause) {
    if (cause instanceof ConfigError) throw new ConfigError(cause.code, `${key}; ${cause.message}`, { cause });
    throw cause;
  }
}

const axesOf = ({ outputs }: ScorerManifest): string => outputs.map(({ axis }) => axis).join(', ');

function requireAxis(manifest: ScorerManifest, axis: string, key: string): void {
  if (!manifest.outputs.some((output) => output.axis === axis))
    throw new ConfigError('policy-axis', `${key}; ${axis}; name an output of ${manifest.name}: ${axesOf(manifest)}`);
}

/** A manifest ships its quarantine cut for one of its outputs. */
function quarantineCut(manifest: ScorerManifest, axis: string, i: number): number {
  const cut = named(`policy.gates.${i}.above`, () => manifestThreshold(manifest, 'quarantine'));
  if (cut.axis === axis) return cut.value;
  throw new ConfigError(
    'policy-axis',
    `policy.gates.${i}.above; manifest, but ${manifest.name} ships a cut for ${cut.axis} only, not for ${axis}; give a number`,
  );
}
