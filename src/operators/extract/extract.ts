import { decodeEntities } from './entities.ts';
import { type MainText, allText, mainText } from './rules.ts';
import { readabilityHtml } from './second-look.ts';
import { type Tree, parseTree } from './tree.ts';

export interface ExtractOptions {
  /** Address of the page. Part of the interface for extractors that know sites; these rules do not use it. */
  url?: string;
  /** UTF-16 units of HTML that are read. */
  maxChars?: number;
  /** Elements and texts that are read. */
  maxNodes?: number;
  /** Elements nested deeper have no node of their own: their text belongs to the deepest one. */
  maxDepth?: number;
  /**
   * Below this weight of main text (characters without white space, CJK twice) Readability gives a second opinion,
   * where the page is small enough for it. 0: never.
   */
  secondLookBelow?: number;
}

export interface Extraction {
  /**
   * Main text: one block a line, each ended by `\n`; empty when there is none. A block is a paragraph, a heading, a list item,
   * a line between `<br>`, a line of preformatted text (indentation kept), or a table row (cells separated by a tab).
   */
  text: string;
  /** `<title>`, white space folded. */
  title?: string;
  /** The language that the page claims (`<html lang>`), as written. */
  lang?: string;
  method: 'rules' | 'readability' | 'none';
  /** The page went beyond `maxChars` or `maxNodes`; what lies beyond was not read. */
  truncated: boolean;
}

export const extractDefaults: Required<Omit<ExtractOptions, 'url'>> = {
  maxChars: 16_000_000,
  maxNodes: 400_000,
  maxDepth: 256,
  secondLookBelow: 150,
};

/** Limits of a page that Readability may look at: about 0.2 CPU-seconds. */
const secondLook = { maxChars: 500_000, maxNodes: 10_000, maxDepth: 200 } as const;
/** Readability's text replaces that of the rules when it is longer by this factor. */
const secondLookGain = 1.5;

/**
 * Main text of an HTML page, without navigation, notices, comments and other furniture.
 * Pure; never throws, whatever the string; time and memory are linear in its length.
 */
export function extractText(html: string, options: ExtractOptions = {}): Extraction {
  const { maxChars, maxNodes, maxDepth, secondLookBelow } = { ...extractDefaults, ...options };
  const page = html.length > maxChars ? html.slice(0, maxChars) : html;
  const tree = parseTree(page, { maxNodes, maxDepth });
  let found = mainText(tree);
  let method: Extraction['method'] = 'rules';
  if (found.weight < secondLookBelow && worthSecondLook(tree)) {
    const second = secondText(page, { maxNodes, maxDepth });
    if (second.weight > secondLookGain * found.weight) {
      found = second;
      method = 'readability';
    }
  }
  const text = found.blocks.map((block) => `${block.text}\n`).join('');
  const title = decodeEntities(tree.title).replace(/\s+/g, ' ').trim();
  return {
    text,
    ...(title === '' ? {} : { title }),
    ...(tree.lang === '' ? {} : { lang: tree.lang }),
    method: text === '' ? 'none' : method,
    truncated: tree.truncated || page.length < html.length,
  };
}

function worthSecondLook(tree: Tree): boolean {
  return (
    tree.html.length <= secondLook.maxChars &&
    tree.size <= secondLook.maxNodes &&
    tree.depth + tree.depthPassedOver <= secondLook.maxDepth
  );
}

function secondText(page: string, limits: { maxNodes: number; maxDepth: number }): MainText {
  return allText(parseTree(readabilityHtml(page), limits));
}
