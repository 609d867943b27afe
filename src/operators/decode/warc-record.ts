import { decodeError } from './reasons.ts';
import type { DecodedDocument, DecodeLimits, DecodeRejection, RawRecord } from './types.ts';

/** Not yet written. */
export function decodeWarc(_record: RawRecord, _limits: DecodeLimits): DecodedDocument | DecodeRejection {
  throw decodeError('decode.unsupported', 'WARC record; not yet decoded');
}
