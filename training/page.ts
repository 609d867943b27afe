import { Parser } from 'htmlparser2';

/** What a page says, cut three ways, for weak labels. It is no extractor: a paragraph is what its author marked as one. */
export interface PageText {
  /** Long paragraphs only: close to the article. */
  readonly article: string;
  /** Every visible line: what a crude text dump gives. */
  readonly everything: string;
  /** The visible lines outside paragraphs: menus, buttons, lists of links. */
  readonly boilerplate: string;
}

const hidden = new Set([
  'title',
  'script',
  'style',
  'noscript',
  'template',
  'head',
  'svg',
  'iframe',
  'select',
  'textarea',
]);
const inline = new Set(
  'a abbr b bdi bdo big cite code data del dfn em font i ins kbd label mark q s samp small span strong sub sup time tt u var wbr'.split(
    ' ',
  ),
);
const PARAGRAPH_CHARS = 60;

export function pageText(html: string): PageText {
  const article: string[] = [];
  const everything: string[] = [];
  const boilerplate: string[] = [];
  let line = '';
  let hiddenDepth = 0;
  let paragraphDepth = 0;

  const endLine = (): void => {
    const text = line.replace(/\s+/gu, ' ').trim();
    line = '';
    if (text === '') return;
    everything.push(text);
    if (paragraphDepth === 0) boilerplate.push(text);
    else if (text.length >= PARAGRAPH_CHARS) article.push(text);
  };
  const parser = new Parser({
    onopentagname(name) {
      if (hidden.has(name)) hiddenDepth++;
      if (inline.has(name)) return;
      endLine();
      if (name === 'p') paragraphDepth++;
    },
    ontext(text) {
      if (hiddenDepth === 0) line += text;
    },
    onclosetag(name) {
      if (hidden.has(name)) hiddenDepth = Math.max(0, hiddenDepth - 1);
      if (inline.has(name)) return;
      endLine();
      if (name === 'p') paragraphDepth = Math.max(0, paragraphDepth - 1);
    },
  });
  parser.end(html);
  endLine();
  return { article: article.join('\n'), everything: everything.join('\n'), boilerplate: boilerplate.join('\n') };
}

/** UTF-8 where the bytes are that, else Windows-1252. */
export function decodePage(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}
