import { decodeText } from './charset.ts';
import { decodeBody, parseResponse } from './http-message.ts';
import { decodeError } from './reasons.ts';
import type { DecodedDocument, DecodeLimits, DecodeRejection, RawRecord } from './types.ts';

const htmlTypes: ReadonlySet<string> = new Set(['text/html', 'application/xhtml+xml']);
const textTypes: ReadonlySet<string> = new Set(['text/plain', 'text/markdown', 'text/x-markdown']);
const acceptedTypes = [...htmlTypes, ...textTypes].join(', ');

/** A WARC response, resource or conversion record (WET). Throws RecordError; rejects other statuses than 2xx and what is not text or HTML. */
export function decodeWarc(record: RawRecord, limits: DecodeLimits): DecodedDocument | DecodeRejection {
  const fields = record.headers ?? {};
  if (fields['warc-type']?.toLowerCase() === 'continuation') {
    throw decodeError('decode.unsupported', 'WARC record; part of a segmented record; join the segments before');
  }
  const id = bare(fields['warc-record-id']);
  const url = bare(fields['warc-target-uri']);
  const timestamp = fields['warc-date'];
  const identity = { ...(id ? { id } : {}), ...(url ? { url } : {}), ...(timestamp ? { timestamp } : {}) };
  const block = Buffer.from(record.bytes.buffer, record.bytes.byteOffset, record.bytes.byteLength);

  const blockType = mediaType(fields['content-type']);
  const isHttp = blockType === 'application/http' || (blockType === '' && block.toString('latin1', 0, 5) === 'HTTP/');
  if (!isHttp) return document(identity, block, fields['content-type'] ?? '', fields);

  const response = parseResponse(block);
  if (response.status < 200 || response.status > 299) {
    return { rejected: 'decode.httpStatus', value: response.status, limit: '200-299', ...identity };
  }
  const contentType = response.fields['content-type'] ?? '';
  const type = mediaType(contentType);
  if (type !== '' && !isAccepted(type)) {
    return { rejected: 'decode.contentType', value: type.slice(0, 100), limit: acceptedTypes, ...identity };
  }
  return document(identity, decodeBody(response, limits), contentType, fields, response.status);
}

function document(
  identity: { id?: string; url?: string; timestamp?: string },
  body: Buffer,
  contentType: string,
  fields: Readonly<Record<string, string>>,
  httpStatus?: number,
): DecodedDocument | DecodeRejection {
  const declared = mediaType(contentType);
  const type = declared === '' ? sniffType(body) : declared;
  if (!isAccepted(type))
    return { rejected: 'decode.contentType', value: type.slice(0, 100), limit: acceptedTypes, ...identity };

  const isHtml = htmlTypes.has(type);
  const charset = /charset\s*=\s*["']?\s*([\w.:-]+)/i.exec(contentType)?.[1];
  const content = decodeText(body, charset, isHtml);
  if (!isHtml && content.trim() === '') {
    throw decodeError('decode.noText', 'WARC record; its text has only blanks; leave it out');
  }
  const language = fields['warc-identified-content-language'];
  const metadata = {
    contentType: contentType === '' ? undefined : contentType,
    httpStatus,
    contentLanguage: language,
  };
  return {
    ...identity,
    ...(isHtml ? { html: content } : { text: content }),
    contentType: type,
    ...(httpStatus === undefined ? {} : { httpStatus }),
    metadataJson: JSON.stringify(metadata),
  };
}

function isAccepted(type: string): boolean {
  return htmlTypes.has(type) || textTypes.has(type);
}

/** `Text/HTML; charset=x` gives `text/html`; a repeated header counts once. */
function mediaType(header: string | undefined): string {
  return (header ?? '').split(/[;,]/, 1)[0]!.trim().toLowerCase();
}

/** For the few responses without a Content-Type: markup at the beginning is a page, NUL bytes are no text. */
function sniffType(body: Buffer): string {
  const head = body.toString('latin1', 0, 1024);
  if (/^[\s\xef\xbb\xbf]*<(?:!doctype\s+html|html|head|body|meta|title|!--|div|p|table)\b/i.test(head))
    return 'text/html';
  return head.includes('\0') ? 'application/octet-stream' : 'text/plain';
}

/** Record ids come in angle brackets, and so do the target URIs of some wget versions. */
function bare(value: string | undefined): string | undefined {
  return value?.replace(/^<(.*)>$/, '$1');
}
