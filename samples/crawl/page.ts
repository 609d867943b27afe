import type { Article } from './article.ts';
import { plainText } from './article.ts';
import { encodeHtml } from './charset.ts';
import type { HttpAnswer } from './http.ts';
import { layouts } from './layouts.ts';
import { pick, randomFrom } from './random.ts';
import type { Site } from './sites.ts';
import { authors } from './sites.ts';

/** What the line should do with a page; `open` where it depends on the trained models or on a judgement. */
export type Expectation = 'curated' | 'rejected' | 'quarantine' | 'dead-letter' | 'open';

/** One input record of the crawl and the truth about it. */
export interface Page {
  url: string;
  kind: string;
  language: string;
  expect: Expectation;
  /** Reason that should decide, or a prefix of it ending in `.` or `@`. */
  reason?: string;
  /** URL of the earlier page that this one was made from, and how alike their texts are (Jaccard of word 5-grams). */
  copyOf?: string;
  similarity?: number;
  /** The planted text, before any page was built around it. */
  text?: string;
  answer: HttpAnswer;
  /** Record type when it is not an HTTP response. */
  record?: 'resource' | 'conversion';
}

export interface PagePlan {
  article: Article;
  site: Site;
  kind: string;
  expect: Expectation;
  path?: string;
  related?: readonly string[];
  date?: string;
}

/** A page of `site` about `article`, with the site's furniture and charset. */
export function buildPage({ article, site, kind, expect, path, related = [], date }: PagePlan): Page {
  const random = randomFrom(`page ${site.host} ${article.language} ${article.slug}`);
  const published =
    date ??
    `20${10 + Math.floor(random() * 15)}-0${1 + Math.floor(random() * 9)}-1${Math.floor(random() * 10)}T0${Math.floor(random() * 10)}:30:00Z`;
  const url = `https://${site.host}${path ?? pathOf(article, site, published)}`;
  const render = layouts[site.layout];
  if (!render)
    throw new Error(`site ${site.host}; unknown layout ${site.layout}; use one of ${Object.keys(layouts).join(', ')}`);
  const author = pick(authors[article.language] ?? authors.en!, random);
  const html = render({ article, site: site.name, url, date: published, author, charset: site.charset, related });
  const declared =
    site.layout === 'tables' || site.layout === 'portal' ? 'text/html' : `text/html; charset=${site.charset}`;
  const answer: HttpAnswer = {
    status: 200,
    contentType: declared,
    body: encodeHtml(html, site.charset),
    headers: { Server: pick(['nginx', 'Apache', 'nginx/1.24.0'], random) },
  };
  const wire = random();
  if (wire < 0.25) answer.coding = 'gzip';
  else if (wire < 0.32) answer.coding = 'br';
  if (wire > 0.15 && wire < 0.55) answer.chunked = true;
  return { url, kind, language: article.language, expect, text: plainText(article), answer };
}

function pathOf(article: Article, site: Site, date: string): string {
  switch (site.layout) {
    case 'blog':
      return `/${date.slice(0, 4)}/${date.slice(5, 7)}/${article.slug}/`;
    case 'news':
      return `/story/${article.slug}.html`;
    case 'wiki':
      return `/wiki/${article.slug.replaceAll('-', '_')}`;
    case 'forum':
      return `/viewtopic.php?t=${1000 + article.slug.length * 13 + article.slug.charCodeAt(3)}&s=${article.slug}`;
    case 'shop':
      return `/p/${article.slug}`;
    default:
      return `/~site/${article.slug}.htm`;
  }
}

/** A page given as HTML alone, in UTF-8. */
export function rawPage(
  url: string,
  kind: string,
  language: string,
  expect: Expectation,
  html: string,
  answer: Partial<HttpAnswer> = {},
): Page {
  return {
    url,
    kind,
    language,
    expect,
    answer: { status: 200, contentType: 'text/html; charset=utf-8', body: Buffer.from(html), ...answer },
  };
}
