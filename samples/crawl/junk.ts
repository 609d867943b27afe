import type { Article } from './article.ts';
import { plainText, readArticles } from './article.ts';
import type { Original } from './originals.ts';
import type { Expectation, Page } from './page.ts';
import { buildPage, rawPage } from './page.ts';
import { randomFrom, shuffled } from './random.ts';
import type { Site } from './sites.ts';
import { copySites, forumSite, sites } from './sites.ts';

const offer: Site = { host: 'best-offers-247.example', name: 'BEST OFFERS', layout: 'blog', charset: 'utf-8' };

/** Kinds of `samples/texts/planted`: what should become of them, and the reason family that should say so. */
const planted: Record<string, { site: Site; expect: Expectation; reason?: string }> = {
  toxic: { site: forumSite, expect: 'quarantine', reason: 'toxicity.' },
  personal: { site: sites.en![5]!, expect: 'open' },
  spam: { site: offer, expect: 'rejected' },
  'low-quality': { site: offer, expect: 'rejected', reason: 'quality.' },
  placeholder: { site: sites.en![0]!, expect: 'rejected' },
  wall: { site: sites.en![1]!, expect: 'rejected' },
  gibberish: { site: sites.en![2]!, expect: 'rejected' },
  list: { site: sites.en![2]!, expect: 'rejected' },
  short: { site: sites.en![0]!, expect: 'rejected' },
  repetition: { site: sites.en![3]!, expect: 'rejected', reason: 'gopher-repetition@' },
};

function plantedTexts(): Page[] {
  return Object.entries(planted).flatMap(([kind, { site, expect, reason }]) =>
    readArticles(`planted/${kind}`, (slug) => slug.slice(0, 2)).map((article) => {
      // The rules and the shipped scorers know English: junk in other languages may pass.
      const english = article.language === 'en' || kind === 'gibberish';
      const page = buildPage({ article, site, kind, expect: english ? expect : 'open' });
      return reason && english ? { ...page, reason } : page;
    }),
  );
}

const towns = [
  'Aldwick',
  'Brenham',
  'Carsley',
  'Dunmere',
  'Easthope',
  'Farleigh',
  'Garston',
  'Hexworth',
  'Ilmoor',
  'Jarrow End',
];

/** Search-engine doorways: one template, the town exchanged. */
function doorways(): Page[] {
  return towns.map((town) => {
    const blocks = [
      `Emergency plumber ${town}!!! Best plumber ${town}, cheap plumber ${town}, local plumber ${town}, 24 hour plumber ${town}. Call the number one ${town} plumber NOW for a FREE quote!`,
      `Boiler repair ${town} | Boiler service ${town} | Boiler installation ${town} | Blocked drains ${town} | Leaking taps ${town} | Bathroom fitting ${town} | Gas engineer ${town} | Burst pipe ${town}`,
      `Why choose us? Best prices! Best service! Best reviews! NO call-out fee! First hour HALF PRICE for new customers that mention this page! All our ${town} plumbers fully insured!`,
      `Plumber near me ${town}, heating engineer ${town}, power flush ${town}, toilet repair ${town}, shower repair ${town}, radiator repair ${town}. Click to book and save with our ${town} plumber today!`,
    ].map((text) => ({ type: 'paragraph' as const, text }));
    const article: Article = {
      language: 'en',
      slug: `plumber-${town.toLowerCase().replace(' ', '-')}`,
      title: `Emergency plumber ${town}`,
      blocks,
    };
    return buildPage({ article, site: offer, kind: 'doorway', expect: 'rejected' });
  });
}

/** Pages of links and nothing else. */
function linkFarms(): Page[] {
  return ['insurance', 'ringtones', 'mortgages', 'hosting', 'tickets'].map((topic) => {
    const random = randomFrom(`farm ${topic}`);
    const words = shuffled(
      ['cheap', 'best', 'free', 'online', 'new', 'top', 'discount', 'compare', 'fast', 'easy', 'official', 'local'],
      random,
    );
    const anchors = words.flatMap((one) =>
      words.slice(0, 5).map((two) => `<a href="https://${one}-${topic}-${two}.example/">${one} ${two} ${topic}</a>`),
    );
    return rawPage(
      `https://links.${topic}-zone.example/`,
      'link-farm',
      'en',
      'rejected',
      `<html><head><title>${topic} links</title></head><body><h1>${topic}</h1><p>${anchors.join(' ')}</p></body></html>`,
    );
  });
}

/** Real articles damaged by a machine: their words in random order, or one paragraph over and over. */
function damaged(all: readonly Original[]): Page[] {
  const english = all.filter(({ article }) => article.language === 'en' && !article.layout);
  const scrambled = english.slice(0, 5).map(({ article }) => {
    const random = randomFrom(`scramble ${article.slug}`);
    const words = shuffled(plainText(article).split(/\s+/), random);
    const blocks = Array.from({ length: Math.ceil(words.length / 90) }, (_, at) => ({
      type: 'paragraph' as const,
      text: `${words.slice(at * 90, at * 90 + 90).join(' ')}.`,
    }));
    return buildPage({
      article: { ...article, slug: `mix-${article.slug}`, title: words.slice(0, 6).join(' '), blocks },
      site: copySites[3]!,
      kind: 'scrambled',
      expect: 'open',
    });
  });
  const repeated = english.slice(5, 10).map(({ article }, at) => {
    const block = article.blocks.find((candidate) => candidate.type === 'paragraph')!;
    const page = buildPage({
      article: { ...article, slug: `loop-${article.slug}`, blocks: Array.from({ length: 5 + at }, () => block) },
      site: copySites[0]!,
      kind: 'repetition',
      expect: 'rejected',
    });
    return { ...page, reason: 'gopher-repetition@' };
  });
  return [...scrambled, ...repeated];
}

export const junk = (all: readonly Original[]): Page[] => [
  ...plantedTexts(),
  ...doorways(),
  ...linkFarms(),
  ...damaged(all),
];
