import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { sideBySide, wrapped } from './side-by-side.ts';

const plain = (rows: readonly string[]) => rows.map(stripVTControlCharacters);

suite('two texts beside each other', () => {
  test('sentence by sentence, in two columns of equal width', () => {
    assert.deepEqual(plain(sideBySide('One two. Three.', 'One two.\nFour.', 43, 9)), [
      'One two.             │ One two.            ',
      'Three.               │ Four.               ',
    ]);
  });

  test('what both have is plain, whatever its case and punctuation; what one has is marked', (t) => {
    const before = { ...process.env };
    delete process.env.NO_COLOR;
    process.env.FORCE_COLOR = '1';
    t.after(() => {
      process.env = before;
    });
    const [same, differs] = sideBySide('HELLO, world!\nleft', 'hello world.\nright', 60, 9);
    assert.equal(same, stripVTControlCharacters(same!).replace('│', '\u001b[2m│\u001b[22m'));
    assert.ok(differs!.includes('\u001b[33mleft'));
    assert.ok(differs!.includes('\u001b[33mright'));
  });

  test('a longer text goes on beside nothing; rows beyond the limit are counted', () => {
    const rows = plain(sideBySide('a.\nb.\nc.\nd.', 'a.', 43, 2));
    assert.equal(rows.length, 3);
    assert.match(rows[1]!, /^b\. +│ +$/);
    assert.equal(rows[2], '… 2 more rows');
  });

  test('wide characters take two columns, and a word that is too long is cut', () => {
    assert.deepEqual(wrapped('日本語の文章', 8, 9), ['日本語の', '文章']);
    assert.deepEqual(wrapped('abcdefghij', 4, 9), ['abcd', 'efgh', 'ij']);
  });

  test('marks above and below a letter take no column', () => {
    // ก with a vowel below and a tone mark above, three times: three columns.
    assert.deepEqual(wrapped('กุ้กุ้กุ้a', 3, 9), ['กุ้กุ้กุ้', 'a']);
    // ह and न and द, two vowels that stand beside them, and a virama that stands below.
    assert.deepEqual(plain(sideBySide('हिन्दी', 'abcd', 43, 9)), [`हिन्दी${' '.repeat(15)} │ abcd${' '.repeat(16)}`]);
  });

  test('no text writes to the terminal anything but itself, and no row is too long', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', 'b ', '. ', '\n', '\u001b[2J', '\u0007', '語', 'é'),
      maxLength: 200,
    });
    fc.assert(
      fc.property(text, text, fc.integer({ min: 43, max: 160 }), (left, right, width) => {
        for (const row of sideBySide(left, right, width, 50)) {
          // Only this program's own marks: dim, yellow and their ends.
          const text = ['2', '22', '33', '39'].reduce((left, mark) => left.replaceAll(`\u001b[${mark}m`, ''), row);
          assert.doesNotMatch(text, /\p{Cc}/u);
          assert.ok(stripVTControlCharacters(row).length <= width);
        }
      }),
    );
  });
});
