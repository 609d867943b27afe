import zlib from 'node:zlib';
import { type HeaderFields, headerEnd, parseHeader } from './header-block.ts';
import { decodeError } from './reasons.ts';
import type { DecodeLimits } from './types.ts';

export interface HttpResponse {
  readonly status: number;
  readonly fields: HeaderFields;
  /** As stored: transfer and content encodings still on. */
  readonly body: Buffer;
}

/** A header that does not end before has no body behind it. */
const maxHeaderBytes = 256 * 1024;
/** Encodings on encodings: more than this is an attack, not a server. */
const maxEncodings = 4;

/** An HTTP response as a WARC block has it. Throws RecordError where there is no status line. */
export function parseResponse(block: Buffer): HttpResponse {
  const end = headerEnd(block, 0, maxHeaderBytes);
  const { first, fields } = parseHeader(block.toString('latin1', 0, end < 0 ? maxHeaderBytes : end));
  const status = /^(?:HTTP\/\d(?:\.\d)?|ICY)\s+(\d{3})(?:\s|$)/i.exec(first)?.[1];
  if (status === undefined) {
    const actual = `its first line is "${first.slice(0, 60)}"`;
    throw decodeError('decode.badHttp', `HTTP response; ${actual}; expected a status line such as "HTTP/1.1 200 OK"`);
  }
  return { status: Number(status), fields, body: block.subarray(end < 0 ? block.length : end) };
}

/**
 * The body with its encodings undone: chunked transfer, then gzip, deflate, br and zstd in reverse order of the header.
 * A cut-off body gives what there is of it. A body that is plain in spite of its header (crawlers that unpack and keep the header) is taken as it is.
 * Throws RecordError for data that is broken, an encoding that is not known, and more than `maxDecodedBytes`.
 */
export function decodeBody(response: HttpResponse, limits: DecodeLimits): Buffer {
  const { fields } = response;
  const transfer = encodings(fields['transfer-encoding']);
  const content = encodings(fields['content-encoding']);
  let body = transfer.includes('chunked') ? dechunk(response.body) : response.body;
  const stack = [...content, ...transfer.filter((name) => name !== 'chunked')];
  if (stack.length > maxEncodings) {
    throw decodeError('decode.badEncoding', `HTTP body; ${stack.length} encodings; at most ${maxEncodings} are undone`);
  }
  for (const name of stack.toReversed()) body = unpack(body, name, limits);
  return body;
}

function encodings(header: string | undefined): string[] {
  const names = (header ?? '').toLowerCase().split(',');
  return names
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'identity' && name !== 'none' && name !== 'utf-8');
}

/** Joins the chunks (RFC 9112, 7.1). Bytes that do not begin with a chunk size are no chunked body; a broken chunk ends it. */
export function dechunk(body: Buffer): Buffer {
  const joined = Buffer.allocUnsafe(body.length);
  let length = 0;
  let at = 0;
  while (at < body.length) {
    const size = chunkSize(body, at);
    if (size === undefined) {
      if (at === 0) return body;
      break;
    }
    if (size.bytes === 0) break;
    const end = size.next + size.bytes;
    length += body.copy(joined, length, size.next, end);
    at = end;
    if (body[at] === 13) at++;
    if (body[at] === 10) at++;
  }
  return joined.subarray(0, length);
}

/** The size line at index `at`: hexadecimal digits, blanks, an extension. */
function chunkSize(body: Buffer, at: number): { bytes: number; next: number } | undefined {
  let bytes = 0;
  let digit = at;
  for (; digit < at + 8; digit++) {
    const code = body[digit]! | 32; // lower case; digits have this bit already
    if (code >= 48 && code <= 57) bytes = bytes * 16 + code - 48;
    else if (code >= 97 && code <= 102) bytes = bytes * 16 + code - 87;
    else break;
  }
  const lineEnd = body.indexOf(10, digit);
  if (digit === at || lineEnd < 0 || lineEnd - at > 1024) return undefined;
  const behind = body[digit]!;
  return behind === 59 || behind <= 32 ? { bytes, next: lineEnd + 1 } : undefined;
}

function unpack(body: Buffer, name: string, limits: DecodeLimits): Buffer {
  if (body.length === 0) return body;
  const inflate = inflaterFor(body, name);
  if (!inflate) {
    if (looksPlain(body)) return body;
    throw decodeError(
      'decode.badEncoding',
      `HTTP body; its encoding "${name.slice(0, 40)}" does not fit its bytes; gzip, deflate, br and zstd are undone`,
    );
  }
  try {
    return inflate(limits.maxDecodedBytes);
  } catch (cause) {
    if (cause instanceof RangeError) {
      const message = `HTTP body; ${body.length} bytes unpack to more than ${limits.maxDecodedBytes}; raise source.maxDecodedBytes to read it`;
      throw decodeError('decode.bomb', message, cause);
    }
    if (looksPlain(body)) return body;
    const actual = cause instanceof Error ? cause.message : 'unknown';
    throw decodeError(
      'decode.badEncoding',
      `HTTP body; its ${name} data is broken (${actual}); fetch the page again`,
      cause,
    );
  }
}

/** A decoder that accepts a cut-off end; `undefined` where the bytes are not what the name says. */
function inflaterFor(body: Buffer, name: string): ((maxOutputLength: number) => Buffer) | undefined {
  const finishFlush = zlib.constants.Z_SYNC_FLUSH;
  switch (name) {
    case 'gzip':
    case 'x-gzip':
      if (body[0] !== 0x1f || body[1] !== 0x8b) return undefined;
      return (maxOutputLength) => zlib.gunzipSync(body, { finishFlush, maxOutputLength });
    case 'deflate':
      // The standard means zlib data; some servers send raw deflate.
      return (body[0]! & 0x0f) === 8 && (body[0]! * 256 + body[1]!) % 31 === 0
        ? (maxOutputLength) => zlib.inflateSync(body, { finishFlush, maxOutputLength })
        : (maxOutputLength) => zlib.inflateRawSync(body, { finishFlush, maxOutputLength });
    case 'br':
      return (maxOutputLength) =>
        zlib.brotliDecompressSync(body, { finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH, maxOutputLength });
    case 'zstd':
      if (body.length < 4 || body.readUInt32LE(0) !== 0xfd2fb528) return undefined;
      return (maxOutputLength) =>
        zlib.zstdDecompressSync(body, { finishFlush: zlib.constants.ZSTD_e_flush, maxOutputLength });
    default:
      return undefined;
  }
}

/** No NUL and hardly any control character at the beginning: text that somebody unpacked already. */
function looksPlain(body: Buffer): boolean {
  let controls = 0;
  const head = body.subarray(0, 1024);
  for (const byte of head) if (byte < 32 && byte !== 9 && byte !== 10 && byte !== 13 && byte !== 27) controls++;
  return controls * 100 <= head.length && head.length > 0;
}
