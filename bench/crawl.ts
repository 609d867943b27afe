import { createHash } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import type { EvaluationPage } from '../src/operators/extract/evaluation.ts';

/**
 * Writes pages as a crawl would: one gzip member a response, in rounds over the pages until there are `count`, each with a URL of its own.
 * A page of a later round says so in its text, so that it is a near duplicate and not the same bytes again. Returns the bytes of the HTML.
 */
export function writeCrawl(file: string, pages: readonly EvaluationPage[], count: number): number {
  const fd = openSync(file, 'w');
  let bytes = 0;
  try {
    for (let i = 0; i < count; i++) {
      const round = Math.floor(i / pages.length);
      const { html, file: name } = pages[i % pages.length]!;
      const text = round === 0 ? html : html.replace(/<\/p>/i, ` Copy ${round}.</p>`);
      const body = Buffer.from(text);
      bytes += body.length;
      writeSync(fd, gzipSync(response(`https://pages-${round}.example/${encodeURIComponent(name)}`, body)));
    }
  } finally {
    closeSync(fd);
  }
  return bytes;
}

function response(url: string, body: Buffer): Buffer {
  const http = `HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: ${body.length}\r\n\r\n`;
  const digest = createHash('sha256').update(url).digest('hex');
  const id = `${digest.slice(0, 8)}-${digest.slice(8, 12)}-4${digest.slice(13, 16)}-8${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
  const header = [
    'WARC/1.0',
    'WARC-Type: response',
    `WARC-Target-URI: ${url}`,
    'WARC-Date: 2026-01-01T00:00:00Z',
    `WARC-Record-ID: <urn:uuid:${id}>`,
    'Content-Type: application/http; msgtype=response',
    `Content-Length: ${http.length + body.length}`,
  ];
  return Buffer.concat([Buffer.from(`${header.join('\r\n')}\r\n\r\n${http}`), body, Buffer.from('\r\n\r\n')]);
}
