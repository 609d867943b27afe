import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { WARCParser } from 'warcio';
import { brotliBody, gzipBody } from './crawl/codings.ts';
import type { Truth } from './crawl/crawl.ts';
import { buildCrawl, crawlFile } from './crawl/crawl.ts';

const here = import.meta.dirname;
const committed = readFileSync(path.join(here, 'crawl.warc.gz'));
const truth: Truth[] = JSON.parse(readFileSync(path.join(here, 'truth.json'), 'utf8'));
const crawl = buildCrawl();
const count = (keep: (entry: Truth) => boolean) => truth.filter(keep).length;

test('the generator writes the committed crawl again, whatever deflate made of it', () => {
  assert.ok(committed.length < 1_500_000, `${committed.length} bytes`);
  assert.ok(gunzipSync(committed).equals(gunzipSync(crawlFile(crawl))), 'run node samples/generate.ts and commit');
  assert.deepEqual(JSON.parse(JSON.stringify(crawl.truth)), truth);
});

test('warcio reads every record, and every input has its truth', async () => {
  const found = new Map<string, string[]>();
  // Without the clipped record at the end, for which warcio waits for ever.
  const whole = gunzipSync(committed).subarray(0, -(crawl.records.at(-1)?.length ?? 0));
  async function* source() {
    yield new Uint8Array(whole);
  }
  for await (const record of WARCParser.iterRecords(source())) {
    const type = record.warcType ?? '';
    found.set(type, [...(found.get(type) ?? []), String(record.warcHeader('WARC-Record-ID'))]);
  }
  const inputs = ['response', 'resource', 'conversion'].flatMap((type) => found.get(type) ?? []);
  assert.deepEqual(
    inputs.toSorted(),
    truth
      .slice(0, -1)
      .map((entry) => entry.id)
      .toSorted(),
  );
  for (const skipped of ['warcinfo', 'request', 'metadata', 'revisit']) assert.ok(found.has(skipped), skipped);
});

test('the portable codings are what other decoders read', () => {
  for (const length of [0, 1, 1000, 65_536, 65_537, 200_000]) {
    const body = Buffer.from(Array.from({ length }, (_, at) => (at * at) % 251));
    assert.ok(gunzipSync(gzipBody(body)).equals(body), `gzip of ${length}`);
    assert.ok(brotliDecompressSync(brotliBody(body)).equals(body), `brotli of ${length}`);
  }
});

test('no address and no record id occurs twice', () => {
  assert.equal(new Set(truth.map((entry) => entry.url)).size, truth.length);
  assert.equal(new Set(truth.map((entry) => entry.id)).size, truth.length);
});

test('every outcome, every route and every reason family is planted', () => {
  for (const outcome of ['curated', 'rejected', 'quarantine', 'dead-letter'])
    assert.ok(count((entry) => entry.expect === outcome) > 0, outcome);
  for (const language of ['en', 'de', 'fr', 'es', 'it', 'pt', 'nl', 'pl', 'ru', 'ja', 'zh']) {
    assert.ok(count((entry) => entry.kind === 'article' && entry.language === language) >= 3, language);
  }
  for (const reason of [
    'decode.httpStatus',
    'decode.contentType',
    'extract.empty',
    'gopher-repetition@',
    'toxicity.',
    'dedup.',
  ]) {
    assert.ok(count((entry) => entry.reason === reason) >= 4, reason);
  }
  const good = count((entry) => entry.expect === 'curated') / truth.length;
  assert.ok(good > 0.35 && good < 0.6, `${good} of the inputs should be kept`);
});

test('the README counts what is there', () => {
  const readme = readFileSync(path.join(here, 'README.md'), 'utf8').replaceAll(/\s+/g, ' ');
  const kinds = [...Map.groupBy(truth, (entry) => entry.kind)].sort(([a], [b]) => a.localeCompare(b));
  assert.ok(readme.includes(`How many: ${truth.length} inputs.`));
  assert.ok(
    readme.includes(kinds.map(([kind, entries]) => `${kind} ${entries.length}`).join(', ')),
    'run generate.ts and copy its counts',
  );
});

test('a copy comes after what it was made from', () => {
  const at = new Map(truth.map((entry, position) => [entry.url, position]));
  for (const entry of truth.filter((one) => one.copyOf))
    assert.ok((at.get(entry.copyOf!) ?? Infinity) < at.get(entry.url)!, entry.url);
});

/** Exact similarity by comparing every pair of shingles: slow and plain. */
function slowJaccard(left: string, right: string, language: string): number {
  const cjk = language === 'ja' || language === 'zh';
  const shingles = (text: string) => {
    const words = text
      .toLowerCase()
      .split(/[^\p{L}\p{M}\p{N}]+/u)
      .filter((word) => word !== '');
    const units = cjk ? Array.from(words.join('')) : words;
    const width = cjk ? 9 : 5;
    const out: string[] = [];
    for (let at = 0; at + width <= units.length; at++) {
      const shingle = units.slice(at, at + width).join('\t');
      if (!out.includes(shingle)) out.push(shingle);
    }
    return out;
  };
  const [a, b] = [shingles(left), shingles(right)];
  let both = 0;
  for (const shingle of a) if (b.includes(shingle)) both++;
  return both / (a.length + b.length - both);
}

const bands: Record<string, [number, number]> = {
  'exact-copy': [1, 1],
  mirror: [1, 1],
  syndicated: [1, 1],
  'near-95': [0.93, 0.97],
  'near-85': [0.83, 0.87],
  'near-75': [0.73, 0.77],
  'rewrite-50': [0.44, 0.52],
  'excerpt-45': [0.3, 0.6],
};

test('planted copies are as alike as their kind says', () => {
  const texts = new Map(crawl.pages.map((page) => [page.url, page.text ?? '']));
  const copies = truth.filter((entry) => entry.copyOf !== undefined);
  assert.ok(copies.length > 40);
  for (const copy of copies) {
    const [low, high] = bands[copy.kind]!;
    const similarity = slowJaccard(texts.get(copy.copyOf!)!, texts.get(copy.url)!, copy.language);
    assert.ok(similarity >= low && similarity <= high, `${copy.url} is ${similarity}`);
    assert.ok(Math.abs(similarity - copy.similarity!) < 0.001, copy.url);
  }
});

test('articles are not copies of each other', () => {
  const articles = crawl.pages.filter((page) => page.kind === 'article' && page.text);
  const shingles = articles.map((page) => {
    const words = page.text!.toLowerCase().split(/[^\p{L}\p{N}]+/u);
    return new Set(words.map((_, at) => words.slice(at, at + 5).join(' ')));
  });
  for (const [one, left] of shingles.entries()) {
    for (const [two, right] of shingles.entries()) {
      if (two <= one || articles[one]!.language === 'ja' || articles[one]!.language === 'zh') continue;
      const common = [...left].filter((shingle) => right.has(shingle)).length;
      assert.ok(
        common < 0.05 * Math.min(left.size, right.size),
        `${articles[one]!.url} and ${articles[two]!.url} share ${common}`,
      );
    }
  }
});
