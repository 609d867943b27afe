/** The Prometheus text format, read back (https://prometheus.io/docs/instrumenting/exposition_formats/): for the tests beside it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly type: string;
  readonly help: string;
  readonly samples: Sample[];
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y;

/** @throws AssertionError for a line that the format does not allow, or a sample outside its family. */
export function parseExposition(text: string): Map<string, Family> {
  const families = new Map<string, Family>();
  assert.ok(text.endsWith('\n'), 'the last line ends');
  let name = '';
  let help = '';
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, word, of, rest] = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.*)$/.exec(line) ?? [];
    if (word === 'HELP') {
      name = of!;
      help = rest!;
    } else if (word === 'TYPE') {
      assert.equal(of, name, line);
      assert.match(rest!, /^(?:counter|gauge|histogram|summary)$/);
      assert.ok(!families.has(name), `${name} comes twice`);
      families.set(name, { type: rest!, help, samples: [] });
    } else {
      const [, sample, labels, value] = SAMPLE.exec(line) ?? assert.fail(`not a sample: ${line}`);
      const family = families.get(name)!;
      const suffixes = family.type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
      assert.ok(
        suffixes.some((suffix) => sample === name + suffix),
        `${sample} is not of ${name}`,
      );
      family.samples.push({ name: sample!, labels: parseLabels(labels ?? ''), value: numberOf(value!) });
    }
  }
  return families;
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (LABEL.lastIndex = 0; LABEL.lastIndex < text.length; ) {
    const [, name, value] = LABEL.exec(text) ?? assert.fail(`not labels: ${text}`);
    labels[name!] = value!.replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c));
  }
  return labels;
}

function numberOf(text: string): number {
  const value = { '+Inf': Infinity, '-Inf': -Infinity, NaN: Number.NaN }[text] ?? Number(text);
  assert.ok(text === 'NaN' || !Number.isNaN(value), `not a number: ${text}`);
  return value;
}

test('the parser reads what the format allows and refuses the rest', () => {
  const text = '# HELP a_total Says a\\nb.\n# TYPE a_total counter\na_total{x="1,\\"2\\"",y="\\\\"} 3\na_total +Inf\n';
  assert.deepEqual(parseExposition(text).get('a_total')?.samples, [
    { name: 'a_total', labels: { x: '1,"2"', y: '\\' }, value: 3 },
    { name: 'a_total', labels: {}, value: Infinity },
  ]);
  for (const wrong of ['b 1\n', '# TYPE a_total gauge\n', 'a_total{x=1} 1\n', 'a_total one\n', 'a_total 1'])
    assert.throws(() => parseExposition(text + wrong), wrong);
});
