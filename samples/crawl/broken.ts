import type { Article } from './article.ts';
import { plainText, readArticles } from './article.ts';
import { gzipBody } from './codings.ts';
import type { Expectation, Page } from './page.ts';
import { rawPage } from './page.ts';

const page = (title: string, text: string) =>
  `<html><head><title>${title}</title></head><body><h1>${title}</h1><p>${text}</p></body></html>`;

/** Answers of a server that are not a page: errors, redirects, other media types. */
function notPages(): Page[] {
  const errors: [number, string][] = [
    [404, 'Not Found'],
    [404, 'Page not found'],
    [404, 'No such article'],
    [410, 'Gone'],
    [403, 'Forbidden'],
    [403, 'Access denied'],
    [500, 'Internal Server Error'],
    [503, 'Service Unavailable'],
    [429, 'Too Many Requests'],
    [301, 'Moved Permanently'],
    [301, 'Moved'],
    [302, 'Found'],
  ];
  const status = errors.map(([code, phrase], at) => {
    const headers = code < 400 ? { Location: `https://www.wendle-courier.example/story/${at}.html` } : {};
    const html = page(
      `${code} ${phrase}`,
      'The requested address could not be served. Please go back to the start page.',
    );
    return {
      ...rawPage(`https://www.wendle-courier.example/old/${at}`, 'http-status', 'en', 'rejected', html, {
        status: code,
        headers,
      }),
      reason: 'decode.httpStatus',
    };
  });
  const media: [string, string, Buffer][] = [
    [
      'report.pdf',
      'application/pdf',
      Buffer.from('%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n'),
    ],
    [
      'leaflet.pdf',
      'application/pdf',
      Buffer.from('%PDF-1.7\n%\u00e2\u00e3\n1 0 obj<</Pages 2 0 R>>endobj\n%%EOF\n', 'latin1'),
    ],
    [
      'logo.png',
      'image/png',
      Buffer.from(
        'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
        'base64',
      ),
    ],
    ['photo.jpg', 'image/jpeg', Buffer.from('ffd8ffe000104a46494600010100000100010000ffd9', 'hex')],
    ['list.json', 'application/json', Buffer.from('{"items":[1,2,3]}')],
    ['song.mp3', 'audio/mpeg', Buffer.from('4944330300000000000a', 'hex')],
  ];
  const others = media.map(([name, contentType, body]) => ({
    ...rawPage(`https://files.wendle-courier.example/${name}`, 'media-type', 'xx', 'rejected', '', {
      contentType,
      body,
    }),
    reason: 'decode.contentType',
  }));
  return [...status, ...others];
}

function withoutText(): Page[] {
  const bodies: [string, string][] = [
    ['nothing', ''],
    ['shell', '<!DOCTYPE html><html><head><title></title></head><body></body></html>'],
    [
      'app',
      '<!DOCTYPE html><html><head><meta charset="utf-8"></head><body><div id="root"></div><script src="/static/main.9c1f.js"></script></body></html>',
    ],
    [
      'inline',
      '<html><body><script>document.write(unescape("%3Cp%3Eloading%3C/p%3E"));var state={"page":1};</script></body></html>',
    ],
    ['frames', '<html><frameset cols="20%,80%"><frame src="menu.htm"><frame src="main.htm"></frameset></html>'],
    ['pixel', '<html><body><img src="/blank.gif" width="1" height="1"></body></html>'],
    [
      'styles',
      '<html><head><style>body{background:#fff}.a{color:red}</style></head><body><svg><path d="M0 0L9 9"/></svg></body></html>',
    ],
  ];
  return bodies.map(([name, html]) => ({
    ...rawPage(`https://app.cloudish.example/${name}`, 'no-text', 'xx', 'rejected', html),
    reason: 'extract.empty',
  }));
}

/** Pages that browsers show and careless parsers lose; each carries a text of its own. */
function malformed(): Page[] {
  const [first, second, third, fourth] = readArticles('planted/malformed', (slug) => slug.slice(0, 2));
  if (!first || !second || !third || !fourth) throw new Error('planted/malformed; fewer than four texts; write four');
  const body = (article: Article) => plainText(article).split('\n');
  const unclosed = `<html><head><title>${first.title}</title><body><div><table><tr><td><b><i><h1>${body(first).join('<p>')}`;
  const crossed = `<!DOCTYPE html><html><body <div class="a" class=b id=x><p>stray</div></span>\n<b><i><p>${body(second).join('</b></p><p><i>')}</i></div></div></table></body></html></html><p>`;
  const nested = `<html><body>${'<div>'.repeat(600)}<p>${body(third).join('</p><p>')}</p>${'</div>'.repeat(599)}</body></html>`;
  const nul = `<html><head><title>\u0000</title></head><body><p>${body(fourth).join('</p>\u0000\u0001<p>')}</p><![CDATA[ x ]]><!-- never closed <p>comment`;
  const made: [Article, string][] = [
    [first, unclosed],
    [second, crossed],
    [third, nested],
    [fourth, nul],
  ];
  return made.map(([article, html], at) => {
    const url = `https://legacy.oldnet.example/broken/${at + 1}.html`;
    return { ...rawPage(url, 'malformed', article.language, 'curated', html), text: plainText(article) };
  });
}

/** The charset that is named is not the one that was used. */
function wrongCharset(): Page[] {
  return readArticles('planted/charset', (slug) => slug.slice(0, 2)).map((article, at) => {
    const html = page(article.title, plainText(article).replaceAll('\n', '</p><p>'));
    const twice = Buffer.from(Buffer.from(html, 'utf8').toString('latin1'), 'utf8');
    const body = at === 0 ? Buffer.from(html, 'latin1') : twice;
    return rawPage(
      `https://legacy.oldnet.example/charset/${at + 1}.html`,
      'wrong-charset',
      article.language,
      'open',
      '',
      { body },
    );
  });
}

/** Bodies that cannot be decoded at all: the record's own error. */
function undecodable(): Page[] {
  const html = Buffer.from(page('Half a page', 'This page was cut off while it was being sent. '.repeat(80)));
  const zipped = gzipBody(html);
  const flipped = Buffer.from(zipped);
  for (let at = 20; at < flipped.length; at += 7) flipped[at] = flipped[at]! ^ 0x5a;
  // A lenient reader may make something of a body that was only cut short; the others are beyond repair.
  const bodies: [string, Expectation, Buffer, Record<string, string>][] = [
    ['cut-gzip', 'open', zipped.subarray(0, Math.floor(zipped.length / 2)), { 'Content-Encoding': 'gzip' }],
    ['flipped-gzip', 'dead-letter', flipped, { 'Content-Encoding': 'gzip' }],
    ['not-gzip', 'dead-letter', Buffer.from('\u0001\u0002 this is not gzip at all'), { 'Content-Encoding': 'gzip' }],
    [
      'cut-deflate',
      'open',
      Buffer.concat([Buffer.from([0x78, 0x9c]), zipped.subarray(10, 40)]),
      { 'Content-Encoding': 'deflate' },
    ],
    [
      'bad-chunks',
      'open',
      Buffer.from('zz;broken\r\n<html><body><p>What size is this chunk?</p>'),
      { 'Transfer-Encoding': 'chunked' },
    ],
  ];
  return bodies.map(([name, expect, body, headers]) =>
    rawPage(`https://flaky.oldnet.example/${name}`, 'undecodable', 'en', expect, '', { body, headers }),
  );
}

export const broken = (): Page[] => [
  ...notPages(),
  ...withoutText(),
  ...malformed(),
  ...wrongCharset(),
  ...undecodable(),
];
