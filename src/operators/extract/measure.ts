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
  /** False where the marks would leave next to nothing of the page: its names do not mean what they say. */
  trustMarks: boolean;
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
  let prose = cleanProse(tree, own, allProse, true);
  const unmarked = cleanProse(tree, own, allProse, false);
  const trustMarks = prose[0]! >= 0.25 * unmarked[0]!;
  if (!trustMarks) prose = unmarked;
  return { text, link, allProse, prose, trustMarks };
}

/** Prose without marked subtrees; one that holds most of the page's prose is a wrapper with an unlucky name. */
function cleanProse(tree: Tree, ownProse: Float64Array, allProse: Float64Array, trustMarks: boolean): Float64Array {
  const prose = new Float64Array(tree.size);
  const most = 0.5 * allProse[0]!;
  for (let i = tree.size - 1; i > 0; i--) {
    const tag = tree.tag[i]!;
    if (tag === TEXT || tagFlags[tag]! & SKIP) continue;
    prose[i]! += ownProse[i]!;
    const marks = tree.marks[i]!;
    if (marks & COMMENTS && tag !== body) continue;
    if (trustMarks && marks & (FURNITURE | HIDDEN) && allProse[i]! < most) continue;
    prose[tree.parent[i]!]! += prose[i]!;
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
