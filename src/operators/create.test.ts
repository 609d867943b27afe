/** What the configuration makes of operators; what each of them finds is tested in its own folder. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { loadConfig } from '../config/load.ts';
import { createOperator } from './create.ts';
import { loadLanguageTable } from './language/table.ts';
import type { Draft } from './operator.ts';
import { operatorSpecs } from './specs.ts';

const config = (...set: string[]) => loadConfig({ topology: 'web-crawl', set });
const draft = (over: Partial<Draft>): Draft => ({
  url: undefined,
  html: undefined,
  text: undefined,
  language: '',
  ...over,
});
const none = { language: undefined };
const reasons = (effect: { failures?: readonly { reason: string }[] } | undefined) =>
  effect?.failures?.map(({ reason }) => reason) ?? [];

suite('extract', () => {
  test('takes the text and title of a page, and leaves a text alone', async () => {
    const extract = await createOperator('extract', config(), none);
    const paragraph =
      'A paragraph that is long enough to be the main text of this little page, with a full stop. '.repeat(4);
    const html = `<html><head><title>News</title></head><body><p>${paragraph}</p></body></html>`;
    const effect = extract(draft({ html }));
    assert.equal(effect?.title, 'News');
    assert.equal(effect?.text?.trim(), paragraph.trim());
    assert.deepEqual(reasons(effect), []);
    assert.equal(extract(draft({ text: 'plain' })), undefined);
  });

  test('ends the chain where there is none', async () => {
    const extract = await createOperator('extract', config(), none);
    const effect = extract(draft({ html: '<html><body><script>1</script></body></html>' }));
    assert.deepEqual(reasons(effect), ['extract.empty']);
    assert.equal(effect?.stop, true);
  });
});

test('url: a signal where there is an address, nothing otherwise', async () => {
  const url = await createOperator('url', config(), none);
  assert.match(
    url(draft({ url: 'https://www.example.co.uk/a?b#c' }))?.signals ?? '',
    /^"url\/normalized@1":\{.*"example\.co\.uk"/,
  );
  assert.equal(url(draft({})), undefined);
});

test('language: the limit is the one of the configuration', async () => {
  const tables = { language: loadLanguageTable() };
  const text =
    'This is an English sentence about a river, a riffle and the gold that stays behind when the stream runs on.';
  const sure = (await createOperator('language', config('language.minConfidence=0.1'), tables))(draft({ text }));
  assert.equal(sure?.language, 'en');
  assert.deepEqual(reasons(sure), []);
  const never = (await createOperator('language', config('language.minConfidence=1'), tables))(draft({ text: 'x9 !' }));
  assert.deepEqual(reasons(never), ['language.confidence']);
  assert.ok((never?.failures?.[0]?.value as number) < 1);
});

suite('rules', () => {
  const short = draft({ text: 'Too short.', language: 'en' });

  test('profiles that decide give reasons, the others signals only', async () => {
    const all = (await createOperator('rules', config(), none))(short);
    const families = new Set(reasons(all).map((reason) => reason.slice(0, reason.lastIndexOf('.'))));
    assert.ok(families.has('gopher@datatrove'));
    assert.ok(!families.has('c4@datatrove'), 'measured, but not among rules.decide');
    assert.ok('c4@datatrove' in (JSON.parse(`{${all?.signals}}`) as object));
    const c4 = (await createOperator('rules', config('rules.decide=[c4@datatrove]'), none))(short);
    assert.deepEqual(reasons(c4), ['c4@datatrove.sentenceCount']);
  });

  test('they decide for the languages they were made for', async () => {
    const rules = await createOperator('rules', config(), none);
    const [english, german] = [rules(short), rules({ ...short, language: 'de' })];
    assert.deepEqual(reasons(german), []);
    assert.equal(german?.signals, english?.signals);
  });

  test('every reason that they give is in the closed list', async () => {
    const rules = await createOperator(
      'rules',
      config('rules.decide=[gopher@datatrove, gopher-repetition@datatrove, c4@datatrove, fineweb@datatrove]'),
      none,
    );
    const texts = [
      '',
      '# '.repeat(99),
      'lorem ipsum {',
      'same line\n'.repeat(60),
      '• a\n'.repeat(80),
      'word '.repeat(400),
    ];
    const given = new Set(texts.flatMap((text) => reasons(rules(draft({ text, language: 'en' })))));
    assert.ok(given.size >= 10, [...given].join(' '));
    assert.deepEqual(
      [...given].filter((reason) => !operatorSpecs.rules.reasons.includes(reason)),
      [],
    );
  });
});
