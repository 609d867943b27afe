import { RecordError } from '../errors.ts';

/** Why a message that came through a schema registry is a dead letter. Closed list; the schema's id is in the message. */
export const schemaErrorCodes = ['schema.badMagic', 'schema.mismatch', 'schema.unknownId'] as const;

export type SchemaErrorCode = (typeof schemaErrorCodes)[number];

/** The one way in which schemas make a dead letter. */
export function schemaError(code: SchemaErrorCode, message: string, cause?: unknown): RecordError {
  return new RecordError('schema', code, message, cause === undefined ? undefined : { cause });
}
