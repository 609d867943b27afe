import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { normalizeUrl } from './normalize.ts';

test('one page has one spelling', () => {
  const cases: ReadonlyArray<readonly [string, string]> = [
    ['HTTP://Example.COM:80/a/../B?q=1#part', 'http://example.com/B?q=1'],
    ['https://user:secret@example.com.:443', 'https://example.com/'],
    ['https://example.com/?utm_source=x&b=2&UTM_Medium=y&a=1&fbclid=z', 'https://example.com/?b=2&a=1'],
    ['https://example.com/?gclid=1', 'https://example.com/'],
    ['https://example.com/?', 'https://example.com/'],
    ['https://example.com/?a=%C3%A9&A=+', 'https://example.com/?a=%C3%A9&A=+'],
    ['  https://bücher.example/ä ', 'https://xn--bcher-kva.example/%C3%A4'],
    ['http://[2001:DB8::1]:8080/', 'http://[2001:db8::1]:8080/'],
    ['http://0x7f.1/', 'http://127.0.0.1/'],
  ];
  for (const [url, expected] of cases) assert.equal(normalizeUrl(url)?.url, expected, url);
});

test('host, registered domain and public suffix', () => {
  // Rules of the public suffix list (publicsuffix.org), test vectors after its own test_psl.txt.
  const cases: ReadonlyArray<readonly [string, string, string, string]> = [
    ['http://a.b.example.co.uk/', 'a.b.example.co.uk', 'example.co.uk', 'co.uk'],
    ['http://www.city.kobe.jp/', 'www.city.kobe.jp', 'city.kobe.jp', 'kobe.jp'],
    ['http://test.c.kobe.jp/', 'test.c.kobe.jp', 'test.c.kobe.jp', 'c.kobe.jp'],
    ['http://www.ck/', 'www.ck', 'www.ck', 'ck'],
    ['http://me.github.io/x', 'me.github.io', 'me.github.io', 'github.io'],
    ['http://co.uk/', 'co.uk', 'co.uk', 'co.uk'],
    ['http://192.0.2.1/', '192.0.2.1', '192.0.2.1', ''],
    ['http://[2001:db8::1]/', '[2001:db8::1]', '[2001:db8::1]', ''],
    ['http://localhost/', 'localhost', 'localhost', ''],
    ['http://a..b/', 'a..b', 'a..b', ''],
  ];
  for (const [url, host, domain, suffix] of cases) {
    const { url: _, ...parts } = normalizeUrl(url)!;
    assert.deepEqual(parts, { host, domain, suffix }, url);
  }
});

test('what is no web address is none', () => {
  for (const url of [
    '',
    'example.com',
    'mailto:a@b',
    'dns:example.com',
    'javascript:1',
    'http://',
    'http://./',
    'file:///etc',
  ]) {
    assert.equal(normalizeUrl(url), undefined, url);
  }
});

test('property: normalising twice changes nothing, and never throws', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.webUrl({ withQueryParameters: true, withFragments: true }),
        fc.string().map((s) => `http://${s}`),
      ),
      (url) => {
        const once = normalizeUrl(url);
        if (once) assert.deepEqual(normalizeUrl(once.url), once);
      },
    ),
  );
});
