/** Input decoding: files to raw records (`openSource`), raw records to documents (`decodeRecord`). */
export { decodeText } from './charset.ts';
export { decodeRecord, isRejection } from './decode.ts';
export { type ExpandedInputs, expandInputs } from './inputs.ts';
export { recordFromMessage } from './message.ts';
export { type DecodeErrorCode, type DecodeReason, decodeErrorCodes, decodeReasons } from './reasons.ts';
export { detectFormat, openSource, type SourceOptions, splitPlainLines } from './source.ts';
export * from './types.ts';
