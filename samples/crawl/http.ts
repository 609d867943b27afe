import { brotliBody, gzipBody } from './codings.ts';

export interface HttpAnswer {
  status: number;
  contentType: string;
  body: Buffer;
  coding?: 'gzip' | 'br';
  chunked?: boolean;
  headers?: Record<string, string>;
}

const phrases: Record<number, string> = {
  200: 'OK',
  301: 'Moved Permanently',
  302: 'Found',
  403: 'Forbidden',
  404: 'Not Found',
  410: 'Gone',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** The bytes of an HTTP/1.1 response as they came over the wire, and the payload that its digest covers. */
export function httpResponse(answer: HttpAnswer, date: string): { block: Buffer; payload: Buffer } {
  const payload =
    answer.coding === 'gzip' ? gzipBody(answer.body) : answer.coding === 'br' ? brotliBody(answer.body) : answer.body;
  const fields: Record<string, string> = { Date: new Date(date).toUTCString(), ...answer.headers };
  if (answer.contentType) fields['Content-Type'] = answer.contentType;
  if (answer.coding) fields['Content-Encoding'] = answer.coding;
  if (answer.chunked) fields['Transfer-Encoding'] = 'chunked';
  else fields['Content-Length'] ??= String(payload.length);
  const head = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  const status = `HTTP/1.1 ${answer.status} ${phrases[answer.status] ?? 'Unknown'}\r\n`;
  const body = answer.chunked ? chunks(payload) : payload;
  return { block: Buffer.concat([Buffer.from(`${status}${head.join('')}\r\n`), body]), payload };
}

function chunks(payload: Buffer, sizeBytes = 1460): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < payload.length; at += sizeBytes) {
    const part = payload.subarray(at, at + sizeBytes);
    parts.push(Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n'));
  }
  parts.push(Buffer.from('0\r\n\r\n'));
  return Buffer.concat(parts);
}

export function httpRequest(url: string): Buffer {
  const { host, pathname, search } = new URL(url);
  const lines = [
    `GET ${pathname}${search} HTTP/1.1`,
    `Host: ${host}`,
    'User-Agent: riffle-sample/1.0',
    'Accept: text/html,*/*;q=0.5',
    'Connection: close',
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`);
}
