/** What class, id, role and itemprop say about an element: bits, kept per element of a tree. */
export const FURNITURE = 1;
/** Usually furniture (date line, tags, teaser, caption), sometimes a lead paragraph: text decides. */
export const DOUBTFUL = 2;
export const HIDDEN = 4;
/** Named as the place of the main text. */
export const CONTENT = 8;
export const COMMENTS = 16;

const commentWords = words(
  'comments? commentlist commentarea kommentare? kommentar comentarios? commentaires? reacties disqus\\w* respond leserbriefe? responses?',
);
/** Says of a post whether it has comments; the post itself is not one. */
const commentState = /(^|[-_])(no|has|with|open|opened|closed|off|on|enabled|disabled|allowed|hidden)([-_]|$)/i;
const furnitureWords = words(
  `nav navi\\w* navbar sidenav menu\\w* breadcrumbs? pagination paging pager toolbar masthead skip linklist tagcloud topics? popular trending
   footer foot sidebar\\w* widgets? banner modal popup overlay cookies? consent gdpr cmp paywall login signup search\\w* print rss
   share sharing shariff social\\w* sharedaddy compartir partage\\w* subscribe subscription newsletter donate donation
   related jp-relatedposts relacionad\\w* recommend\\w* outbrain taboola promo\\w* sponsor\\w* advert\\w* ads? werbung publicidad publicite reklama
   authorbox bio sr-only screen-reader-text visually-hidden`,
);
const doubtfulWords = words(
  `side aside box hint info\\w* teaser\\w* kicker caption credits? meta metadata postmeta author byline dateline date datum published timestamp
   tags? categor\\w+ toc rating feedback disclaimer copyright imprint hidden`,
);
const contentName =
  /^(entry|post|article|story|artikel|beitrag|text|page|main|news|blog|body|td-post|single|single-post)[-_]*(content|body|text|inhalt|main|copy|wrap|entry)s?$|^(articlebody|hentry|h-entry|e-content|storycontent|post|artikel|beitrag)$/i;

/** A name that holds one of `list` between its beginning, its end, `-` and `_`. */
function words(list: string): RegExp {
  return new RegExp(`(^|[-_])(${list.trim().split(/\s+/).join('|')})([-_]|$)`, 'i');
}

const cacheLimit = 16_384;
const nameLimit = 256;
const known = new Map<string, number>();

/** Marks for the names in a class or id. Remembered, because a site repeats the same few hundred. */
export function markOf(value: string): number {
  const key = value.length > nameLimit ? value.slice(0, nameLimit) : value;
  const cached = known.get(key);
  if (cached !== undefined) return cached;
  if (known.size >= cacheLimit) known.clear();
  let marks = 0;
  for (const name of key.split(/\s+/)) if (name !== '') marks |= markOfName(name);
  if (marks & CONTENT) marks &= ~(FURNITURE | DOUBTFUL);
  known.set(detached(key), marks);
  return marks;
}

/** A name of more words is made from a heading (`id="sharing-with-a-single-developer"`) and says nothing of its place. */
const slugWords = 4;
const camelHump = /([a-z])([A-Z])/g;

/** A copy that shares no memory: V8 keeps a whole page alive for a slice of it. */
function detached(slice: string): string {
  return Buffer.from(slice, 'utf16le').toString('utf16le');
}

function markOfName(written: string): number {
  const name = written.replace(camelHump, '$1-$2');
  if (name.split(/[-_]+/).length > slugWords) return 0;
  if (contentName.test(name)) return CONTENT;
  if (commentWords.test(name)) return commentState.test(name) ? 0 : COMMENTS;
  if (furnitureWords.test(name)) return FURNITURE;
  return doubtfulWords.test(name) ? DOUBTFUL : 0;
}

const furnitureRoles = new Set(
  'navigation banner contentinfo search complementary menu menubar dialog alert toolbar'.split(' '),
);

export function markOfRole(role: string): number {
  if (role === 'main' || role === 'article') return CONTENT;
  return furnitureRoles.has(role) ? FURNITURE : 0;
}

const hiddenStyle = /display\s*:\s*none|visibility\s*:\s*hidden/i;

export function markOfStyle(style: string): number {
  return hiddenStyle.test(style.length > nameLimit ? style.slice(0, nameLimit) : style) ? HIDDEN : 0;
}
