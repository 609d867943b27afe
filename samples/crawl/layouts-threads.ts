import type { Block } from './article.ts';
import { chromeOf } from './chrome.ts';
import type { Layout } from './layouts.ts';
import { blocksHtml, escapeHtml, jsonLd, links } from './markup.ts';

/** A bulletin board: every heading of the article opens a post by that user, what stands before the first is the opening post. */
export const forum: Layout = ({ article, site, date, author, charset, related }) => {
  const c = chromeOf(article.language);
  const posts: { user: string; blocks: Block[] }[] = [{ user: author, blocks: [] }];
  for (const block of article.blocks) {
    if (block.type === 'heading') posts.push({ user: block.text, blocks: [] });
    else posts.at(-1)?.blocks.push(block);
  }
  const rows = posts.map(
    (
      { user, blocks },
      at,
    ) => `<div class="post" id="p${at + 1}"><div class="postprofile"><b>${escapeHtml(user)}</b><br>Posts: ${(at * 37 + 11) % 400}<br>#${at + 1}</div>
<div class="postbody">${blocksHtml(blocks)}</div></div>`,
  );
  return `<!DOCTYPE html><html lang="${article.language}"><head><meta charset="${charset}"><title>${escapeHtml(article.title)} - ${site}</title></head>
<body id="phpbb" class="section-viewtopic"><div class="navbar"><ul>${links(c.menu, './index.php?f=')}</ul></div>
<h1 class="topic-title">${escapeHtml(article.title)}</h1><div class="pagination">1 2 3 ... 7</div>
<div id="page-body" role="main">${rows.join('\n')}</div>
<div class="similar-topics"><h3>${c.related}</h3><ul>${links(related, './viewtopic.php?t=')}</ul></div>
<div class="copyright">Powered by BoardWare &copy; ${date.slice(0, 4)} ${site}. ${c.rights}</div></body></html>`;
};

/** A shop: product data beside the description, bundles below. */
export const shop: Layout = ({ article, site, url, date, charset, related }) => {
  const c = chromeOf(article.language);
  const price = `${(article.title.length * 7) % 180}.95 EUR`;
  return `<!DOCTYPE html><html lang="${article.language}"><head><meta charset="${charset}"><title>${escapeHtml(article.title)} | ${site}</title>${jsonLd(article, url, date)}</head>
<body><div class="announcement">-10 % | ${c.newsletter}</div><header><nav class="mega-menu"><ul>${links(c.menu, '/c/')}</ul></nav><form role="search"><input name="q"></form></header>
<div class="product"><div class="gallery"><img src="/p/${article.slug}-1.webp" alt=""><img src="/p/${article.slug}-2.webp" alt=""></div>
<div class="buy"><span class="price">${price}</span><select><option>1</option><option>2</option></select><button>+</button></div>
<div class="description" itemprop="description"><h1>${escapeHtml(article.title)}</h1>
${blocksHtml(article.blocks)}
</div></div><div class="cross-sell"><h3>${c.related}</h3><ul>${related.map((title) => `<li>${escapeHtml(title)} <b>${price}</b></li>`).join('')}</ul></div>
<footer><p>${c.cookies}</p><p>${c.rights}</p></footer></body></html>`;
};
