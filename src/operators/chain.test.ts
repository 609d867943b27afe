import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createChain, type NamedOperator } from './chain.ts';
import type { Draft, Effect } from './operator.ts';

const page: Draft = { url: 'https://example.org/', html: '<p>Text</p>', text: undefined, language: '' };

/** An operator that has this effect, and remembers what it was shown. */
function operator(name: string, effect: Effect | undefined): NamedOperator & { readonly seen: Draft[] } {
  const seen: Draft[] = [];
  return { name, seen, apply: (draft) => (seen.push(draft), effect) };
}

const failure = (reason: string) => ({ reason, value: 1, limit: 0 });

test('each operator sees what those before it found; signals are put one behind the other', () => {
  const extract = operator('extract', { text: 'Text', title: 'A title' });
  const silent = operator('url', undefined);
  const language = operator('language', { language: 'en', signals: '"language":{}' });
  const rules = operator('rules', { signals: '"rules":{}' });
  const result = createChain([extract, silent, language, rules]).run(page);
  assert.deepEqual(result, {
    text: 'Text',
    language: 'en',
    title: 'A title',
    signals: '"language":{},"rules":{}',
    failures: [],
  });
  assert.deepEqual(extract.seen, [page]);
  assert.deepEqual(rules.seen, [{ ...page, text: 'Text', language: 'en' }]);
});

test('a failure does not end the chain, all are kept in order; stop does end it', () => {
  const a = operator('a', { failures: [failure('a.one'), failure('a.two')] });
  const b = operator('b', { failures: [failure('b.one')], stop: true });
  const c = operator('c', { failures: [failure('c.one')] });
  const { failures, text } = createChain([a, b, c]).run(page);
  assert.deepEqual(
    failures.map(({ reason }) => reason),
    ['a.one', 'a.two', 'b.one'],
  );
  assert.equal(text, '');
  assert.equal(c.seen.length, 0);
});

test('records do not leak into one another', () => {
  let text: string | undefined = 'first';
  const chain = createChain([
    { name: 'a', apply: () => (text === undefined ? undefined : { text, failures: [failure('a.one')] }) },
  ]);
  assert.equal(chain.run(page).failures.length, 1);
  text = undefined;
  assert.deepEqual(chain.run(page), { text: '', language: '', title: undefined, signals: '', failures: [] });
});

test('an error of an operator is that of the record: it comes out as it is', () => {
  const error = new Error('no');
  const chain = createChain([
    {
      name: 'a',
      apply: () => {
        throw error;
      },
    },
  ]);
  assert.throws(() => chain.run(page), error);
});

test('calls are counted by operator, and taken once', () => {
  const chain = createChain([operator('a', { stop: true }), operator('b', {})]);
  chain.run(page);
  chain.run(page);
  const { a, b } = chain.take();
  assert.deepEqual([a?.records, b?.records, b?.seconds], [2, 0, 0]);
  assert.ok(a!.seconds >= 0);
  assert.equal(chain.take().a?.records, 0);
});
