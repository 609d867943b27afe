/** What an element means to the extractor. One bit each, so that a tree holds them in one array. */
export const BLOCK = 1;
/** Its text is never main text: controls, graphics, page furniture. */
export const SKIP = 2;
/** Has no content and no end tag. */
export const VOID = 4;
/** End tags of other elements do not reach through it (table cells). */
export const SCOPE = 8;
/** The parser passes over its content without making nodes. */
export const OPAQUE = 16;
/** Makes a new line where it stands. */
export const BREAK = 32;
/** Page furniture that a page sometimes wraps around everything: kept when it holds most of the text. */
export const WRAPPER = 64;
export const HEADING = 128;

const families: [flags: number, names: string][] = [
  [BLOCK, 'html body address article blockquote center dd details div dl dt fieldset hgroup li main ol p pre section'],
  [BLOCK, 'summary table tbody tfoot thead tr ul caption figure figcaption header'],
  [BLOCK | HEADING, 'h1 h2 h3 h4 h5 h6'],
  [BLOCK | SCOPE, 'td th'],
  [BLOCK | SKIP, 'nav footer aside dialog menu legend'],
  [BLOCK | WRAPPER, 'form'],
  [SKIP, 'button label output progress meter audio video map datalist'],
  [
    SKIP | OPAQUE,
    'script style noscript template svg math iframe object canvas select textarea title noembed noframes',
  ],
  [VOID, 'area base basefont col embed frame img input keygen link meta param source track wbr'],
  [VOID | BLOCK | BREAK, 'br hr'],
  [
    0,
    'a abbr b bdi bdo big cite code del dfn em font i ins kbd mark q s samp small span strike strong sub sup tt u var head',
  ],
];

const names: string[] = ['#text', '#root'];
const flags: number[] = [0, BLOCK];
const ids = new Map<string, number>();
for (const [bits, list] of families) {
  for (const name of list.split(' ')) {
    ids.set(name, names.length);
    names.push(name);
    flags.push(bits);
  }
}

export const TEXT = 0;
export const ROOT = 1;
/** Elements of no known name: inline, no meaning of their own. */
export const UNKNOWN = names.length;
names.push('#unknown');
flags.push(0);

/** Flags by tag number. */
export const tagFlags: Uint8Array = Uint8Array.from(flags);
export const tagCount: number = names.length;

/** Number of the element `name` (lower case). */
export function tagId(name: string): number {
  return ids.get(name) ?? UNKNOWN;
}

export function tagName(id: number): string {
  return names[id] ?? '#unknown';
}
