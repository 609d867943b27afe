import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { extractDefaults, extractText } from './extract.ts';
import { parseTree } from './tree.ts';

const { maxNodes, maxDepth } = extractDefaults;

/** Pages that a parser with a recursive tree, an unbounded stack or a backward scan breaks on; `n` is their size. */
const hostile: Record<string, (n: number) => string> = {
  'elements never closed': (n) => '<div>'.repeat(n),
  'inline elements never closed': (n) => '<b><i>'.repeat(n),
  'end tags without start': (n) => '</section></p></b>'.repeat(n),
  'end tags of an outer element only': (n) => `<section>${'<div>'.repeat(300)}${'</section><section>'.repeat(n)}`,
  'end tags that search the whole stack': (n) =>
    `<section>${'<div>'.repeat(250)}${'<table></div></section>'.repeat(n)}`,
  'misnested inline elements': (n) => '<b><i>text</b></i>'.repeat(n),
  'tables in tables': (n) => '<table><tr><td>x'.repeat(n),
  'self-closing foreign elements': (n) => '<svg><path/><g>'.repeat(n),
  'one element with many attributes': (n) => `<div ${'a=b class="nav menu" '.repeat(n)}>text</div>`,
  'one attribute of any length': (n) => `<div class="${'menu_x '.repeat(n)}">text</div>`,
  'a new class for every element': (n) => Array.from({ length: n }, (_, i) => `<p class="c${i} menu${i}_!">w`).join(''),
  'character references': (n) => `<p>${'&amp;&#65;&notin;&'.repeat(n)}`,
  'scripts that look like tags': (n) => '<script>if (a</b/.test("</p>")) {}</script>'.repeat(n),
  'a script never closed': (n) => `<p>text</p><script>${'</scrip'.repeat(n)}`,
  'comments never closed': (n) => '<!-- -- '.repeat(n),
  'broken tags': (n) => '<a <b <<</ =">" '.repeat(n),
  'line breaks': (n) => `<pre>${'\n'.repeat(n)}</pre>${'<br>'.repeat(n)}`,
  'NUL bytes': (n) => `\0<p\0>${'a\0'.repeat(n)}</p>`,
};

describe('hostile pages', () => {
  for (const [name, page] of Object.entries(hostile)) {
    it(`${name}: work grows with the page, not faster`, () => {
      const work = (n: number): number => {
        const tree = parseTree(page(n), { maxNodes, maxDepth });
        assert.ok(tree.depth <= maxDepth);
        assert.ok(tree.size <= page(n).length + 2);
        return tree.size + tree.lookups;
      };
      assert.ok(work(8000) <= 2.1 * work(4000) + 1000, `${work(4000)} steps, then ${work(8000)}`);
      assert.equal(typeof extractText(page(20_000), { secondLookBelow: 0 }).text, 'string');
    });
  }

  it('a million elements end at the limit of nodes', () => {
    const { text, truncated } = extractText('<p>a few words.'.repeat(maxNodes));
    assert.ok(truncated);
    assert.ok(text.length > 0);
  });
});

describe('any page', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '<p>',
      '</p>',
      '<div class="nav">',
      '</div>',
      '<table><tr><td>',
      '</table>',
      '<a href=x>',
      '</a>',
      '<br>',
      '<pre>',
    ),
    fc.constantFrom(
      '<script>',
      '</script>',
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
      '&amp',
      '&#0;',
      '&#xD800;',
      '<svg/>',
      '<title>',
      '\0',
      '<',
      '"',
    ),
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.lorem({ mode: 'sentences', maxCount: 3 }),
  );

  it('gives a text without empty lines, outer white space or markup that was not there', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const { text, method } = extractText(pieces.join(''), { secondLookBelow: 0 });
        assert.equal(method === 'none', text === '');
        if (text === '') return;
        assert.ok(text.endsWith('\n'));
        for (const line of text.slice(0, -1).split('\n')) assert.notEqual(line.trim(), '');
      }),
      { numRuns: 300 },
    );
  });

  it('is safe from random bytes, with the second look', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        assert.equal(typeof extractText(Buffer.from(bytes).toString('latin1')).text, 'string');
      }),
      { numRuns: 100 },
    );
  });

  it('gives the same text again', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        assert.deepEqual(extractText(pieces.join('')), extractText(pieces.join('')));
      }),
      { numRuns: 50 },
    );
  });
});
