import { broken } from './broken.ts';
import { copies } from './copies.ts';
import type { HttpAnswer } from './http.ts';
import { httpRequest, httpResponse } from './http.ts';
import { junk } from './junk.ts';
import { originals } from './originals.ts';
import type { Page } from './page.ts';
import { randomFrom } from './random.ts';
import type { WarcRecord } from './warc.ts';
import { gzipMembers, recordBytes, recordId } from './warc.ts';

/** What `truth.json` says of one input record, in the order of the crawl. */
export type Truth = Omit<Page, 'answer' | 'text'> & { id: string };

export interface Crawl {
  /** Records as they are inside the gzip members. */
  records: Buffer[];
  truth: Truth[];
  pages: Page[];
}

const startMs = Date.UTC(2025, 2, 3, 6, 0, 0);

/** The whole sample crawl, the same bytes at every call. */
export function buildCrawl(): Crawl {
  const pages = orderedPages();
  const seen = new Set<string>();
  for (const { url } of pages) {
    if (seen.has(url)) throw new Error(`${url}; planted twice; give one of them another path`);
    seen.add(url);
  }
  const records: Buffer[] = [];
  const truth: Truth[] = [];
  let clockMs = startMs;
  const write = (record: WarcRecord, name: string) => {
    const id = recordId(name);
    records.push(recordBytes(record, id, new Date(clockMs).toISOString().replace('.000Z', 'Z')));
    return id;
  };
  write(warcinfo(), 'warcinfo');
  for (const [at, page] of pages.entries()) {
    clockMs += 1000 * (7 + ((at * 31) % 53));
    const id = write(mainRecord(page, new Date(clockMs).toISOString()), `page ${page.url}`);
    truth.push(truthOf(page, id));
    if (page.record) continue;
    if (at % 4 === 0)
      write(
        {
          type: 'request',
          url: page.url,
          contentType: 'application/http; msgtype=request',
          block: httpRequest(page.url),
          extra: { 'WARC-Concurrent-To': id },
        },
        `request ${page.url}`,
      );
    if (at % 30 === 0)
      write(
        {
          type: 'metadata',
          url: page.url,
          contentType: 'application/warc-fields',
          block: Buffer.from(`fetchTimeMs: ${120 + at}\r\n`),
          extra: { 'WARC-Concurrent-To': id },
        },
        `metadata ${page.url}`,
      );
    if (at % 100 === 50) write(revisit(page, id), `revisit ${page.url}`);
  }
  clockMs += 60_000;
  const last = clippedTail(new Date(clockMs).toISOString());
  truth.push({ ...truthOf(last.page, write(last.record, 'tail')) });
  return { records, truth, pages };
}

export const crawlFile = (crawl: Crawl): Buffer => gzipMembers(crawl.records);

/** Originals and junk in random order, every copy somewhere after what it was made from. */
function orderedPages(): Page[] {
  const all = originals();
  const random = randomFrom('order');
  const place = new Map<string, number>();
  const first = [...all.map((original) => original.page), ...junk(all), ...broken(), ...otherRecords()];
  for (const page of first) place.set(page.url, random());
  const later = copies(all);
  for (const page of later) {
    const origin = place.get(page.copyOf ?? '') ?? 0;
    place.set(page.url, origin + (1 - origin) * (0.05 + 0.95 * random()));
  }
  return [...first, ...later].sort((a, b) => (place.get(a.url) ?? 0) - (place.get(b.url) ?? 0));
}

function mainRecord(page: Page, date: string): WarcRecord {
  if (page.record)
    return {
      type: page.record,
      url: page.url,
      contentType: page.answer.contentType,
      block: page.answer.body,
      payload: page.answer.body,
    };
  const { block, payload } = httpResponse(page.answer, date);
  return { type: 'response', url: page.url, contentType: 'application/http; msgtype=response', block, payload };
}

function truthOf(page: Page, id: string): Truth {
  const { answer: _answer, text: _text, ...rest } = page;
  const rounded = rest.similarity === undefined ? {} : { similarity: Math.round(rest.similarity * 1000) / 1000 };
  return { id, ...rest, ...rounded };
}

/** Records that are neither request nor response: a text file, a stored page, plain text as a converter left it. */
function otherRecords(): Page[] {
  const answer = (contentType: string, text: string): HttpAnswer => ({
    status: 200,
    contentType,
    body: Buffer.from(text),
  });
  const note =
    'These notes describe how the sample was collected. The pages come from sites that do not exist, and the people in them were made up for the purpose. Nobody was asked for permission because there was nobody to ask. The crawler visited every site once, waited a few seconds between two pages, and kept what it was given, errors included. If you find a page here that seems familiar, it is a coincidence, or it is one of the copies that were planted on purpose.';
  const robots =
    '<html><body><h1>About this archive</h1><p>The archive keeps one copy of each page as it was on the day of the visit. It is not a search engine, and it does not follow links that a site has asked it to leave alone. Every record carries the address, the time and a digest of what was received, so that a reader can tell whether it has been changed since. The people who run it meet on Thursdays and are always glad of help with the older tapes.</p></body></html>';
  return [
    {
      url: 'https://archive.wendle-courier.example/collection-notes.txt',
      kind: 'conversion',
      language: 'en',
      expect: 'open',
      record: 'conversion',
      answer: answer('text/plain', note),
      text: note,
    },
    {
      url: 'https://archive.wendle-courier.example/about.html',
      kind: 'resource',
      language: 'en',
      expect: 'open',
      record: 'resource',
      answer: answer('text/html', robots),
    },
  ];
}

function warcinfo(): WarcRecord {
  const fields = [
    'software: riffle samples/generate.ts',
    'format: WARC File Format 1.1',
    'conformsTo: http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/',
    'description: a made-up crawl; see samples/README.md',
  ];
  return {
    type: 'warcinfo',
    contentType: 'application/warc-fields',
    block: Buffer.from(`${fields.join('\r\n')}\r\n`),
    extra: { 'WARC-Filename': 'crawl.warc.gz' },
  };
}

function revisit(page: Page, id: string): WarcRecord {
  const extra = {
    'WARC-Profile': 'http://netpreserve.org/warc/1.1/revisit/identical-payload-digest',
    'WARC-Refers-To': id,
    'WARC-Refers-To-Target-URI': page.url,
  };
  return {
    type: 'revisit',
    url: page.url,
    contentType: 'application/http; msgtype=response',
    block: Buffer.from('HTTP/1.1 304 Not Modified\r\nServer: nginx\r\n\r\n'),
    extra,
  };
}

/** The last record: it promises more bytes than the file has, as when a crawler was stopped. */
function clippedTail(date: string): { page: Page; record: WarcRecord } {
  const url = 'https://www.wendle-courier.example/story/unfinished.html';
  const body = Buffer.from(
    '<html><head><title>Unfinished</title></head><body><p>The crawler was stopped in the middle of this',
  );
  const answer: HttpAnswer = {
    status: 200,
    contentType: 'text/html; charset=utf-8',
    body,
    headers: { 'Content-Length': '18204' },
  };
  const { block, payload } = httpResponse(answer, date);
  const page: Page = { url, kind: 'clipped-tail', language: 'en', expect: 'dead-letter', answer };
  return {
    page,
    record: {
      type: 'response',
      url,
      contentType: 'application/http; msgtype=response',
      block,
      payload,
      claimedLength: block.length + 18204 - body.length,
    },
  };
}
