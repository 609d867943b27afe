import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { exceptions } from './spacy-exceptions.ts';
import { tokenize } from './spacy-text.ts';
import { isUrl } from './spacy-url.ts';

/** What spaCy 3.8.18's blank English model gives. */
const given: readonly (readonly [text: string, tokens: string])[] = [
  ["(He'll go.)", "( He 'll go . )"],
  ["can't've", "ca n't 've"],
  ['don’t', 'do n’t'],
  ['Its', 'Its'],
  ["rock'n'roll", "rock'n'roll"],
  ["'Twas", "' Twas"],
  ['C++ and/or', 'C++ and/or'],
  ['U.S.A. U.S. e.g. i.e., co.)', 'U.S.A. U.S. e.g. i.e. , co. )'],
  ['Mr.Smith "Mr."', 'Mr. Smith " Mr. "'],
  ['9a.m. 12:30', '9 a.m. 12:30'],
  ['end.Start lower.Upper Foo.Com foo.com', 'end . Start lower . Upper Foo . Com foo.com'],
  ['3-4-5 1+1=2 well-known a--b', '3 - 4 - 5 1 + 1=2 well - known a -- b'],
  ['a,b A,1 1,000 x=y x:y', 'a , b A,1 1,000 x = y x : y'],
  ['US$5 5US$ 100€ 5% 10km/h.', 'US$ 5 5 US$ 100 € 5 % 10 km/h .'],
  ['°C. 25°C.', '° C . 25 ° C .'],
  ['5тбكم тбكم5', '5 тбكم тбكم5'],
  ['…and wait.... --', '… and wait .... --'],
  ['😀😀x 漢字。かな', '😀 😀 x 漢字。かな'],
  ['@user #tag _._', '@user # tag _ . _'],
  [
    'http://user:pw@example.co.uk:8080/p?q#f a@b@c.com/x 8.8.8.8',
    'http://user:pw@example.co.uk:8080/p?q#f a@b@c.com/x 8.8.8.8',
  ],
  ['(o: x<3 x:)y', '(o: x<3 x:)y'],
  // ":((" over the space blocks ":(" and is then given up.
  ['hello:(', 'hello :('],
  ['hello:( (', 'hello : ( ('],
];

for (const [text, tokens] of given) {
  test(`tokens of ${text}`, () => assert.equal(tokenize(text).join(' '), tokens));
}

test('white space is a token, less the space that it starts with', () => {
  assert.deepEqual(tokenize(' a  b \n c\u3000'), [' ', 'a', ' ', 'b', '\n ', 'c', '\u3000']);
});

test("the table of exceptions is the peer's", () => {
  const lines = [...exceptions].map(([chunk, tokens]) => `${chunk}\t${tokens.join(' ')}\n`).toSorted();
  // Digest over the same lines made from `spacy.blank("en").tokenizer.rules` of spaCy 3.8.18, white space left out.
  assert.equal(lines.length, 1343);
  assert.equal(
    createHash('sha256').update(lines.join('')).digest('hex'),
    '143a448a9774603f6ab20254fb18860ac65a0a02e9b1ff1eb4cedc3342a02106',
  );
});

test('addresses', () => {
  const whole = (text: string) => isUrl(text, 0, text.length);
  for (const text of [
    'a.bc',
    'http://a.bc',
    'x@a.bc',
    'a-b.c_d.example',
    'a.bc:80',
    'a.bc:80/x',
    'a.bc?x',
    '1.2.3.4',
    '223.255.255.254/x',
  ]) {
    assert.ok(whole(text), text);
  }
  for (const text of [
    'a.b',
    'a.Bc',
    '.bc',
    'a..bc',
    '-a.bc',
    'a_.bc',
    'a.bc:1',
    'a.bc:123456',
    '10.1.1.1',
    '192.168.0.1',
    '172.16.0.1',
    '224.0.0.1',
    '1.2.3.0',
    'a',
    '@',
  ]) {
    assert.ok(!whole(text), text);
  }
});
