import { BLOCK, SKIP, TEXT, tagFlags, tagId } from './tags.ts';
import type { Tree } from './tree.ts';

/** Sums over the subtree of every node, in characters that are not white space; a CJK character counts three. */
export interface Measures {
  text: Float64Array;
  link: Float64Array;
  /** Characters in paragraphs: text that reads as prose, worth less the deeper it lies below the node. */
  prose: Float64Array;
  /** Text directly in this block, not in a block below it; and the part of it in links. */
  own: Float64Array;
}
const p = tagId('p');

export function measure(tree: Tree): Measures {
  const n = tree.size;
  const text = new Float64Array(n);
  const link = new Float64Array(n);
  const prose = new Float64Array(n);
  const own = new Float64Array(n);
  for (let i = n - 1; i > 0; i--) {
    const tag = tree.tag[i]!;
    const up = tree.parent[i]!;
    if (tag === TEXT) {
      const w = weigh(tree.html, tree.from[i]!, tree.to[i]!);
      text[i] = w;
      text[up]! += w;
      if (tree.inLink[i]) link[up]! += w;
      own[up]! += w;
      continue;
    }
    const flags = tagFlags[tag]!;
    const t = text[i]!;
    const l = link[i]!;
    const isProse = (tag === p ? t > 40 : own[i]! > 80) && l < t * 0.5;
    if (flags & SKIP) continue;
    text[up]! += t;
    link[up]! += l;
    if (!(flags & BLOCK)) own[up]! += own[i]!;
    if (tag === p) prose[up]! += isProse ? t : 0;
    else prose[up]! += Math.max(prose[i]! * 0.9, 0) + (flags & BLOCK && isProse ? own[i]! * 0.8 : 0);
  }
  return { text, link, prose, own };
}

/** Characters in [from, to) that are not white space. */
export function weigh(html: string, from: number, to: number): number {
  let w = 0;
  for (let i = from; i < to; i++) {
    const c = html.charCodeAt(i);
    if (c > 32) w += c >= 0x2e80 && c < 0xfb00 && (c < 0xac00 || c > 0xdfff) ? 3 : 1;
  }
  return w;
}
