import { COMMENTS, FURNITURE, HIDDEN } from './marks.ts';
import { BLOCK, SKIP, TEXT, tagFlags, tagId } from './tags.ts';
import type { Tree } from './tree.ts';

/** Sums over the subtree of every node, in characters that are not white space; a CJK character counts as two. */
export interface Measures {
  text: Float64Array;
  link: Float64Array;
  /** Text in paragraphs that read as prose; of the whole subtree, and without what is marked as furniture. */
  allProse: Float64Array;
  prose: Float64Array;
  /** The marks that were believed: fewer where they would leave next to nothing, because names do not mean what they say. */
  trusted: number;
}

const p = tagId('p');
const body = tagId('body');

/** Least text of a paragraph that counts as prose: in a `p`, and directly in another block. */
const proseInParagraph = 40;
const proseInBlock = 80;

export function measure(tree: Tree): Measures {
  const n = tree.size;
  const text = new Float64Array(n);
  const link = new Float64Array(n);
  const own = new Float64Array(n);
  const ownLink = new Float64Array(n);
  const allProse = new Float64Array(n);
  for (let i = n - 1; i > 0; i--) {
    const tag = tree.tag[i]!;
    const up = tree.parent[i]!;
    if (tag === TEXT) {
      const weight = weigh(tree.html, tree.from[i]!, tree.to[i]!);
      text[i] = weight;
      text[up]! += weight;
      own[up]! += weight;
      if (tree.inLink[i]) {
        link[up]! += weight;
        ownLink[up]! += weight;
      }
      continue;
    }
    const flags = tagFlags[tag]!;
    if (flags & SKIP) continue;
    text[up]! += text[i]!;
    link[up]! += link[i]!;
    if (!(flags & BLOCK)) {
      own[up]! += own[i]!;
      ownLink[up]! += ownLink[i]!;
      own[i] = 0;
    } else if (own[i]! > (tag === p ? proseInParagraph : proseInBlock) && ownLink[i]! < own[i]! * 0.5) {
      allProse[i]! += own[i]!;
    } else own[i] = 0;
    allProse[up]! += allProse[i]!;
  }
  return { text, link, allProse, ...trustedProse(tree, own, allProse) };
}

/** Marks that exclude, from all of them to none. */
const trustLevels = [COMMENTS | FURNITURE | HIDDEN, COMMENTS, 0] as const;
/** A level is given up when the next one finds this many times its prose. */
const distrustAt = [4, 40] as const;

/** The prose under the strictest marks that leave a fair part of the page. */
function trustedProse(
  tree: Tree,
  ownProse: Float64Array,
  allProse: Float64Array,
): { prose: Float64Array; trusted: number } {
  let prose = cleanProse(tree, ownProse, allProse, trustLevels[0]);
  let trusted: number = trustLevels[0];
  for (const [level, factor] of distrustAt.entries()) {
    if (prose[0]! * factor >= allProse[0]!) break; // no level can find more than all
    const next = cleanProse(tree, ownProse, allProse, trustLevels[level + 1]!);
    if (next[0]! <= factor * prose[0]!) continue;
    prose = next;
    trusted = trustLevels[level + 1]!;
  }
  return { prose, trusted };
}

/** Prose without subtrees that bear one of `marks`; one with most of the page's prose is a wrapper with an unlucky name. */
function cleanProse(tree: Tree, ownProse: Float64Array, allProse: Float64Array, marks: number): Float64Array {
  const prose = new Float64Array(tree.size);
  const most = 0.5 * allProse[0]!;
  for (let node = tree.size - 1; node > 0; node--) {
    const tag = tree.tag[node]!;
    if (tag === TEXT || tagFlags[tag]! & SKIP) continue;
    prose[node]! += ownProse[node]!;
    const excluding = tree.marks[node]! & marks;
    if (excluding & COMMENTS && tag !== body) continue;
    if (excluding && allProse[node]! < most) continue;
    prose[tree.parent[node]!]! += prose[node]!;
  }
  return prose;
}

/** Characters in [from, to) that are not white space. */
function weigh(html: string, from: number, to: number): number {
  let weight = 0;
  for (let i = from; i < to; i++) {
    const c = html.charCodeAt(i);
    if (c > 32) weight += c >= 0x2e80 && c < 0xfb00 && (c < 0xd800 || c > 0xdfff) ? 2 : 1;
  }
  return weight;
}
