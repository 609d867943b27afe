/** Input files that a hostile crawl would hold, each with what must become of its records, in order. Good records stand around the bad ones. */
import { gzipSync } from 'node:zlib';
import { random } from '../crash/documents.ts';

export interface Hostile {
  /** Name of the file. */
  readonly name: string;
  readonly bytes: Buffer;
  /** Outcome of each record in order of offset: `curated`, `rejected`, or the code of a dead letter. */
  readonly expect: readonly string[];
}

const next = random(7);
const syllables = 'ba de fi go hu ja ke li mo nu pa re si to vu wa xe yi zo cha'.split(' ');
const word = () =>
  Array.from({ length: 2 + Math.floor(next() * 3) }, () => syllables[Math.floor(next() * 20)]).join('');

/** A text that resembles no other one. */
export const goodText = (words = 60): string => Array.from({ length: words }, word).join(' ');

let ids = 0;
export const goodLine = (): string => JSON.stringify({ id: `good-${ids++}`, text: goodText() });

const bytesOf = (part: string | Buffer) => (typeof part === 'string' ? Buffer.from(part) : part);

/** JSON lines: a good record, the bad lines, a good record. */
function lines(name: string, bad: readonly (string | Buffer)[], expect: readonly string[]): Hostile {
  const parts = [goodLine(), ...bad, goodLine()].flatMap((part) => [bytesOf(part), Buffer.from('\n')]);
  return { name: `${name}.jsonl`, bytes: Buffer.concat(parts), expect: ['curated', ...expect, 'curated'] };
}

const document = (members: string): string => `{"id":"bad-${ids++}",${members}}`;
const withText = (escaped: string): string => document(`"text":"${goodText()} ${escaped}"`);
const repeat = (text: string, times: number) => text.repeat(times);

export const jsonCases: readonly Hostile[] = [
  lines('invalid-utf8', [Buffer.from('{"text":"\xff\xfe caf\xe9"}', 'latin1')], ['decode.invalidUtf8']),
  lines('raw-surrogate', [Buffer.from('{"text":"\xed\xa0\x80 x"}', 'latin1')], ['decode.invalidUtf8']),
  lines('escaped-surrogate', [withText('\\ud800 alone \\udfff'), withText('\\udc00\\ud800')], ['curated', 'curated']),
  lines('raw-nul', [`{"text":"a\0b"}`], ['decode.badJson']),
  lines('escaped-nul', [withText('\\u0000 end')], ['curated']),
  lines('only-nul', [Buffer.alloc(5000)], ['decode.badJson']),
  lines('no-text', ['{"id":"x"}', '{"text":null}', '{"text":""}', '{"text":" \\n "}'], repeatCode('decode.noText', 4)),
  lines('not-object', ['[]', '1e999', '"text"', 'null', 'true'], repeatCode('decode.notObject', 5)),
  lines('wrong-type', ['{"text":1}', '{"text":{}}', '{"text":["a"]}'], repeatCode('decode.wrongType', 3)),
  lines('wrong-id', ['{"id":[],"text":"a b"}', '{"text":"a","metadata":"m"}'], repeatCode('decode.wrongType', 2)),
  lines('cut', ['{"id":"1","text":"cut of', '}', '{"text":"x"}}'], repeatCode('decode.badJson', 3)),
  lines('deep-array', [repeat('[', 100_000)], ['decode.badJson']),
  lines('deep-closed', [repeat('[', 100_000) + repeat(']', 100_000)], ['decode.notObject']),
  lines('deep-metadata', [document(`"text":"${goodText()}","metadata":{"a":${deep(100_000)}}`)], ['curated']),
  lines('deep-unknown-key', [document(`"text":"${goodText()}","a":${deep(100_000)}`)], ['curated']),
  lines('prototype-keys', [withPrototypeKeys()], ['curated']),
  lines('own-keys', [document(`"text":"${goodText()}","signals":{"x":1},"decision":7,"position":null`)], ['curated']),
  lines('big-numbers', [`{"id":9007199254740993,"text":"${goodText()}","n":18446744073709551617}`], ['curated']),
  lines('same-ids', [`{"id":"i","text":"${goodText()}"}`, `{"id":"i","text":"${goodText()}"}`], ['curated', 'curated']),
  lines('twice-a-key', [`{"id":"k","text":"lost","text":"${goodText()}"}`], ['curated']),
  lines('windows-lines', ['\r', ` ${withText('x')} \r`, '\t\r'], ['curated']),
  lines('millions-of-line-feeds', [repeat('\n', 3_000_000)], []),
  lines('text-of-line-feeds', [withText(repeat('\\n', 1_000_000))], ['curated']),
  { name: 'bom.jsonl', bytes: Buffer.from(`\ufeff${goodLine()}\n${goodLine()}\n`), expect: ['curated', 'curated'] },
  { name: 'empty.jsonl', bytes: Buffer.alloc(0), expect: [] },
  { name: 'blank-lines.jsonl', bytes: Buffer.from(repeat(' \n\r\n\t\n', 1000)), expect: [] },
];

function repeatCode(code: string, times: number): string[] {
  return Array.from({ length: times }, () => code);
}

function deep(levels: number): string {
  return repeat('[', levels) + repeat(']', levels);
}

function withPrototypeKeys(): string {
  const bait =
    '"__proto__":{"text":"polluted","id":"p"},"constructor":{"prototype":{"text":"p"}},"toString":1,"then":2';
  return `{${bait},"id":"proto","text":"${goodText()}","metadata":{"__proto__":{"a":1},"hasOwnProperty":3}}`;
}

/** Bait for every expression and scanner: one endless run of something. About `bytes` long each. */
export function baitTexts(bytes: number): readonly string[] {
  const of = (unit: string) => repeat(unit, Math.floor(bytes / Buffer.byteLength(unit)));
  const units = [
    ...[
      'a',
      'A',
      ' ',
      '\t',
      '.',
      '…',
      '-',
      '_',
      '!',
      '?',
      '#',
      '@',
      '&',
      '<',
      '>',
      '(',
      '{',
      '"',
      "'",
      '\\',
      '/',
      '%',
      '0',
      '\u0000',
    ],
    ...[
      'a.',
      'a-',
      'a@',
      'a ',
      'a\n',
      '. ',
      '\n\n',
      '- \n',
      '\u2022\n',
      'a. \n',
      '1.',
      '1,',
      "a'",
      'a b. ',
      '\r\n',
      '\u2028',
      '\u0085',
      '\u00a0',
    ],
    ...[
      'http://',
      'www.',
      'a.co/',
      'a@b.co ',
      'javascript ',
      'lorem ipsum ',
      'cookie policy ',
      '&amp;',
      '&#x',
      '<a',
      '<!--',
      ']]>',
      '://',
    ],
    ...[
      '\u0301',
      'e\u0301',
      '\u200d',
      '\ufeff',
      '\u202e',
      '\u4e00',
      '\u3042',
      '\u0e01',
      '\u0e33',
      '\u1780',
      '\u0915\u094d',
      '\uac00',
      '\u0661',
      '\u{1f600}',
      '\u{1f468}\u200d',
      '\u{20000}',
      '\ufdfa',
      '\u0130',
      '\u00df',
      '\ud800',
    ],
  ];
  return units.map(of);
}

/** Nesting and bait for the HTML parser; `n` says how often. */
export function baitPages(n: number): Readonly<Record<string, string>> {
  const text = goodText();
  return {
    div: `<html><body>${repeat('<div>', n)}${text}`,
    mixed: `<html><body>${repeat('<b><i><p><a href=x>', n / 4)}${text}`,
    table: `<html><body>${repeat('<table><tr><td>', n / 3)}${text}`,
    list: `<html><body>${repeat('<ul><li>', n / 2)}${text}`,
    closing: `<html><body><p>${text}</p>${repeat('</div>', n)}`,
    comment: `<html><body><p>${text}</p>${repeat('<!--', n)}`,
    attributes: `<html><body><div ${repeat('a=b ', n)}><p>${text}</p></div>`,
    attributeNames: `<html><body><div ${Array.from({ length: n / 8 }, (_, i) => `a${i}=1`).join(' ')}><p>${text}</p>`,
    openTag: `<html><body><p>${text}</p>${repeat('<a ', n)}`,
    quotes: `<html><body><p>${text}</p><a href="${repeat("' ", n)}`,
    entities: `<html><body><p>${text} ${repeat('&', n)}</p>`,
    entityNames: `<html><body><p>${text} ${repeat('&notanentity', n / 8)}</p>`,
    script: `<html><body><p>${text}</p><script>${repeat('<script>', n / 4)}`,
    title: `<html><title>${repeat('x ', n)}</title><body><p>${text}</p>`,
    paragraphs: `<html><body>${repeat('<p>', n)}${text}`,
    links: `<html><body><p>${text}</p>${repeat('<a href=x>y</a> ', n / 8)}`,
    words: `<html><body><p>${text} ${repeat('word ', n)}</p>`,
    breaks: `<html><body><p>${text} ${repeat('<br>', n)}</p>`,
    selects: `<html><body>${repeat('<select><option>', n / 4)}${text}`,
    svg: `<html><body>${repeat('<svg><g>', n / 4)}${text}`,
    noscript: `<html><body>${repeat('<noscript>', n / 4)}${text}`,
    template: `<html><body>${repeat('<template>', n / 4)}${text}`,
    nul: `<html><body><p>${text}${repeat('\0', n)}</p>`,
  };
}

/** A WARC record of an HTTP response, exactly as given. */
export function response(page: string | Buffer, fields: Readonly<Record<string, string>> = {}): Buffer {
  const http = Buffer.concat([
    Buffer.from('HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n'),
    bytesOf(page),
  ]);
  return warcRecord('response', http, { 'Content-Type': 'application/http; msgtype=response', ...fields });
}

export function warcRecord(
  type: string,
  block: string | Buffer,
  fields: Readonly<Record<string, string>> = {},
): Buffer {
  const body = bytesOf(block);
  const all: Record<string, string> = {
    'WARC-Type': type,
    'WARC-Record-ID': `<urn:x:${ids++}>`,
    'WARC-Date': '2026-01-01T00:00:00Z',
    'WARC-Target-URI': `https://example.org/${ids}`,
    'Content-Length': String(body.length),
    ...fields,
  };
  const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`WARC/1.1\r\n${head.join('')}\r\n`), body, Buffer.from('\r\n\r\n')]);
}

export const goodPage = (): string =>
  `<!doctype html><html><head><title>A page</title></head><body><article>${Array.from({ length: 4 }, () => `<p>${goodText(80)}.</p>`).join('')}</article></body></html>`;

const goodResponse = () => response(goodPage());

function warc(name: string, bad: readonly Buffer[], expect: readonly string[]): Hostile {
  return {
    name: `${name}.warc`,
    bytes: Buffer.concat([goodResponse(), ...bad, goodResponse()]),
    expect: ['curated', ...expect, 'curated'],
  };
}

function cut(name: string, whole: Buffer, keep: number, expect: readonly string[]): Hostile {
  return { name, bytes: whole.subarray(0, Math.floor(whole.length * keep)), expect };
}

const members = (records: readonly Buffer[]) => Buffer.concat(records.map((record) => gzipSync(record)));

function spoilt(bytes: Buffer, at: number): Buffer {
  const out = Buffer.from(bytes);
  for (let i = 0; i < 24; i++) out[at + i] = out[at + i]! ^ 0x5a;
  return out;
}

const twoGzip = members([goodResponse(), goodResponse()]);

export const crawlCases: readonly Hostile[] = [
  warc('length-too-small', [response(goodPage(), { 'Content-Length': '40' })], ['decode.badLength']),
  warc('length-too-large', [response(goodPage(), { 'Content-Length': '3000' })], ['decode.badLength']),
  warc('length-no-number', [response(goodPage(), { 'Content-Length': '12abc' })], ['decode.badLength']),
  warc('length-negative', [response(goodPage(), { 'Content-Length': '-1' })], ['decode.badLength']),
  warc('length-huge', [response(goodPage(), { 'Content-Length': '99999999999999999999' })], ['decode.badLength']),
  // The length of a record is believed only where another one, or the end, follows: the good one before the garbage goes with it.
  {
    name: 'garbage.warc',
    bytes: Buffer.concat([goodResponse(), Buffer.from(`${goodText(500)}\r\n\r\n`), goodResponse()]),
    expect: ['decode.badLength', 'curated'],
  },
  warc(
    'prototype-types',
    ['__proto__', 'constructor', 'toString', 'x'.repeat(3000)].map((t) => warcRecord(t, 'x')),
    [],
  ),
  warc(
    'not-http',
    [warcRecord('response', 'no status line', { 'Content-Type': 'application/http' })],
    ['decode.badHttp'],
  ),
  warc('prototype-headers', [response(goodPage(), { __proto__: 'a', constructor: 'b', toString: 'c' })], ['curated']),
  warc('bad-date', [response(goodPage(), { 'WARC-Date': '\u0007yesterday\u2028' })], ['curated']),
  warc(
    'bad-address',
    [response(goodPage(), { 'WARC-Target-URI': `http://[::1:99999/${'%'.repeat(5000)}` })],
    ['curated'],
  ),
  cut('cut.warc', Buffer.concat([goodResponse(), goodResponse()]), 0.8, ['curated', 'decode.truncated']),
  cut('cut.warc.gz', twoGzip, 0.8, ['curated', 'decode.truncated']),
  {
    name: 'spoilt.warc.gz',
    bytes: spoilt(members([goodResponse(), goodResponse(), goodResponse()]), 1300),
    expect: ['decode.truncated', 'curated', 'curated'],
  },
  {
    name: 'crawl.warc.lz4',
    bytes: Buffer.concat([Buffer.from([4, 34, 77, 24]), Buffer.alloc(500, 7)]),
    expect: ['decode.unsupported'],
  },
  {
    name: 'table.parquet',
    bytes: Buffer.concat([Buffer.from('PAR1'), Buffer.alloc(500, 7), Buffer.from('PAR1')]),
    expect: ['decode.badParquet'],
  },
  {
    name: 'cut.parquet',
    bytes: Buffer.concat([Buffer.from('PAR1'), Buffer.alloc(500, 7)]),
    expect: ['decode.truncated'],
  },
  { name: 'twice.jsonl.gz', bytes: gzipSync(gzipSync(goodLine())), expect: ['decode.unsupported'] },
  { name: 'empty.warc.gz', bytes: gzipSync(''), expect: [] },
  {
    name: 'picture.html',
    bytes: Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'),
    expect: ['decode.unsupported'],
  },
  { name: 'blank.html', bytes: Buffer.from('<html><body>   </body></html>'), expect: ['rejected'] },
  { name: 'bomb.warc', bytes: Buffer.concat([bomb(), goodResponse()]), expect: ['decode.bomb', 'curated'] },
];

/** 40 MiB of markup in 40 KB. */
function bomb(): Buffer {
  const head = 'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\n\r\n';
  return warcRecord('response', Buffer.concat([Buffer.from(head), gzipSync(Buffer.alloc(40 << 20, '<p>'))]), {
    'Content-Type': 'application/http',
  });
}
