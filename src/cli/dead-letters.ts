import path from 'node:path';
import { identityOf } from '../model/record.ts';
import {
  outputFiles,
  outputLines,
  type OutputPosition,
  type OutputRecord,
  parseRecord,
  retryOf,
} from './find-records.ts';

/** A line of `dead-letter.*` (contract: records). */
export interface DeadLetter extends OutputRecord {
  readonly error: NonNullable<OutputRecord['error']>;
  readonly headers: Readonly<Record<string, string>>;
  readonly timestamp?: string | null;
  readonly value: string;
  readonly encoding: 'utf-8' | 'base64';
  /** Bytes of the whole record. */
  readonly valueBytes: number;
  /** `value` holds its beginning only. */
  readonly truncated: boolean;
  readonly sha256?: string;
}

export async function* readDeadLetters(output: string, state: string): AsyncGenerator<DeadLetter> {
  for (const file of outputFiles(output, state)) {
    if (!path.basename(file).startsWith('dead-letter.')) continue;
    for await (const line of outputLines(file)) {
      const letter = parseRecord(line);
      if (letter?.error !== undefined) yield letter as DeadLetter;
    }
  }
}

export const identityOfLetter = ({ position }: DeadLetter): string =>
  identityOf({ ...position, offset: BigInt(position.offset) });

/** Where the record lies in the source: its own position, or that of the first one when it is the retry of one. */
export const originOf = (letter: DeadLetter): OutputPosition => retryOf(letter) ?? letter.position;
