/** Where a raw record ends; exactly one for each. */
export type Outcome = 'curated' | 'rejected' | 'quarantine' | 'dead-letter';

export const outcomes: readonly Outcome[] = ['curated', 'rejected', 'quarantine', 'dead-letter'];

/**
 * A rule that a record broke.
 * `reason` is `<family>.<rule>` or `<family>@<profile>.<rule>`, from the closed list that `riffle describe` prints.
 */
export interface Failure {
  readonly reason: string;
  readonly value: number | string;
  readonly limit: number | string;
}

/** `gopher@datatrove.wordCount` → `gopher@datatrove`: what dashboards group by. */
export function reasonFamily(reason: string): string {
  const dot = reason.lastIndexOf('.');
  return dot < 0 ? reason : reason.slice(0, dot);
}
