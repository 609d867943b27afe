import { type Block, collectBlocks } from './blocks.ts';
import { COMMENTS, CONTENT, DOUBTFUL, HIDDEN } from './marks.ts';
import { type Measures, measure } from './measure.ts';
import { tagSet } from './nesting.ts';
import { HEADING, SKIP, TEXT, WRAPPER, tagFlags, tagId } from './tags.ts';
import type { Tree } from './tree.ts';

const body = tagId('body');
const article = tagId('article');
const main = tagId('main');
const h1 = tagId('h1');
const header = tagId('header');
const figure = tagId('figure');
const figcaption = tagId('figcaption');
/** Elements that the search for the main text descends into. */
const containers = tagSet('div section article main td tr tbody table center form fieldset body');
/** Elements that are dropped when most of their text is links. */
const linkLists = tagSet('div section article header center table ul ol dl');
/** Elements whose text is kept however short it is. */
const keptShort = tagSet('p li td th tr dt dd pre blockquote caption summary');

/** Weights (characters without white space) of a paragraph, of a scrap, and of a line of links that may stay. */
const paragraphWeight = 68;
const scrapWeight = 22;
const linkLineWeight = 170;
/** More than this part of the text in links: a list of links, not prose. */
const mostlyLinks = 0.6;

export interface MainText {
  blocks: Block[];
  /** Sum of the blocks' weights. */
  weight: number;
}

/**
 * The blocks of a page's main text: choose the element that holds it, then drop from it what is furniture.
 * The lead paragraph often stands outside, between the page's heading and that element.
 */
export function mainText(tree: Tree): MainText {
  const measures = measure(tree);
  const root = chooseRoot(tree, measures);
  const drop = (node: number): boolean => isFurniture(tree, measures, node, root);
  const lead = collectBlocks(tree, measures, leadStart(tree, root), root, drop).filter(isLead);
  const blocks = keepBlocks([...lead, ...collectBlocks(tree, measures, root + 1, tree.end[root]!, drop)]);
  return { blocks, weight: blocks.reduce((sum, block) => sum + block.weight, 0) };
}

/** All blocks of a page that somebody else has cleaned; none if not one of them reads as prose. */
export function allText(tree: Tree): MainText {
  const measures = measure(tree);
  if (measures.allProse[0] === 0) return { blocks: [], weight: 0 };
  const blocks = collectBlocks(tree, measures, 1, tree.size, (node) => (tagFlags[tree.tag[node]!]! & SKIP) !== 0);
  return { blocks, weight: blocks.reduce((sum, block) => sum + block.weight, 0) };
}

/** A named place counts when it holds this part of the page's prose; a step down keeps at least this part of it. */
const placeShare = 0.5;
const descentShare = 0.9;
const leastPlaceProse = 100;
const leastDescentProse = 140;

/** The innermost container that still holds nearly all the prose, beginning at the best place that the page names. */
function chooseRoot(tree: Tree, { prose, trusted }: Measures): number {
  let root = namedPlace(tree, prose, trusted);
  for (;;) {
    let child = -1;
    for (let node = root + 1; node < tree.end[root]!; node = tree.end[node]!) {
      if (!containers.has(tree.tag[node]!) || tree.marks[node]! & trusted & COMMENTS) continue;
      if (child < 0 || prose[node]! > prose[child]!) child = node;
    }
    if (child < 0 || prose[child]! < descentShare * prose[root]! || prose[child]! < leastDescentProse) return root;
    root = child;
  }
}

/** The article, main or so-called content element with the most prose (the innermost of equals), else the body. */
function namedPlace(tree: Tree, prose: Float64Array, trusted: number): number {
  let best = -1;
  for (let node = tree.body + 1; node < tree.size; node++) {
    const tag = tree.tag[node]!;
    const marks = tree.marks[node]!;
    if (tag === TEXT || prose[node]! < leastPlaceProse || marks & trusted & (COMMENTS | HIDDEN)) continue;
    if (tag !== article && tag !== main && !(marks & CONTENT)) continue;
    if (best < 0 || prose[node]! > 0.9 * prose[best]!) best = node;
  }
  return best > 0 && prose[best]! >= placeShare * prose[tree.body]! ? best : tree.body;
}

/** Where a lead may begin that stands before `root`: after the last first-level heading there. */
function leadStart(tree: Tree, root: number): number {
  for (let node = root - 1; node > tree.body; node--) if (tree.tag[node] === h1) return tree.end[node]!;
  return root;
}

function isLead(block: Block): boolean {
  return block.weight >= paragraphWeight && block.linkShare < 0.5 * mostlyLinks;
}

/** A header or a place of doubtful name with this much prose holds a lead or an introduction. */
const leadProse = 150;

function isFurniture(tree: Tree, m: Measures, node: number, root: number): boolean {
  const tag = tree.tag[node]!;
  const flags = tagFlags[tag]!;
  const marks = tree.marks[node]!;
  const text = m.text[node]!;
  const large = text >= 0.5 * m.text[root]!;
  if (flags & SKIP) return true;
  const excluding = marks & m.trusted;
  if (excluding & COMMENTS && tag !== body) return true;
  if (!large && (flags & WRAPPER || tag === figure || tag === figcaption)) return true;
  if (excluding && m.allProse[node]! < 0.5 * m.allProse[root]!) return true;
  if ((marks & DOUBTFUL || tag === header) && m.prose[node]! < leadProse) return true;
  return linkLists.has(tag) && m.link[node]! > mostlyLinks * text;
}

/** A sentence's or a quotation's end, in any script. */
const ending = /[\p{Sentence_Terminal}:…»”"')\]]$/u;

/** A heading of this weight is a paragraph in large type. */
const longHeading = 120;

/** Drops link lines, scraps, and headings and announcements that nothing follows. */
function keepBlocks(blocks: Block[]): Block[] {
  const kept: Block[] = [];
  let next: Block | undefined;
  for (let i = blocks.length - 1; i >= 0; i--) {
    const block = blocks[i]!;
    if (block.linkShare > mostlyLinks && block.weight < linkLineWeight) continue;
    if (isHeading(block) ? announcesNothing(block, next) : isScrap(block, blocks[i - 1], blocks[i + 1])) continue;
    if (next === undefined && block.text.endsWith(':')) continue;
    kept.push(block);
    next = block;
  }
  return kept.toReversed();
}

function isHeading(block: Block): boolean {
  return (tagFlags[block.tag]! & HEADING) !== 0 && block.weight < longHeading;
}

/** True for a heading before nothing, or before another of its rank or higher. */
function announcesNothing(heading: Block, next: Block | undefined): boolean {
  return next === undefined || (isHeading(next) && next.tag <= heading.tag);
}

/** A few words without a sentence's end, and not between two paragraphs. */
function isScrap(block: Block, before: Block | undefined, after: Block | undefined): boolean {
  if (keptShort.has(block.tag) || block.weight >= scrapWeight || ending.test(block.text)) return false;
  return !(before && after && before.weight > paragraphWeight && after.weight > paragraphWeight);
}
