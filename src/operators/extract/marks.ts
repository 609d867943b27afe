/** What class, id, role and itemprop say about an element. Bits, kept per element of a tree. */
export const BAD = 1;
/** Strong furniture: never main text, whatever its size. */
export const HIDDEN = 2;
export const CONTENT = 4;
export const ARTICLE_BODY = 8;
export const COMMENT = 16;

const badWords =
  /(^|[\s_-])(nav(i|bar|igation)?|menu\w*|footer|foot|sidebar\w*|side|aside|breadcrumbs?|cookies?|consent|banner|gdpr|share|sharing|shariff|social\w*|comments?|kommentare?|respond|reply|related|recommend\w*|teaser|promo\w*|advert\w*|ads?|sponsor\w*|newsletter|subscribe|subscription|widgets?|tags?|tagcloud|meta|author|byline|bio|pagination|pager|skip|modal|popup|overlay|login|search\w*|rss|toolbar|masthead|disclaimer|copyright|outbrain|taboola|disqus|print|imprint|toc|paging|rating|feedback|hidden|screen-reader-text|sr-only|caption|credit|date|published|categor\w+)([\s_-]|$)/i;
const badRoles = new Set(
  'navigation banner contentinfo search complementary menu menubar dialog alert toolbar'.split(' '),
);

const cacheLimit = 16_384;
const nameLimit = 256;
const known = new Map<string, number>();

/** Marks for the words of a class or id. Remembered, because a site repeats the same few hundred. */
export function markOf(value: string): number {
  const key = value.length > nameLimit ? value.slice(0, nameLimit) : value;
  const cached = known.get(key);
  if (cached !== undefined) return cached;
  if (known.size >= cacheLimit) known.clear();
  let marks = 0;
  if (badWords.test(key)) marks |= BAD;
  known.set(key, marks);
  return marks;
}

export function markOfRole(role: string): number {
  if (role === 'main') return CONTENT;
  return badRoles.has(role) ? BAD : 0;
}

const hiddenStyle = /display\s*:\s*none|visibility\s*:\s*hidden/i;

export function markOfStyle(style: string): number {
  return hiddenStyle.test(style.length > nameLimit ? style.slice(0, nameLimit) : style) ? BAD : 0;
}
