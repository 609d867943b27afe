import path from 'node:path';
import { identityOf, RETRY_OF } from '../model/record.ts';
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
  readonly key?: string | null;
  /** Of a stream: where the letter itself lies on the topic of dead letters. */
  readonly at?: { readonly partition: number; readonly offset: string };
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

export const identityOfLetter = ({ position }: Pick<DeadLetter, 'position'>): string =>
  identityOf({ ...position, offset: BigInt(position.offset) });

/** Where the record lies in the source: its own position, or that of the first one when it is the retry of one. */
export const originOf = (letter: Omit<DeadLetter, 'value'>): OutputPosition =>
  (letter.at === undefined ? retryOf(letter) : retryOfMessage(letter)) ?? letter.position;

/** A header is what its sender wrote. */
function retryOfMessage({ headers }: Omit<DeadLetter, 'value'>): OutputPosition | undefined {
  try {
    const origin = JSON.parse(headers[RETRY_OF] ?? '') as OutputPosition;
    return /^\d+$/.test(origin.offset) && origin.topic !== undefined && origin.partition !== undefined
      ? origin
      : undefined;
  } catch {
    return undefined;
  }
}
