import type { Article } from './article.ts';
import { plainText } from './article.ts';
import { edited, excerpt, jaccard } from './edits.ts';
import type { Original } from './originals.ts';
import type { Expectation, Page } from './page.ts';
import { buildPage } from './page.ts';
import type { Random } from './random.ts';
import { randomFrom, shuffled } from './random.ts';
import { copySites } from './sites.ts';

interface CopyKind {
  kind: string;
  english: number;
  /** How many of each other language that has enough articles. */
  others: number;
  make: (original: Original, random: Random, at: number) => Page;
}

const trackers = [
  '?utm_source=newsletter&utm_medium=email',
  '?fbclid=IwAR2x9',
  '?ref=homepage',
  '?print=1',
  '?sessionid=8f3a77',
  '#comments',
];

const copySite = (original: Original, at: number) => {
  const elsewhere = copySites.filter((site) => site.layout !== original.site.layout);
  return elsewhere[at % elsewhere.length]!;
};

function changed(
  kind: string,
  expect: Expectation,
  rewrite: (article: Article, random: Random) => Article,
): CopyKind['make'] {
  return (original, random, at) => {
    const article = rewrite(original.article, random);
    const similarity = jaccard(plainText(original.article), plainText(article), article.language);
    const page = buildPage({
      article,
      site: copySite(original, at),
      kind,
      expect,
      path: `/${kind}/${article.slug}.html`,
    });
    return { ...page, copyOf: original.page.url, similarity, ...(expect === 'rejected' ? { reason: 'dedup.' } : {}) };
  };
}

const kinds: CopyKind[] = [
  {
    // The same bytes under another address.
    kind: 'exact-copy',
    english: 10,
    others: 1,
    make: (original, _random, at) => {
      const url = `${original.page.url}${trackers[at % trackers.length]}`.replace('#comments', 'comment-page-1/');
      return {
        ...original.page,
        url,
        kind: 'exact-copy',
        expect: 'rejected',
        reason: 'dedup.',
        copyOf: original.page.url,
        similarity: 1,
      };
    },
  },
  {
    // The same layout on another host.
    kind: 'mirror',
    english: 5,
    others: 0,
    make: (original) => {
      const site = {
        ...original.site,
        host: `mirror.${original.site.host.replace('www.', '')}`,
        name: `${original.site.name} (mirror)`,
      };
      const page = buildPage({ article: original.article, site, kind: 'mirror', expect: 'rejected' });
      return { ...page, reason: 'dedup.', copyOf: original.page.url, similarity: 1 };
    },
  },
  { kind: 'syndicated', english: 6, others: 1, make: changed('syndicated', 'rejected', (article) => article) },
  {
    kind: 'near-95',
    english: 7,
    others: 1,
    make: changed('near-95', 'rejected', (article, random) => edited(article, 0.95, random)),
  },
  {
    kind: 'near-85',
    english: 7,
    others: 1,
    make: changed('near-85', 'rejected', (article, random) => edited(article, 0.85, random)),
  },
  {
    kind: 'near-75',
    english: 7,
    others: 0,
    make: changed('near-75', 'open', (article, random) => edited(article, 0.75, random)),
  },
  {
    kind: 'rewrite-50',
    english: 7,
    others: 0,
    make: changed('rewrite-50', 'curated', (article, random) => edited(article, 0.48, random, 0.03)),
  },
  {
    kind: 'excerpt-45',
    english: 5,
    others: 0,
    make: changed('excerpt-45', 'curated', (article) => excerpt(article, 0.45)),
  },
];

/** Planted duplicates: each kind takes other articles than the kind before it, as long as there are enough. */
export function copies(all: readonly Original[]): Page[] {
  const languages = [...new Set(all.map((original) => original.article.language))];
  return languages.flatMap((language) => {
    const random = randomFrom(`copies ${language}`);
    const pool = shuffled(
      all.filter((original) => original.article.language === language && !original.article.layout),
      random,
    );
    if (pool.length < 4 && language !== 'en') return [];
    let next = 0;
    return kinds.flatMap((kind) => {
      const count = language === 'en' ? kind.english : kind.others;
      return Array.from({ length: count }, (_, at) => kind.make(pool[next++ % pool.length]!, random, at));
    });
  });
}
