import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { extractText } from './extract.ts';

const sentence =
  'The gravel settles behind the bars while the water runs on, and by the evening the heavy grains are what is left.';
const lines = (html: string): string[] => extractText(html).text.split('\n').slice(0, -1);

describe('extractText', () => {
  it('keeps the article and drops what stands around it', () => {
    const page = `<!DOCTYPE html><html lang="en-GB"><head><title>A  river &amp; its bars</title><style>p { color: red }</style></head>
      <body><nav><a href="/">Home</a> <a href="/news">News</a></nav>
      <div class="cookie-banner"><p>We use cookies to make this site better for you and for everybody else who visits it.</p></div>
      <main><h1>A river and its bars</h1><p class="lead">${sentence}</p>
      <h2>How it works</h2><p>First paragraph, with <b>bold</b> words,<br>and a second line of it that is long enough.</p>
      <ul><li>a pan</li><li>a sieve</li></ul>
      <div class="share-buttons"><a href="#">Tweet</a> <a href="#">Share</a></div></main>
      <section id="comments"><p>A comment that is as long as a paragraph of the article, but nobody asked for it here.</p></section>
      <footer><p>Copyright 2026 by the owners of this site, all rights reserved, and so on and so forth.</p></footer>
      <script>var text = "<p>not text</p>";</script></body></html>`;
    assert.deepEqual(extractText(page), {
      text: [
        'A river and its bars',
        sentence,
        'How it works',
        'First paragraph, with bold words,',
        'and a second line of it that is long enough.',
        'a pan',
        'a sieve',
        '',
      ].join('\n'),
      title: 'A river & its bars',
      lang: 'en-GB',
      method: 'rules',
      truncated: false,
    });
  });

  it('writes a table row as a line with tabs, and lines of code with their indentation', () => {
    const page = `<body><p>${sentence}</p><table><tr><th>Grain</th><th>Weight</th></tr><tr><td>gold</td><td> 19.3 </td></tr></table>
      <pre><code>if (heavy) {\n    keep();\n}\n</code></pre><p>${sentence}</p></body>`;
    assert.deepEqual(lines(page), [
      sentence,
      'Grain\tWeight',
      'gold\t19.3',
      'if (heavy) {',
      '    keep();',
      '}',
      sentence,
    ]);
  });

  it('reads a layout table as blocks', () => {
    const page = `<table><tr><td><p>${sentence}</p><p>${sentence}</p></td></tr></table>`;
    assert.deepEqual(lines(page), [sentence, sentence]);
  });

  it('takes paragraphs that are divided by br only', () => {
    const page = `<body><div>${sentence}<br><br>${sentence}<br/>${sentence}</div></body>`;
    assert.deepEqual(lines(page), [sentence, sentence, sentence]);
  });

  it('keeps a lead paragraph between the heading and the article', () => {
    const body = `<p>${sentence}</p>`.repeat(12);
    const lead =
      'What miners have known for long is now being measured, with results that surprised those who had paid for it.';
    assert.equal(lines(`<div><h1>Bars</h1><p>${lead}</p></div><article>${body}</article>`)[0], lead);
  });

  it('counts Chinese and Japanese characters, not words', () => {
    const chinese = '水流不息，重者留于栅后。到了傍晚，剩下的便是沉重的颗粒，人们把它们收集起来称重。';
    const japanese = '川は流れ続け、重いものは桟の後ろに残る。夕方になると、残っているのは重い粒だけである。';
    const page = `<div class="menu"><a href="a">首页</a><a href="b">新闻</a></div><div><p>${chinese}</p><p>${japanese}</p></div>`;
    assert.deepEqual(lines(page), [chinese, japanese]);
  });

  it('keeps right-to-left text in logical order', () => {
    const arabic = 'يستمر الجدول في الجريان ويبقى الثقيل خلف القضبان، وفي المساء لا يبقى إلا الحبيبات الثقيلة.';
    assert.deepEqual(lines(`<html lang="ar" dir="rtl"><body><p>${arabic}</p></body></html>`), [arabic]);
  });

  it('reads the posts of a thread', () => {
    const post = (n: number) =>
      `<div class="post"><div class="date">2026-11-0${n}</div><div class="message">${n}. ${sentence}</div></div>`;
    assert.deepEqual(lines(`<body><div id="thread">${post(1)}${post(2)}${post(3)}</div></body>`), [
      `1. ${sentence}`,
      `2. ${sentence}`,
      `3. ${sentence}`,
    ]);
  });

  it('keeps a thread in which every post is called a comment', () => {
    const post = `<li class="comment"><div class="comment-body"><p>${sentence}</p></div></li>`;
    assert.deepEqual(lines(`<body><ol class="comment-list">${post.repeat(3)}</ol></body>`), [
      sentence,
      sentence,
      sentence,
    ]);
  });

  it('drops the comments below an article that is shorter than they are', () => {
    const comments = `<div id="comments">${`<p>I said: ${sentence}</p>`.repeat(9)}</div>`;
    assert.deepEqual(lines(`<body><div class="text"><p>${sentence}</p><p>${sentence}</p></div>${comments}</body>`), [
      sentence,
      sentence,
    ]);
  });

  it('reads a product page', () => {
    const page = `<body><div class="breadcrumbs"><a href="/">Shop</a> <a href="/pans">Pans</a></div><div class="product"><h1>Gold pan</h1>
      <div class="description"><p>${sentence}</p><ul><li>35 cm wide</li><li>green, so that gold is seen</li></ul></div>
      <table><tr><th>Weight</th><td>410 g</td></tr><tr><th>Material</th><td>plastic</td></tr></table>
      <button>Add to basket</button><div class="related"><h2>Others bought</h2><a href="/a">Sieve</a><a href="/b">Shovel</a></div></div></body>`;
    assert.deepEqual(lines(page), [
      'Gold pan',
      sentence,
      '35 cm wide',
      'green, so that gold is seen',
      'Weight\t410 g',
      'Material\tplastic',
    ]);
  });

  it('does not believe names that would leave nothing', () => {
    const page = `<body class="home has-sidebar"><div class="widget social"><p>${sentence}</p><p>${sentence}</p></div></body>`;
    assert.deepEqual(lines(page), [sentence, sentence]);
  });

  it('does not take a heading turned into an id for a name', () => {
    const part = (id: string) => `<section id="${id}"><h2>Part</h2><p>${sentence}</p></section>`;
    const parts = Array.from({ length: 6 }, () => part('sharing-with-a-single-developer')).join('');
    assert.equal(lines(`<body><article>${parts}</article></body>`).length, 12);
  });

  it('decodes character references as HTML does', () => {
    const page = `<p>Caf&eacute; &amp; th&#233; &#x1F642; &copy 2026 &unknown; AT&T &shy;soft&shy;ware, 5 &lt; 6: a line that is long enough.</p>`;
    assert.deepEqual(lines(page), ['Café & thé 🙂 © 2026 &unknown; AT&T software, 5 < 6: a line that is long enough.']);
  });

  it('does not take a page of addresses for text on a second look', () => {
    const page =
      '<div class="foot">© 2026 A shop</div><div class="foot">Phone: 010-00000000</div><div class="foot">Street 1</div>';
    assert.equal(extractText(`<body>${page}</body>`).method, 'none');
  });

  it('says none where there is no text', () => {
    for (const page of [
      '',
      ' \n ',
      '<html></html>',
      '<script>alert(1)</script>',
      '<p>&nbsp;</p>',
      '\0\0',
      '<nav><a href=a>Home</a></nav>',
    ]) {
      const { text, method } = extractText(page);
      assert.deepEqual({ text, method }, { text: '', method: 'none' }, page);
    }
  });

  it('takes plain text for one block', () => {
    assert.deepEqual(lines(`${sentence}\n${sentence}`), [`${sentence} ${sentence}`]);
  });

  it('reads up to its limits and says so', () => {
    const page = `<p>${sentence}</p>`.repeat(50);
    const byNodes = extractText(page, { maxNodes: 20 });
    assert.ok(byNodes.truncated);
    assert.ok(byNodes.text.length < 11 * (sentence.length + 1));
    const byChars = extractText(page, { maxChars: 10 * (sentence.length + 7) });
    assert.ok(byChars.truncated);
    assert.equal(byChars.text, `${sentence}\n`.repeat(10));
    assert.equal(extractText(page).truncated, false);
  });
});
