import type { Failure } from '../model/reasons.ts';

/** A record on its way through the operators of sift. Operators read it; what they return is merged by the chain. */
export interface Draft {
  readonly url: string | undefined;
  readonly html: string | undefined;
  /** Undefined until something extracted or decoded it. */
  readonly text: string | undefined;
  /** Empty until identified. */
  readonly language: string;
}

export interface Effect {
  readonly text?: string;
  readonly language?: string;
  readonly title?: string;
  /** JSON members without braces, ready to be spliced into the output: `"language/lid176@1":{"label":"en","confidence":0.98}`. */
  readonly signals?: string;
  /** Every rule of this operator that the record broke. */
  readonly failures?: readonly Failure[];
  /** Nothing behind this operator can say anything about the record. */
  readonly stop?: boolean;
}

/** Pure: no I/O, no logging, no metrics, no memory of earlier records. @throws RecordError for a dead letter. */
export type Operator = (draft: Draft) => Effect | undefined;

/** What `riffle describe` prints of an operator and what the chain builds it from. */
export interface OperatorSpec {
  readonly name: string;
  readonly summary: string;
  /** Names of the signals it writes. */
  readonly signals: readonly string[];
  /** The closed list of reasons it can give. */
  readonly reasons: readonly string[];
}
