/** Each is `<name>.ts` and `<name>.yaml`. */
export const topologyNames = ['web-crawl', 'text', 'dedup'] as const;

/** A topology is a pure value: which operators sift runs, in order, and which stages follow. Its numbers are in the YAML file beside it. */
export interface Topology {
  readonly name: (typeof topologyNames)[number];
  readonly summary: string;
  /** Operators of sift, in order; `decode` is always first and `fingerprint` always last. */
  readonly operators: readonly OperatorName[];
  readonly scores: boolean;
}

export type OperatorName = 'extract' | 'url' | 'language' | 'rules';
