import assert from 'node:assert/strict';
import { it } from 'node:test';
import { shared } from '../../testing/shared.ts';
import { loadEvaluation, scoreExtraction } from './evaluation.ts';
import { extractText } from './extract.ts';

it('scores as trafilatura’s evaluation counts: folded substrings, micro average', () => {
  const page = (file: string, withs: string[], without: string[]) => ({ file, html: '', with: withs, without });
  const pages = [
    page('a', ['one two', 'absent'], ['menu']),
    page('b', ['three'], ['four', 'five']),
    page('c', ['six'], ['seven']),
  ];
  const texts: Record<string, string> = { a: 'one\n two, menu', b: 'three', c: '' };
  assert.deepEqual(
    scoreExtraction(pages, ({ file }) => texts[file] ?? ''),
    // 2 of 4 wanted strings found, 1 of 4 unwanted
    { precision: 2 / 3, recall: 2 / 4, f1: 4 / 7, truePositives: 2, falsePositives: 1, falseNegatives: 2, empty: 1 },
  );
});

it('finds the main text of real pages', (t) => {
  const folder = shared(t, 'data/web/trafilatura_eval');
  if (folder === undefined) return;
  const { precision, recall, f1 } = scoreExtraction(loadEvaluation(folder), ({ html }) => extractText(html).text);
  const figures = `precision ${precision.toFixed(4)}, recall ${recall.toFixed(4)}, F1 ${f1.toFixed(4)}`;
  t.diagnostic(figures);
  assert.ok(f1 >= 0.92, figures);
  assert.ok(precision >= 0.88, figures);
  assert.ok(recall >= 0.94, figures);
});
