import { BLOCK, SCOPE, tagFlags, tagId } from './tags.ts';

/** Which open elements a start tag ends without being asked (HTML standard 13.2.6.4.7 and following, the common cases). */
const impliedEnds = new Map(
  Object.entries({
    a: 'a',
    li: 'li p',
    dt: 'dt dd p',
    dd: 'dt dd p',
    td: 'td th p',
    th: 'td th p',
    tr: 'tr td th p',
    tbody: 'thead tbody tr td th',
    tfoot: 'thead tbody tr td th',
  }).map(([opened, ended]) => [tagId(opened), tagSet(ended)]),
);
const paragraphOnly = tagSet('p');
const nothing = new Set<number>();
const tableParts = tagSet('table thead tbody tfoot tr td th');

export function tagSet(names: string): Set<number> {
  return new Set(names.split(' ').map(tagId));
}

/** The elements that the start of `tag` ends, as long as one of them is the innermost open one. */
export function endedBy(tag: number): Set<number> {
  return impliedEnds.get(tag) ?? (tagFlags[tag]! & BLOCK ? paragraphOnly : nothing);
}

/** True when an end tag must not look for its start tag beyond the open element `outer`. */
export function stopsSearch(tag: number, outer: number): boolean {
  const flags = tagFlags[outer]!;
  if (flags & SCOPE && !tableParts.has(tag)) return true;
  return (flags & BLOCK) !== 0 && (tagFlags[tag]! & BLOCK) === 0;
}
