import { decodeEntities } from './entities.ts';
import { COMMENTS, CONTENT, DOUBTFUL, FURNITURE, HIDDEN } from './marks.ts';
import { type Measures, measure } from './measure.ts';
import { BLOCK, BREAK, HEADING, SKIP, TEXT, WRAPPER, tagFlags, tagId } from './tags.ts';
import type { Tree } from './tree.ts';

const p = tagId('p');
const body = tagId('body');
const h1 = tagId('h1');
const article = tagId('article');
const main = tagId('main');
const header = tagId('header');
const figure = tagId('figure');
const figcaption = tagId('figcaption');
const containers = new Set(
  ['div', 'section', 'article', 'main', 'td', 'tr', 'tbody', 'table', 'center', 'form', 'fieldset', 'body'].map(tagId),
);
const cells = new Set(['p', 'li', 'td', 'th', 'dt', 'dd', 'pre', 'blockquote'].map(tagId));

interface Block {
  text: string;
  linkShare: number;
  tag: number;
}

export function mainText(tree: Tree): string {
  const m = measure(tree);
  const root = chooseRoot(tree, m);
  const lead = leadStart(tree, root);
  const blocks = collect(tree, m, lead, root, root).filter((block) => block.text.length >= 80 && block.linkShare < 0.3);
  return render([...blocks, ...collect(tree, m, root + 1, tree.end[root]!, root)]);
}

export function chooseRoot(tree: Tree, m: Measures): number {
  const start = tree.body;
  let root = start;
  let best = -1;
  for (let i = start + 1; i < tree.size; i++) {
    const tag = tree.tag[i]!;
    if (tag === TEXT || m.prose[i]! < 100) continue;
    if (tree.marks[i]! & (COMMENTS | HIDDEN)) continue;
    if (tag === article || tag === main || tree.marks[i]! & CONTENT) {
      if (best < 0 || m.prose[i]! > 0.9 * m.prose[best]!) best = i;
    }
  }
  if (best > 0 && m.prose[best]! >= 0.5 * m.prose[start]!) root = best;
  for (;;) {
    let child = -1;
    for (let i = root + 1; i < tree.end[root]!; i = tree.end[i]!) {
      if (!containers.has(tree.tag[i]!) || tree.marks[i]! & COMMENTS) continue;
      if (child < 0 || m.prose[i]! > m.prose[child]!) child = i;
    }
    if (child < 0 || m.prose[child]! < 0.9 * m.prose[root]! || m.prose[child]! < 140) return root;
    root = child;
  }
}

/** Where a lead paragraph may begin that stands before `root`: after the last first-level heading there. */
function leadStart(tree: Tree, root: number): number {
  for (let i = root - 1; i > tree.body; i--) if (tree.tag[i] === h1) return tree.end[i]!;
  return root;
}

export function dropped(tree: Tree, m: Measures, i: number, root: number): boolean {
  const tag = tree.tag[i]!;
  const flags = tagFlags[tag]!;
  const marks = tree.marks[i]!;
  const total = m.text[root]!;
  const text = m.text[i]!;
  if (flags & SKIP) return true;
  if (flags & WRAPPER && text < 0.5 * total) return true;
  if (tag === figure || tag === figcaption) return text < 0.5 * total;
  if (marks & COMMENTS && tag !== body) return true;
  if (m.trustMarks && marks & (FURNITURE | HIDDEN) && m.allProse[i]! < 0.5 * m.allProse[root]!) return true;
  if (marks & DOUBTFUL && m.prose[i]! < 100) return true;
  if (tag === header && m.prose[i]! < 100) return true;
  if (flags & BLOCK && !(flags & HEADING) && tag !== p && text > 0 && m.link[i]! > 0.6 * text) return true;
  return false;
}

export function collect(tree: Tree, m: Measures, from: number, to: number, root: number): Block[] {
  const blocks: Block[] = [];
  const ends: number[] = [];
  const tags: number[] = [];
  let current = '';
  let link = 0;
  let weight = 0;
  let tag = tree.tag[root]!;
  const flush = (next: number): void => {
    const text = current === '' ? '' : decodeEntities(current).replace(/\s+/g, ' ').trim();
    if (text !== '') blocks.push({ text, linkShare: link / Math.max(1, weight), tag });
    current = '';
    link = weight = 0;
    tag = next;
  };
  for (let i = from; i < to; ) {
    while (ends.length > 0 && i >= ends.at(-1)!) {
      ends.pop();
      tags.pop();
      flush(tags.at(-1) ?? tree.tag[root]!);
    }
    const t = tree.tag[i]!;
    if (t === TEXT) {
      current += tree.html.slice(tree.from[i], tree.to[i]);
      weight += m.text[i]!;
      if (tree.inLink[i]) link += m.text[i]!;
      i++;
      continue;
    }
    if (dropped(tree, m, i, root)) {
      if (tagFlags[t]! & BLOCK) flush(tag);
      i = tree.end[i]!;
      continue;
    }
    const flags = tagFlags[t]!;
    if (flags & BREAK) flush(tag);
    else if (flags & BLOCK) {
      flush(t);
      ends.push(tree.end[i]!);
      tags.push(t);
    }
    i++;
  }
  flush(0);
  return blocks;
}

function render(blocks: Block[]): string {
  let out = '';
  for (let i = 0; i < blocks.length; i++) {
    const b = blocks[i]!;
    if (b.linkShare > 0.6 && b.text.length < 200) continue;
    const head = tagFlags[b.tag]! & HEADING;
    if (!head && !cells.has(b.tag) && b.text.length < 25 && !/[.!?:。]$/.test(b.text)) {
      const before = blocks[i - 1];
      const after = blocks[i + 1];
      if (!(before && after && before.text.length > 80 && after.text.length > 80)) continue;
    }
    if (head) {
      const after = blocks[i + 1];
      if (!after || after.linkShare > 0.6 || (tagFlags[after.tag]! & HEADING && after.tag <= b.tag)) continue;
    }
    out += `${b.text}\n`;
  }
  return out;
}
