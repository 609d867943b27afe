import type { Article } from './article.ts';
import { readArticles } from './article.ts';
import type { Page } from './page.ts';
import { buildPage } from './page.ts';
import { randomFrom, shuffled } from './random.ts';
import { forumSite, shopSite, sites } from './sites.ts';
import type { Site } from './sites.ts';

export interface Original {
  article: Article;
  site: Site;
  page: Page;
}

/** Every article of `samples/texts/<language>`, each on a site of its language. */
export function originals(): Original[] {
  return Object.entries(sites).flatMap(([language, ofLanguage]) => {
    const articles = readArticles(language);
    return articles.map((article, at): Original => {
      const site =
        article.layout === 'forum'
          ? forumSite
          : article.layout === 'shop'
            ? shopSite
            : ofLanguage[at % ofLanguage.length]!;
      const others = articles.filter((other) => other !== article).map((other) => other.title);
      const related = shuffled(others, randomFrom(`related ${article.slug}`)).slice(0, 5);
      return { article, site, page: { ...buildPage({ article, site, kind: 'article', expect: 'curated', related }) } };
    });
  });
}
