import { decodeEntities } from './entities.ts';
import type { Measures } from './measure.ts';
import { BLOCK, BREAK, TEXT, tagFlags, tagId } from './tags.ts';
import type { Tree } from './tree.ts';

/** One line of the result, or several: a heading, paragraph, list item, table row, line of code. */
export interface Block {
  text: string;
  /** Innermost block element around it. */
  tag: number;
  /** As in Measures: characters without white space, CJK twice. */
  weight: number;
  /** Part of the weight that is in links, 0 to 1. */
  linkShare: number;
}

const pre = tagId('pre');
const td = tagId('td');
const th = tagId('th');

/** Stands between two cells of a row until white space has been folded; a noncharacter, so it is in no text. */
const cellMark = '\uffff';

/** The blocks of the nodes [from, to), without the subtrees that `drop` refuses. */
export function collectBlocks(
  tree: Tree,
  measures: Measures,
  from: number,
  to: number,
  drop: (node: number) => boolean,
): Block[] {
  const blocks: Block[] = [];
  const openEnds: number[] = [];
  const openTags: number[] = [];
  const outer = from > 0 ? tree.tag[tree.parent[from] ?? 0]! : 0;
  let current = '';
  let weight = 0;
  let linkWeight = 0;
  let tag = outer;
  let preEnd = 0;

  const flush = (): void => {
    if (current !== '') {
      const lines = tag === pre ? codeLines(current) : [foldedLine(current)];
      for (const text of lines) {
        if (text !== '') blocks.push({ text, tag, weight, linkShare: linkWeight / Math.max(1, weight) });
      }
    }
    current = '';
    weight = linkWeight = 0;
  };

  for (let node = from; node < to; ) {
    while (node >= (openEnds.at(-1) ?? to)) {
      flush();
      openEnds.pop();
      openTags.pop();
      tag = openTags.at(-1) ?? outer;
    }
    const nodeTag = tree.tag[node]!;
    if (nodeTag === TEXT) {
      current += tree.html.slice(tree.from[node], tree.to[node]);
      weight += measures.text[node]!;
      if (tree.inLink[node]) linkWeight += measures.text[node]!;
      node++;
      continue;
    }
    const flags = tagFlags[nodeTag]!;
    if (drop(node)) {
      if (flags & BLOCK) flush();
      node = tree.end[node]!;
      continue;
    }
    if ((nodeTag === td || nodeTag === th) && !holdsBlock(tree, node)) current += cellMark;
    else if (flags & BREAK) flush();
    else if (flags & BLOCK) {
      flush();
      if (nodeTag === pre) preEnd = Math.max(preEnd, tree.end[node]!);
      tag = node < preEnd ? pre : nodeTag;
      openEnds.push(tree.end[node]!);
      openTags.push(tag);
    }
    node++;
  }
  flush();
  return blocks;
}

/** True for a cell of a layout table: its blocks are lines of their own. */
function holdsBlock(tree: Tree, cell: number): boolean {
  for (let node = cell + 1; node < tree.end[cell]!; node++) {
    if (tagFlags[tree.tag[node]!]! & BLOCK) return true;
  }
  return false;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: a NUL is white space here, as good as nothing.
const space = /[\s\0]+/g;
/** Soft hyphens and zero-width spaces: where a browser may break, no part of a word. */
const breakHints = /[\u00ad\u200b\ufeff]/g;

function foldedLine(html: string): string {
  const text = decodeEntities(html).replace(breakHints, '');
  if (!text.includes(cellMark)) return text.replace(space, ' ').trim();
  const cells = text.split(cellMark).map((cell) => cell.replace(space, ' ').trim());
  return cells.filter((cell) => cell !== '').join('\t');
}

/** Lines of preformatted text keep their indentation. */
function codeLines(html: string): string[] {
  return decodeEntities(html)
    .split(/\r\n?|\n/)
    .map((line) => line.replace(breakHints, '').trimEnd());
}
