import { RecordError } from '../../errors.ts';

/** Why decoding rejects a readable record. Closed list. */
export const decodeReasons = ['decode.httpStatus', 'decode.contentType'] as const;

/** Why decoding dead-letters a record. Closed list; the meaning of each is in docs/reference/inputs.md. */
export const decodeErrorCodes = [
  'decode.badEncoding',
  'decode.badHttp',
  'decode.badJson',
  'decode.badLength',
  'decode.badParquet',
  'decode.badWarc',
  'decode.bomb',
  'decode.invalidUtf8',
  'decode.noText',
  'decode.notObject',
  'decode.tooLarge',
  'decode.truncated',
  'decode.unsupported',
  'decode.wrongType',
] as const;

export type DecodeReason = (typeof decodeReasons)[number];
export type DecodeErrorCode = (typeof decodeErrorCodes)[number];

/** The one way in which decoding makes a dead letter. */
export function decodeError(code: DecodeErrorCode, message: string, cause?: unknown): RecordError {
  return new RecordError('decode', code, message, cause === undefined ? undefined : { cause });
}
