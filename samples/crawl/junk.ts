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
      const page = buildPage({ article, site, kind, expect });
      return reason ? { ...page, reason } : page;
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
      `Looking for an emergency plumber in ${town}? Our ${town} plumbers are the best plumbers in ${town} and are ready to help you 24 hours a day. Call the number one ${town} plumber now for a free quote.`,
      `We offer boiler repair ${town}, boiler service ${town}, blocked drains ${town}, leaking taps ${town}, and bathroom fitting ${town}. All of our plumbers in ${town} are fully insured and have been trusted by the people of ${town} for many years.`,
      'Why should you choose us? Because we have the best prices, the best service and the best reviews. We do not charge a call-out fee, and the first hour is half price for new customers who mention this page.',
      `If you need a plumber near me in ${town}, cheap plumber ${town}, local plumber ${town}, or a 24 hour plumber ${town}, do not wait. Click the button to book your ${town} plumber today.`,
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
      expect: 'rejected',
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
