import { decodeText } from './charset.ts';
import { decodeJson } from './json-record.ts';
import { decodeError } from './reasons.ts';
import {
  type DecodedDocument,
  type DecodeLimits,
  type DecodeRejection,
  defaultDecodeLimits,
  type RawRecord,
} from './types.ts';
import { decodeWarc } from './warc-record.ts';

/**
 * One raw record to one document. Pure and synchronous. Throws RecordError for the record's own fault (a dead letter);
 * returns a rejection for a readable record that is no page (HTTP status, content type).
 * A record with `skipped` must not come here.
 */
export function decodeRecord(
  record: RawRecord,
  limits: DecodeLimits = defaultDecodeLimits,
): DecodedDocument | DecodeRejection {
  if (record.error) throw record.error;
  if (record.kind === 'warc') return decodeWarc(record, limits);
  if (record.kind === 'html') {
    return nonEmpty({ html: decodeText(record.bytes, undefined, true), contentType: 'text/html' });
  }
  if (record.kind === 'text') {
    return nonEmpty({ text: decodeText(record.bytes), contentType: 'text/plain' });
  }
  return decodeJson(record.bytes);
}

export function isRejection(decoded: DecodedDocument | DecodeRejection): decoded is DecodeRejection {
  return 'rejected' in decoded;
}

function nonEmpty(document: DecodedDocument): DecodedDocument {
  if ((document.text ?? document.html ?? '').trim() !== '') return document;
  throw decodeError('decode.noText', 'file; it has only blanks; leave it out');
}
