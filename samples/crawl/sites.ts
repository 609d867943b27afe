/** The hosts of the crawl. `.example` is reserved (RFC 2606), so none of them can exist. */
export interface Site {
  host: string;
  name: string;
  layout: string;
  charset: string;
}

const site = (host: string, name: string, layout: string, charset = 'utf-8'): Site => ({
  host: `${host}.example`,
  name,
  layout,
  charset,
});

export const sites: Record<string, Site[]> = {
  en: [
    site('www.hedgerow-notes', 'Hedgerow Notes', 'blog'),
    site('www.wendle-courier', 'The Wendle Courier', 'news'),
    site('openlore', 'OpenLore', 'wiki'),
    site('users.oldnet', "Arthur's Home Page", 'tables', 'iso-8859-1'),
    site('reader.almanac-online', 'Almanac Online', 'news', 'windows-1252'),
    site('journal.quietdesk', 'Quiet Desk', 'blog'),
  ],
  de: [
    site('www.odenwald-blatt', 'Odenwald-Blatt', 'news', 'iso-8859-1'),
    site('gartenbank', 'Gartenbank', 'blog'),
    site('home.altnetz', 'Heimatseite', 'tables', 'windows-1252'),
  ],
  fr: [
    site('www.courrier-des-rivages', 'Le Courrier des rivages', 'news'),
    site('cuisine-lente', 'Cuisine lente', 'blog', 'iso-8859-15'),
  ],
  es: [
    site('www.diario-de-la-costa', 'Diario de la Costa', 'news'),
    site('cuadernodecampo', 'Cuaderno de campo', 'blog', 'windows-1252'),
  ],
  it: [site('www.gazzetta-borgo', 'Gazzetta del Borgo', 'news'), site('quaderni', 'Quaderni', 'blog')],
  pt: [site('www.correio-do-largo', 'Correio do Largo', 'news'), site('varanda', 'Varanda', 'blog', 'iso-8859-1')],
  nl: [site('www.dijkbode', 'De Dijkbode', 'news'), site('fietsenkeuken', 'Fiets en keuken', 'blog')],
  pl: [site('www.kurier-miejski', 'Kurier Miejski', 'news', 'iso-8859-2'), site('notatnik', 'Notatnik', 'blog')],
  ru: [site('www.zarechnaya', 'Заречная газета', 'news', 'windows-1251'), site('zapiski', 'Записки', 'blog', 'koi8-r')],
  ja: [
    site('www.sakamichi', '坂道だより', 'portal', 'shift_jis'),
    site('yamagoya', '山小屋日記', 'blog', 'euc-jp'),
    site('kurashi', '暮らしの手引き', 'news'),
  ],
  zh: [site('www.laojie', '老街网', 'portal', 'gb18030'), site('yangtai', '阳台', 'blog')],
  sv: [site('www.skargardsbladet', 'Skärgårdsbladet', 'news')],
  tr: [site('www.bogazpostasi', 'Boğaz Postası', 'news', 'windows-1254')],
  ar: [site('www.dafatir', 'دفاتر', 'news')],
  hi: [site('www.aangan', 'आँगन', 'blog')],
  el: [site('www.limani', 'Το Λιμάνι', 'news', 'iso-8859-7')],
};

/** Where copies of a page turn up: other hosts with other furniture. */
export const copySites: Site[] = [
  site('mirror.readlater', 'ReadLater', 'wiki'),
  site('www.dailydigest-hub', 'Daily Digest Hub', 'news'),
  site('cache.webstore', 'WebStore cache', 'tables'),
  site('planet.feeds', 'Planet Feeds', 'blog'),
];

export const forumSite = site('boards.commonroom', 'Common Room', 'forum');
export const shopSite = site('shop.tinker-and-thread', 'Tinker & Thread', 'shop');

export const authors: Record<string, string[]> = {
  en: ['Nora Eastley', 'Tobias Crane', 'Philippa Moss', 'Idris Bell'],
  de: ['Friederike Amsel', 'Jonas Kiefer'],
  fr: ['Solène Guérin', 'Bastien Roche'],
  es: ['Lucía Barral', 'Tomás Encina'],
  it: ['Chiara Lodi', 'Pietro Salvi'],
  pt: ['Inês Calado', 'Rui Marinho'],
  nl: ['Marijke Vos', 'Sjoerd Dam'],
  pl: ['Agata Sowa', 'Marek Lipiec'],
  ru: ['Ольга Зимина', 'Илья Рощин'],
  ja: ['森川 陽子', '青木 健'],
  zh: ['林晓禾', '陈一舟'],
  sv: ['Elsa Granlund'],
  tr: ['Defne Aksu'],
  ar: ['سلمى ناصر'],
  hi: ['मीरा जोशी'],
  el: ['Ελένη Βράχου'],
};
