import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeEntities } from './entities.ts';
import { TEXT, tagName } from './tags.ts';
import { parseTree } from './tree.ts';

/** The tree written out: `tag(children)`, texts in quotes. */
function outline(html: string, maxDepth = 256): string {
  const tree = parseTree(html, { maxNodes: 1000, maxDepth });
  const write = (node: number): string => {
    if (tree.tag[node] === TEXT) return `"${tree.html.slice(tree.from[node], tree.to[node])}"`;
    const children: string[] = [];
    for (let child = node + 1; child < tree.end[node]!; child = tree.end[child]!) children.push(write(child));
    return `${tagName(tree.tag[node]!)}(${children.join(' ')})`;
  };
  return write(0).slice('#root('.length, -1);
}

describe('parseTree', () => {
  const cases: [what: string, html: string, outline: string][] = [
    ['nests', '<div><p>a<b>c</b></p></div>', 'div(p("a" b("c")))'],
    ['ends a paragraph before a block', '<p>a<div>b</div>c', 'p("a") div("b") "c"'],
    [
      'ends list items, cells and rows',
      '<ul><li>a<li>b</ul><table><tr><td>c<td>d<tr><td>e</table>',
      'ul(li("a") li("b")) table(tr(td("c") td("d")) tr(td("e")))',
    ],
    ['ends terms', '<dl><dt>a<dd>b<dt>c</dl>', 'dl(dt("a") dd("b") dt("c"))'],
    ['ends a link before a link', '<a href=x>a<a href=y>b</a>', 'a("a") a("b")'],
    ['opens a paragraph for a lone end tag', 'a</p>b', '"a" p() "b"'],
    ['ignores end tags without start', '</div>a</span>b</section>', '"a" "b"'],
    [
      'keeps a cell closed to end tags of what is around it',
      '<div><table><tr><td>a</div>b</table>c</div>',
      'div(table(tr(td("a" "b"))) "c")',
    ],
    ['keeps a block open when an inline element around it ends', '<b><div>a</b>b</div>', 'b(div("a" "b"))'],
    [
      'passes over scripts, styles, frames and drawings',
      'a<script><p></script><style><p></style><svg><g/><text>x</text></svg>b',
      '"a" "b"',
    ],
    ['leaves a drawing at the next block', '<svg><g><p>a</p>', 'p("a")'],
    ['reads names in any case', '<DIV><P>a</p></dIV>', 'div(p("a"))'],
    ['keeps elements that it does not know', '<my-box>a</my-box>b', '#unknown("a") "b"'],
  ];
  for (const [what, html, expected] of cases) it(what, () => assert.equal(outline(html), expected));

  it('gives the text of elements beyond the depth limit to the deepest one', () => {
    assert.equal(outline('<div><div><div>a</div>b</div></div>c', 3), 'div(div("a" "b")) "c"');
  });

  it('takes title and language from the head', () => {
    const tree = parseTree(
      '<html lang=fr><title>One &amp; two</title><title>Three</title><svg><title>x</title></svg>',
      { maxNodes: 9, maxDepth: 9 },
    );
    assert.equal(tree.title, 'One &amp; two');
    assert.equal(tree.lang, 'fr');
  });
});

describe('decodeEntities', () => {
  it('decodes names, numbers and the names that need no semicolon', () => {
    assert.equal(
      decodeEntities('a &lt; b &#38;&#x26; &eacute;&copy &hearts; &nope; & &#0;'),
      'a < b && é© ♥ &nope; & \ufffd',
    );
  });
});
