/** Where dead letters lie and how they are put back: in the folder of a run, or on the topics of a stream. */
import type { DeadLetter } from './dead-letters.ts';

/** Its value is read again when it is needed: many letters are chosen at once. */
export type Chosen = Omit<DeadLetter, 'value'>;

export interface Refused {
  readonly letter: string;
  readonly reason: string;
}

export interface RetryReport {
  /** Identities, as those below. */
  readonly putBack: readonly string[];
  /** Asked for, but put back before: what became of them is in the outputs. */
  readonly already: readonly string[];
  /** Asked for, but it cannot be done; only on a stream. */
  readonly refused?: readonly Refused[];
}

export interface DeadLetterPlace {
  /** For people. */
  readonly name: string;
  /** Options that name it in a next command. */
  readonly options: string;
  letters(): AsyncIterable<DeadLetter>;
  /** Identities of the letters that were put back. */
  putBack(): Promise<ReadonlySet<string>>;
  /** Puts back what is not put back yet, as it finds it then. */
  retry(chosen: readonly Chosen[]): Promise<RetryReport>;
  /** What a person does now, so that the records are decided again. */
  readonly afterRetry: readonly string[];
  close(): Promise<void>;
}
