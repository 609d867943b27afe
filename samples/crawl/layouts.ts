import type { Article } from './article.ts';
import { chromeOf, remarks } from './chrome.ts';
import { blocksHtml, escapeHtml, jsonLd, links } from './markup.ts';
import { forum, shop } from './layouts-threads.ts';

/** What a site knows when it builds a page. */
export interface PageInput {
  article: Article;
  site: string;
  url: string;
  date: string;
  author: string;
  charset: string;
  /** Titles of other pages of the site, for its sidebars. */
  related: readonly string[];
}

export type Layout = (page: PageInput) => string;

/** A weblog of the 2010s: header, one column, sidebar widgets, comments. */
const blog: Layout = ({ article, site, url, date, author, charset, related }) => {
  const c = chromeOf(article.language);
  const notes = remarks[article.language] ?? [];
  return `<!DOCTYPE html>
<html lang="${article.language}"><head><meta charset="${charset}"><title>${escapeHtml(article.title)} | ${site}</title>
<link rel="stylesheet" href="/style.css"><style>body{font:17px/1.6 Georgia,serif;margin:0}.side{float:right;width:30%}.widget{margin:1em}</style>
${jsonLd(article, url, date)}<script>window.dataLayer=window.dataLayer||[];function gtag(){dataLayer.push(arguments)}gtag("js",new Date("${date}"));</script></head>
<body class="single post"><div id="cookie-banner" role="dialog"><p>${c.cookies}</p><button>${c.accept}</button></div>
<header><a href="/">${site}</a><nav><ul>${links(c.menu)}</ul></nav></header>
<div class="side"><div class="widget"><h3>${c.related}</h3><ul>${links(related, '/post/')}</ul></div><div class="widget"><h3>${c.newsletter}</h3><form><input type="email"></form></div></div>
<main><article><h1>${escapeHtml(article.title)}</h1><p class="byline">${c.by} ${author}, <time datetime="${date}">${date.slice(0, 10)}</time></p>
${blocksHtml(article.blocks)}
</article><div class="share">${c.share}: <a href="#">f</a> <a href="#">x</a> <a href="#">@</a></div>
<section id="comments"><h3>${c.comments}</h3>${notes.map((note, at) => `<div class="comment"><b>guest${at + 1}</b><p>${note}</p></div>`).join('')}</section></main>
<footer><p>&copy; ${date.slice(0, 4)} ${site}. ${c.rights}</p></footer><script src="/js/app.min.js" async></script></body></html>`;
};

/** A newspaper: consent layer, breadcrumbs, an advertisement inside the text, teasers below. */
const news: Layout = ({ article, site, url, date, author, charset, related }) => {
  const c = chromeOf(article.language);
  const advertisement =
    '\n<aside class="ad-slot" data-slot="mid"><ins class="adsbygoogle" style="display:block"></ins><script>(window.ads=window.ads||[]).push({slot:"mid"});</script></aside>\n';
  return `<!doctype html>
<html lang="${article.language}" dir="${article.language === 'ar' ? 'rtl' : 'ltr'}"><head><meta http-equiv="Content-Type" content="text/html; charset=${charset}">
<title>${escapeHtml(article.title)} - ${site}</title><meta property="og:title" content="${escapeHtml(article.title)}"><meta property="og:url" content="${url}">
<link rel="canonical" href="${url}">${jsonLd(article, url, date)}</head>
<body><div class="consent-overlay"><h2>${c.accept}?</h2><p>${c.cookies}</p></div>
<div id="top"><ul class="menu">${links(c.menu, '/section/')}</ul></div><ol class="breadcrumb"><li>${site}</li><li>${c.menu[1]}</li></ol>
<div id="content" class="story"><h1 class="headline">${escapeHtml(article.title)}</h1><div class="meta">${c.by} ${author} &middot; ${date.slice(0, 10)} ${date.slice(11, 16)}</div>
<figure><img src="/img/${article.slug}.jpg" alt=""></figure>
${blocksHtml(article.blocks, 'p', advertisement)}
</div><div class="teasers"><h3>${c.related}</h3>${related.map((title, at) => `<div class="teaser"><a href="/story/${at}"><img src="/t/${at}.jpg" alt=""><span>${escapeHtml(title)}</span></a></div>`).join('')}</div>
<div class="newsletter">${c.newsletter}</div><div class="footer"><ul>${links(c.menu)}</ul><small>${c.rights}</small></div></body></html>`;
};

/** An encyclopaedia: contents box, edit links, categories. */
const wiki: Layout = ({ article, site, date, charset, related }) => {
  const c = chromeOf(article.language);
  const headings = article.blocks.flatMap((block) => (block.type === 'heading' ? [block.text] : []));
  return `<!DOCTYPE html>
<html class="client-nojs" lang="${article.language}"><head><meta charset="${charset}"/><title>${escapeHtml(article.title)} – ${site}</title></head>
<body class="mediawiki ns-0"><div id="mw-navigation"><div class="portal"><h3>${site}</h3><ul>${links(c.menu, '/wiki/')}</ul></div></div>
<div id="content" role="main"><h1 id="firstHeading">${escapeHtml(article.title)}</h1><div id="siteSub">${site}</div>
<div id="mw-content-text">${headings.length > 1 ? `<div id="toc"><ul>${links(headings, '#')}</ul></div>` : ''}
${blocksHtml(article.blocks)}
</div><div id="catlinks"><ul>${links(related, '/wiki/')}</ul></div></div>
<div id="footer"><ul><li>${date.slice(0, 10)}</li><li>${c.rights}</li></ul></div></body></html>`;
};

/** A home page of 1998: tables for layout, upper-case tags, no closing </P>. */
const tables: Layout = ({ article, site, date, author, charset }) => {
  const c = chromeOf(article.language);
  return `<HTML><HEAD><META HTTP-EQUIV="Content-Type" CONTENT="text/html; charset=${charset}"><TITLE>${escapeHtml(article.title)}</TITLE></HEAD>
<BODY BGCOLOR="#FFFFE0" TEXT="#000000"><TABLE WIDTH="780" BORDER="0" CELLPADDING="6"><TR><TD COLSPAN="2" BGCOLOR="#336699"><FONT COLOR="white" SIZE="5"><B>${site}</B></FONT></TD></TR>
<TR><TD WIDTH="140" VALIGN="top" BGCOLOR="#CCDDEE">${c.menu.map((label) => `<A HREF="#"><FONT SIZE="2">${label}</FONT></A><BR>`).join('')}</TD>
<TD VALIGN="top"><H1>${escapeHtml(article.title)}</H1>
${blocksHtml(article.blocks).replaceAll('</p>', '').replaceAll('<p>', '<P>')}
<HR><I>${author}, ${date.slice(0, 10)}</I></TD></TR>
<TR><TD COLSPAN="2" ALIGN="center"><FONT SIZE="1">${c.rights}</FONT></TD></TR></TABLE></BODY></HTML>`;
};

/** A portal as East Asian sites build it: many short link rows above and below, text broken with <br>. */
const portal: Layout = ({ article, site, date, author, charset, related }) => {
  const c = chromeOf(article.language);
  return `<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" lang="${article.language}"><head><meta http-equiv="Content-Type" content="text/html; charset=${charset}" />
<title>${escapeHtml(article.title)}_${site}</title></head><body><div class="topbar">${c.menu.map((label) => `<a href="/">${label}</a>`).join(' | ')}</div>
<div class="wrap"><div class="left"><h1>${escapeHtml(article.title)}</h1><div class="info">${date.slice(0, 10)} ${c.by}: ${author}</div><div class="article-body">
${blocksHtml(article.blocks, 'p')}
</div></div><div class="right"><h4>${c.related}</h4><ul>${links(related, '/a/')}</ul></div></div>
<div class="bottom">${c.share} ${c.newsletter}<br/>${c.rights}<br/>Copyright 2001-${date.slice(0, 4)} ${site}</div></body></html>`;
};

export const layouts: Record<string, Layout> = { blog, news, wiki, tables, portal, forum, shop };
