import { Tokenizer, type TokenizerCallbacks } from 'htmlparser2';
import { CONTENT, DOUBTFUL, FURNITURE, HIDDEN, markOf, markOfRole, markOfStyle } from './marks.ts';
import { endedBy, stopsSearch } from './nesting.ts';
import { BLOCK, OPAQUE, ROOT, TEXT, VOID, tagCount, tagFlags, tagId } from './tags.ts';

/**
 * A page as parallel arrays in document order. Node 0 is the root; `end[i]` is the first node after the subtree of `i`,
 * so a subtree is a range, sums over subtrees are one backward loop, and nothing recurses: depth costs no stack.
 */
export interface Tree {
  readonly html: string;
  size: number;
  tag: Uint8Array;
  parent: Int32Array;
  end: Int32Array;
  /** Text nodes: where the text stands in `html` (entities not decoded). */
  from: Int32Array;
  to: Int32Array;
  /** Elements: bits of marks.ts. */
  marks: Uint16Array;
  /** Text nodes: 1 inside a link. */
  inLink: Uint8Array;
  title: string;
  lang: string;
  body: number;
  depth: number;
  /** Depth inside of what is passed over (`<svg>`, `<template>`): other parsers do not pass over it. */
  depthPassedOver: number;
  /** The page had more nodes than allowed; the rest was not read. */
  truncated: boolean;
  /** Elements of the stack that end tags made the parser look at: what a hostile page tries to raise. */
  lookups: number;
}

const a = tagId('a');
const p = tagId('p');
const svg = tagId('svg');
const math = tagId('math');
const title = tagId('title');
const html = tagId('html');
const body = tagId('body');
const head = tagId('head');
const hr = tagId('hr');

export interface TreeLimits {
  maxNodes: number;
  maxDepth: number;
}

/** Usual on real pages: the arrays seldom have to grow. */
const charsPerNode = 32;
/** Depth to which the end tag of an inline element looks for its start tag. */
const inlineReach = 32;

/** Reads a page in one pass. Time and memory are linear in its length, whatever it holds. */
export function parseTree(page: string, limits: TreeLimits): Tree {
  const builder = new TreeBuilder(page, limits);
  const tokenizer = new Tokenizer({ decodeEntities: false }, builder);
  builder.stop = () => tokenizer.pause();
  tokenizer.write(page);
  tokenizer.end();
  return builder.finish();
}

/** Takes the tokenizer's events; keeps the stack of open elements. */
class TreeBuilder implements TokenizerCallbacks {
  readonly tree: Tree;
  stop: () => void = () => {};
  private readonly html: string;
  private readonly limits: TreeLimits;
  private capacity: number;
  /** Open elements: node and tag, innermost last; and how many of each tag are open. */
  private readonly openNodes: Int32Array;
  private readonly openTags: Uint8Array;
  private depth = 0;
  private readonly openCount = new Int32Array(tagCount);
  /** Elements that were opened beyond the depth limit: they have no node, their text belongs to the deepest one. */
  private beyond = 0;
  /** The opaque element that is being passed over, and how often its tag is nested. */
  private opaqueTag = 0;
  private opaqueDepth = 0;
  /** Elements open inside it. */
  private innerDepth = 0;
  private tag = 0;
  private attribute = '';
  private valueFrom = 0;
  private valueTo = 0;
  private marks = 0;
  private readingTitle = false;

  constructor(html: string, limits: TreeLimits) {
    this.html = html;
    this.limits = limits;
    this.capacity = Math.min(limits.maxNodes, Math.ceil(html.length / charsPerNode)) + 16;
    this.openNodes = new Int32Array(limits.maxDepth + 1);
    this.openTags = new Uint8Array(limits.maxDepth + 1);
    this.tree = {
      html,
      size: 0,
      tag: new Uint8Array(this.capacity),
      parent: new Int32Array(this.capacity),
      end: new Int32Array(this.capacity),
      from: new Int32Array(this.capacity),
      to: new Int32Array(this.capacity),
      marks: new Uint16Array(this.capacity),
      inLink: new Uint8Array(this.capacity),
      title: '',
      lang: '',
      body: 0,
      depth: 0,
      depthPassedOver: 0,
      truncated: false,
      lookups: 0,
    };
    this.push(this.add(ROOT), ROOT);
  }

  finish(): Tree {
    while (this.depth > 0) this.pop();
    return this.tree;
  }

  private add(tag: number): number {
    const { tree } = this;
    const node = tree.size++;
    if (node >= this.limits.maxNodes) {
      tree.truncated = true;
      this.stop();
    }
    if (node >= this.capacity) this.grow();
    tree.tag[node] = tag;
    tree.parent[node] = this.depth > 0 ? this.openNodes[this.depth - 1]! : 0;
    tree.end[node] = node + 1;
    return node;
  }

  private grow(): void {
    const { tree } = this;
    this.capacity *= 2;
    tree.tag = enlarged(tree.tag, new Uint8Array(this.capacity));
    tree.parent = enlarged(tree.parent, new Int32Array(this.capacity));
    tree.end = enlarged(tree.end, new Int32Array(this.capacity));
    tree.from = enlarged(tree.from, new Int32Array(this.capacity));
    tree.to = enlarged(tree.to, new Int32Array(this.capacity));
    tree.marks = enlarged(tree.marks, new Uint16Array(this.capacity));
    tree.inLink = enlarged(tree.inLink, new Uint8Array(this.capacity));
  }

  private push(node: number, tag: number): void {
    this.openNodes[this.depth] = node;
    this.openTags[this.depth++] = tag;
    this.openCount[tag]!++;
    if (this.depth > this.tree.depth) this.tree.depth = this.depth;
  }

  private pop(): void {
    const tag = this.openTags[--this.depth]!;
    this.openCount[tag]!--;
    this.tree.end[this.openNodes[this.depth]!] = this.tree.size;
  }

  ontext(from: number, to: number): void {
    if (this.readingTitle) {
      this.tree.title ||= this.html.slice(from, Math.min(to, from + 1000));
      return;
    }
    if (this.opaqueDepth > 0) return;
    const node = this.add(TEXT);
    this.tree.from[node] = from;
    this.tree.to[node] = to;
    if (this.openCount[a]! > 0) this.tree.inLink[node] = 1;
  }

  onopentagname(from: number, to: number): void {
    this.tag = tagId(this.html.slice(from, to).toLowerCase());
    this.marks = 0;
  }

  onattribname(from: number, to: number): void {
    this.valueFrom = this.valueTo = 0;
    const length = to - from;
    this.attribute =
      length >= 2 && length <= 11 && this.opaqueDepth === 0 ? this.html.slice(from, to).toLowerCase() : '';
  }

  onattribdata(from: number, to: number): void {
    if (this.valueTo === 0) this.valueFrom = from;
    this.valueTo = to;
  }

  onattribend(): void {
    switch (this.attribute) {
      case 'class':
      case 'id':
        this.marks |= markOf(this.value());
        return;
      case 'role':
        this.marks |= markOfRole(this.value());
        return;
      case 'itemprop':
        if (this.value() === 'articleBody') this.marks |= CONTENT;
        return;
      case 'style':
        this.marks |= markOfStyle(this.value());
        return;
      case 'hidden':
        this.marks |= HIDDEN;
        return;
      case 'aria-hidden':
        if (this.value() === 'true') this.marks |= HIDDEN;
        return;
      case 'lang':
        if (this.tag === html) this.tree.lang ||= this.value().slice(0, 35);
        return;
    }
  }

  private value(): string {
    return this.html.slice(this.valueFrom, this.valueTo);
  }

  onopentagend(): void {
    this.open(false);
  }

  onselfclosingtag(): void {
    this.open(true);
  }

  private open(selfClosing: boolean): void {
    const { tag } = this;
    const flags = tagFlags[tag]!;
    if (this.opaqueDepth > 0) {
      if (!selfClosing && !(flags & VOID)) this.deepen();
      if (tag === this.opaqueTag) {
        if (!selfClosing) this.opaqueDepth++;
        return;
      }
      // A block element ends foreign content (HTML standard 13.2.6.5).
      if (!((this.opaqueTag === svg || this.opaqueTag === math) && flags & BLOCK)) return;
      this.opaqueDepth = 0;
    }
    if (tag === title) this.readingTitle = true;
    if (flags & OPAQUE) {
      this.opaqueTag = tag;
      this.innerDepth = 0;
      this.opaqueDepth = selfClosing && (tag === svg || tag === math) ? 0 : 1;
      return;
    }
    if (tag === html || tag === head) return;
    if (tag === body) {
      if (this.tree.body > 0) return;
      this.tree.body = this.tree.size;
    }
    if (flags & VOID) {
      if (flags & BLOCK) {
        if (tag === hr) this.endImplied(tag);
        this.add(tag);
      }
      return;
    }
    this.endImplied(tag);
    if (this.depth >= this.limits.maxDepth) {
      this.beyond++;
      return;
    }
    const node = this.add(tag);
    this.tree.marks[node] = this.marks & CONTENT ? this.marks & ~(FURNITURE | DOUBTFUL) : this.marks;
    this.push(node, tag);
  }

  private deepen(): void {
    this.innerDepth++;
    if (this.innerDepth > this.tree.depthPassedOver) this.tree.depthPassedOver = this.innerDepth;
  }

  private endImplied(opened: number): void {
    const ended = endedBy(opened);
    while (this.depth > 1 && ended.has(this.openTags[this.depth - 1]!)) this.pop();
  }

  onclosetag(from: number, to: number): void {
    const tag = tagId(this.html.slice(from, to).toLowerCase());
    if (tag === title) this.readingTitle = false;
    if (this.opaqueDepth > 0) {
      this.innerDepth--;
      if (tag === this.opaqueTag) this.opaqueDepth--;
      return;
    }
    const flags = tagFlags[tag]!;
    if (tag === p && this.openCount[p] === 0) this.add(p);
    if (tag === body || tag === html || flags & (VOID | OPAQUE)) return;
    if (this.beyond > 0) {
      this.beyond--;
      return;
    }
    if (this.openCount[tag] === 0) return;
    const at = this.startOf(tag, flags);
    if (at > 0) while (this.depth > at) this.pop();
  }

  /** Where on the stack the element is that an end tag closes; 0 when the tag closes nothing. */
  private startOf(tag: number, flags: number): number {
    const reach = flags & BLOCK ? 0 : Math.max(0, this.depth - inlineReach);
    for (let at = this.depth - 1; at > reach; at--) {
      const here = this.openTags[at]!;
      this.tree.lookups++;
      if (here === tag) return at;
      if (stopsSearch(tag, here)) return 0;
    }
    return 0;
  }

  oncomment(): void {}
  oncdata(): void {}
  ondeclaration(): void {}
  onprocessinginstruction(): void {}
  onattribentity(): void {}
  ontextentity(): void {}
  onend(): void {}
}

function enlarged<T extends Uint8Array | Uint16Array | Int32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
