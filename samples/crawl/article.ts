import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export type Block =
  | { type: 'heading' | 'paragraph' | 'quote' | 'code'; text: string }
  | { type: 'list'; items: string[] }
  | { type: 'table'; rows: string[][] };

/** One text of `samples/texts`: what a page is about, before any page is built around it. */
export interface Article {
  language: string;
  slug: string;
  title: string;
  blocks: Block[];
  /** Asked for by a first line `<!-- layout: forum -->`; otherwise the plan chooses. */
  layout?: string;
}

const texts = path.resolve(import.meta.dirname, '../texts');

/** Articles of one folder below `samples/texts`, in the order of their names. */
export function readArticles(folder: string, languageOf = (_slug: string) => folder): Article[] {
  return readdirSync(path.join(texts, folder))
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => {
      const slug = name.slice(0, -3);
      return parseArticle(readFileSync(path.join(texts, folder, name), 'utf8'), languageOf(slug), slug);
    });
}

/** Reads the small part of Markdown that the texts use: a title, headings, paragraphs, lists, quotes, tables and indented code. */
export function parseArticle(markdown: string, language: string, slug: string): Article {
  const wanted = /^<!-- layout: (\w+) -->\n/.exec(markdown);
  const [head = '', ...rest] = markdown
    .slice(wanted?.[0].length ?? 0)
    .trim()
    .split(/\n{2,}/);
  if (!head.startsWith('# ')) throw new Error(`${language}/${slug}; no title; start the text with "# "`);
  const article = { language, slug, title: head.slice(2), blocks: rest.map(parseBlock) };
  return wanted ? { ...article, layout: wanted[1]! } : article;
}

function parseBlock(source: string): Block {
  if (source.startsWith('## ')) return { type: 'heading', text: source.slice(3) };
  if (source.startsWith('> ')) return { type: 'quote', text: source.replaceAll(/^> ?/gm, '') };
  if (source.startsWith('    ')) return { type: 'code', text: source.replaceAll(/^ {4}/gm, '') };
  if (source.startsWith('- '))
    return { type: 'list', items: source.split('\n').map((line) => line.replace(/^- /, '')) };
  if (source.startsWith('| '))
    return {
      type: 'table',
      rows: source
        .split('\n')
        .filter((line) => !line.startsWith('|-'))
        .map(cells),
    };
  return { type: 'paragraph', text: source.replaceAll('\n', ' ') };
}

const cells = (line: string) =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());

/** The words that a reader of the page came for, one block a line; what near-duplicate truth is computed on. */
export function plainText(article: Article): string {
  return [article.title, ...article.blocks.map(blockText)].join('\n');
}

function blockText(block: Block): string {
  if (block.type === 'list') return block.items.join('\n');
  if (block.type === 'table') return block.rows.map((row) => row.join(' ')).join('\n');
  return block.text;
}
