import { decodeEntities } from './entities.ts';
import { mainText } from './rules.ts';
import { parseTree } from './tree.ts';

export interface ExtractOptions {
  /** Address of the page; only the second look uses it. */
  url?: string;
  /** Characters of HTML that are read; the rest of a longer page is ignored and `truncated` is set. */
  maxChars?: number;
  /** Elements and texts that are read; as above. */
  maxNodes?: number;
  /** Elements nested deeper have no node of their own: their text belongs to the deepest one. */
  maxDepth?: number;
  /** `false`: rules only. */
  secondLook?: boolean;
}

export interface Extraction {
  /** Main text: one block (paragraph, heading, list item, table row, line of code) a line, each ended by `\n`; empty when there is none. */
  text: string;
  title?: string;
  /** The language that the page claims, as written (`<html lang>`). */
  lang?: string;
  method: 'rules' | 'readability' | 'none';
  /** The page was longer, or had more nodes, than the limits allow. */
  truncated: boolean;
}

export const extractDefaults = { maxChars: 8_000_000, maxNodes: 400_000, maxDepth: 256 } as const;

/** Main text of an HTML page. Never throws on any string; time is linear in its length. */
export function extractText(html: string, options: ExtractOptions = {}): Extraction {
  const maxChars = options.maxChars ?? extractDefaults.maxChars;
  const page = html.length > maxChars ? html.slice(0, maxChars) : html;
  const tree = parseTree(page, {
    maxNodes: options.maxNodes ?? extractDefaults.maxNodes,
    maxDepth: options.maxDepth ?? extractDefaults.maxDepth,
  });
  const text = mainText(tree);
  const result: Extraction = {
    text,
    method: text === '' ? 'none' : 'rules',
    truncated: tree.truncated || page.length < html.length,
  };
  const title = decodeEntities(tree.title).replace(/\s+/g, ' ').trim();
  if (title !== '') result.title = title;
  if (tree.lang !== '') result.lang = tree.lang;
  return result;
}
