import type { Article, Block } from './article.ts';

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

export const escapeHtml = (text: string) => text.replaceAll(/[&<>"]/g, (character) => entities[character]!);

/** Blocks as HTML; `paragraph` is the element that a site uses for running text. */
export function blocksHtml(blocks: readonly Block[], paragraph = 'p', afterFirst = ''): string {
  return blocks.map((block, at) => blockHtml(block, paragraph) + (at === 1 ? afterFirst : '')).join('\n');
}

function blockHtml(block: Block, paragraph: string): string {
  if (block.type === 'list') return `<ul>${block.items.map((item) => `<li>${escapeHtml(item)}</li>`).join('')}</ul>`;
  if (block.type === 'table') {
    const rows = block.rows.map((row) => `<tr>${row.map((cell) => `<td>${escapeHtml(cell)}</td>`).join('')}</tr>`);
    return `<table>${rows.join('')}</table>`;
  }
  const text = escapeHtml(block.text);
  if (block.type === 'heading') return `<h2>${text}</h2>`;
  if (block.type === 'quote') return `<blockquote><p>${text.replaceAll('\n', '<br>')}</p></blockquote>`;
  if (block.type === 'code') return `<pre>${text}</pre>`;
  return `<${paragraph}>${text}</${paragraph}>`;
}

export const links = (labels: readonly string[], prefix = '/') =>
  labels.map((label, at) => `<li><a href="${prefix}${at + 1}">${escapeHtml(label)}</a></li>`).join('');

/** The article as schema.org JSON-LD, its first paragraph as the description. */
export function jsonLd(article: Article, url: string, date: string): string {
  const first = article.blocks.find((block) => block.type === 'paragraph');
  const data = {
    '@context': 'https://schema.org',
    '@type': 'Article',
    headline: article.title,
    datePublished: date.slice(0, 10),
    mainEntityOfPage: url,
    description: first && 'text' in first ? first.text.slice(0, 150) : '',
  };
  return `<script type="application/ld+json">${JSON.stringify(data)}</script>`;
}
