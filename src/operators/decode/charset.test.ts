import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeText } from './charset.ts';

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

test('order: byte order mark, declared charset, meta, strict UTF-8, windows-1252', () => {
  const cases: ReadonlyArray<readonly [string, Buffer, string | undefined, string]> = [
    ['a mark beats the header', Buffer.from('\ufeffé'), 'iso-8859-5', 'é'],
    ['UTF-16 mark, big endian', Buffer.from([0xfe, 0xff, 0x00, 0xe9]), undefined, 'é'],
    ['header', latin1('\xcf\xf0\xe8\xe2\xe5\xf2'), 'windows-1251', 'Привет'],
    ['header in quotes', latin1('\xcf\xf0\xe8\xe2\xe5\xf2'), '"windows-1251"', 'Привет'],
    ['latin1 means windows-1252', latin1('\x80'), 'ISO-8859-1', '€'],
    ['header beats meta', latin1('<meta charset=utf-8>\xe9'), 'iso-8859-1', '<meta charset=utf-8>é'],
    ['meta', latin1('<meta charset="koi8-r">\xf0'), undefined, '<meta charset="koi8-r">П'],
    [
      'meta, old form',
      latin1('<meta http-equiv=Content-Type content="text/html; charset=koi8-r">\xf0'),
      undefined,
      '<meta http-equiv=Content-Type content="text/html; charset=koi8-r">П',
    ],
    ['meta that cannot be', Buffer.from('<meta charset=utf-16>é'), undefined, '<meta charset=utf-16>é'],
    ['a name that nobody knows', Buffer.from('é'), 'x-unheard-of', 'é'],
    ['nothing, UTF-8', Buffer.from('é'), undefined, 'é'],
    ['nothing, not UTF-8', latin1('caf\xe9'), undefined, 'café'],
    ['a page that says UTF-8 and is not', latin1('caf\xe9'), 'utf-8', 'café'],
    [
      'UTF-8 cut at its end',
      Buffer.from(`${'größer '.repeat(500)}é`).subarray(0, -1),
      'utf-8',
      `${'größer '.repeat(500)}\ufffd`,
    ],
  ];
  for (const [name, bytes, declared, text] of cases) assert.equal(decodeText(bytes, declared, true), text, name);
});
