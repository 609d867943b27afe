/** Which records an encoder is asked for, by what a cheaper scorer says of them. */
import { ConfigError } from '../errors.ts';
import type { EncoderManifest } from './manifest-encoder.ts';
import type { ScorerSet } from './scorer-set.ts';
import type { Scores } from './stage0.ts';

/** What becomes of a record: not asked for; asked for, because it is in doubt; or because it was drawn from those that are not. */
export const cascadePaths = ['skipped', 'doubt', 'sample'] as const;
export const SKIPPED = 0;
export const DOUBT = 1;
export const SAMPLE = 2;

/** @param drawn a number from 0 to 1, not including 1, that is the record's own for this scorer */
export function cascadePath({ cascade }: EncoderManifest, scores: Scores, drawn: () => number): number {
  if (cascade === undefined) return DOUBT;
  const score = scoreOf(scores, cascade.of, cascade.axis);
  if (score === undefined || score >= cascade.cut) return DOUBT;
  return drawn() < cascade.sampleRate ? SAMPLE : SKIPPED;
}

/** Whether the encoder finds that a record should not have been left to the cheaper scorer. */
export function isOverCut({ name, thresholds: { quarantine } }: EncoderManifest, scores: Scores): boolean {
  const score = quarantine && scoreOf(scores, name, quarantine.axis);
  return score !== undefined && score > quarantine!.value;
}

/** Without a language in its manifest a scorer is good for any. */
export const speaks = ({ languages }: EncoderManifest, language: string): boolean =>
  languages.length === 0 || languages.includes(language);

function scoreOf(scores: Scores, scorer: string, axis: string): number | undefined {
  const score = scores[scorer];
  return typeof score === 'object' ? score[axis] : score;
}

/** @throws ConfigError for a scorer that an encoder builds on and that is not in the set, or has no such axis: it would be left out silently */
export function requireCascades({ scorers, encoders }: ScorerSet): void {
  for (const { manifest } of encoders) {
    const { name, cascade, outputs } = manifest;
    const mixes = outputs.flatMap(({ mix }) => (mix === undefined ? [] : [mix]));
    const wanted = [...(cascade === undefined ? [] : [{ scorer: cascade.of, axis: cascade.axis }]), ...mixes];
    for (const { scorer, axis } of wanted) {
      const table = scorers.find((one) => one.manifest.name === scorer);
      if (table?.manifest.outputs.some((output) => output.axis === axis)) continue;
      const [what, remedy] =
        table === undefined
          ? [`${scorer}, which is not loaded`, 'add it to scoring.scorers']
          : [`${axis} of ${scorer}, which has no such axis`, 'correct its manifest'];
      throw new ConfigError('scorer-cascade', `scorer ${name}; it builds on ${what}; ${remedy}`);
    }
  }
}
