/** What real runs write fits the committed schemas, in both formats, and what is changed in it does not. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { before, suite, test } from 'node:test';
import sr from '@confluentinc/schemaregistry';
import type { OutputKind } from '../../src/schemas/avro-record.ts';
import { openRegistry, type SchemaRegistry } from '../../src/schemas/registry.ts';
import { schemaOf } from '../../src/schemas/subjects.ts';
import { finishMessages } from '../../src/stages/curate-messages.ts';
import type { CurateResult } from '../../src/stages/curate-records.ts';
import { newMeasured } from '../../src/stages/measured.ts';
import { emptyTotals } from '../../src/stages/observation.ts';
import { riffle } from './riffle.ts';

const sample = path.resolve(import.meta.dirname, '../../samples/crawl.warc.gz');

interface Line {
  readonly kind: OutputKind;
  readonly json: string;
}

/** The registry client's own stand-in for a registry; a real one is in test/registry. */
const url = 'mock://outputs';
const topics = new Map<string, OutputKind>([
  ['t.record', 'record'],
  ['t.dead-letter', 'dead-letter'],
]);
const topicOf = (kind: OutputKind) => `t.${kind}`;

function linesOf(folder: string): Line[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.jsonl'))
    .flatMap((name) => {
      const kind = name === 'dead-letter.jsonl' ? ('dead-letter' as const) : ('record' as const);
      const lines = readFileSync(path.join(folder, name), 'utf8').split('\n').slice(0, -1);
      return lines.map((json) => ({ kind, json }));
    });
}

/** Documents made of what the crawl gave, with things in them that a careless codec spoils. */
function documents(lines: readonly Line[]): string {
  const texts = lines
    .filter(({ kind }) => kind === 'record')
    .map(({ json }) => (JSON.parse(json) as { text: string }).text);
  const plain = texts.slice(0, 60).map((text, i) => JSON.stringify({ id: `d${i}`, text, license: 'CC0', source: 's' }));
  return [
    ...plain,
    `{"text":${JSON.stringify(texts[0])},"metadata":{"big":9007199254740993, "deep":{"a":[1.10,null,"\\u00e9"]}},"added":1}`,
    `{"id":"surrogate","text":${JSON.stringify(texts[1])},"metadata":{"half":"\\ud83e"}}`,
    '{"text":"short","signals":{"old":1},"decision":{"outcome":"curated"},"position":{"offset":"1"}}',
    '{"text":17}',
    '{"text":"\\u0000 nul"}',
    'no json',
  ].join('\n');
}

suite('schemas of outputs', () => {
  let lines: Line[] = [];
  let registry: SchemaRegistry;
  let validators: Record<OutputKind, (value: unknown) => boolean>;

  before(async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'riffle-'));
    try {
      const crawl = path.join(folder, 'crawl');
      await riffle({ topology: 'web-crawl', input: [sample], output: crawl, set: ['policy.control.rate=0.2'] });
      const input = path.join(folder, 'documents.jsonl');
      writeFileSync(input, documents(linesOf(crawl)));
      await riffle({ topology: 'text', input: [input], output: path.join(folder, 'text') });
      lines = [...linesOf(crawl), ...linesOf(path.join(folder, 'text'))];
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    registry = await openRegistry({ url, format: 'avro', subjects: topics, autoRegister: true });
    const json = new sr.JsonDeserializer(
      sr.SchemaRegistryClient.newClient({ baseURLs: [url] }),
      sr.SerdeType.VALUE,
      {},
    );
    const validator = async (kind: OutputKind) => {
      const validate = (await json.toValidateFunction(schemaOf(kind, 'json')))!;
      return (value: unknown) => validate.call(undefined, value);
    };
    validators = { record: await validator('record'), 'dead-letter': await validator('dead-letter') };
  });

  /** A line through Avro and back, as Riffle itself would read it. */
  const throughAvro = async ({ kind, json }: Line): Promise<string> =>
    Buffer.from(await registry.decodeRaw(registry.encode(topicOf(kind), Buffer.from(`${json}\n`)))).toString();

  test('there is something of everything', () => {
    assert.ok(lines.length > 200, `${lines.length} lines`);
    assert.ok(lines.filter(({ kind }) => kind === 'dead-letter').length >= 3);
    for (const outcome of ['curated', 'rejected', 'quarantine'])
      assert.ok(
        lines.some(({ json }) => json.includes(`"decision":{"outcome":"${outcome}"`)),
        outcome,
      );
  });

  test('every line is valid against its JSON Schema', () => {
    for (const { kind, json } of lines) assert.ok(validators[kind](JSON.parse(json)), json.slice(0, 300));
  });

  test('every line comes back from Avro with the same values', async () => {
    for (const line of lines) {
      const back = JSON.parse(await throughAvro(line)) as Record<string, unknown>;
      const want = JSON.parse(line.json) as Record<string, unknown>;
      // Null and absent are one in Avro; an offset is a number there.
      const nothing = Object.fromEntries(
        Object.keys(want)
          .filter((key) => want[key] === null)
          .map((key) => [key, null]),
      );
      const position = back.position as { offset: number };
      assert.deepEqual({ ...nothing, ...back, position: { ...position, offset: String(position.offset) } }, want);
    }
  });

  test('metadata and signals are the same text, byte for byte', async () => {
    const line = lines.find(({ json }) => json.includes('9007199254740993'))!;
    const metadata = /"metadata":(\{.*?\}\}?)(?=,"signals")/.exec(line.json)![1]!;
    assert.ok((await throughAvro(line)).includes(`"metadata":${metadata},`), metadata);
  });

  test('a member that is renamed, added or of another type fits neither', async () => {
    for (const kind of ['record', 'dead-letter'] as const) {
      const line = lines.find((one) => one.kind === kind && JSON.parse(one.json).decision.outcome !== 'curated')!;
      for (const { what, json } of changes(line.json)) {
        assert.equal(validators[kind](JSON.parse(json)), false, `JSON Schema takes ${what}`);
        // These two are JSON text in Avro, whatever is in it.
        if (/^another type of (?:metadata|signals)$/.test(what)) continue;
        await assert.rejects(throughAvro({ kind, json }), { code: 'schema.mismatch' }, `Avro takes ${what}`);
      }
    }
  });
});

test('a dead letter that curate itself makes fits too', async () => {
  const codec = await openRegistry({ url: 'mock://letters', format: 'avro', subjects: topics, autoRegister: true });
  const line = Buffer.from(`${JSON.stringify(tooLong)}\n`);
  const totals = emptyTotals();
  totals.decided.rejected['dedup.exact'] = 1;
  const result: CurateResult = {
    outputs: { rejected: { bytes: new Uint8Array(line), lengths: Uint32Array.of(line.length) } },
    totals,
    measured: newMeasured(),
  };
  const encode = (topic: string, one: Uint8Array) =>
    codec.encode(topicOf(topic === 'dead-letter' ? topic : 'record'), one);
  const { outputs } = finishMessages(result, { maxValueBytes: 2000, deadLetterBytes: 100, encode });
  const { bytes, lengths } = outputs['dead-letter']!;
  const letter = JSON.parse(
    Buffer.from(await codec.decodeRaw(bytes.subarray(0, lengths[0]! - 1))).toString(),
  ) as object;
  const { error, position } = letter as { error: { code: string }; position: { offset: number } };
  assert.equal(error.code, 'output.tooLarge');
  assert.equal(position.offset, 7);
});

const tooLong = {
  id: 'long',
  text: 'x'.repeat(3000),
  signals: {},
  decision: {
    outcome: 'rejected',
    topic: 'rejected',
    reason: 'dedup.exact',
    value: 2,
    limit: 1,
    failed: ['dedup.exact'],
    policy: 'text@1',
    probability: 0,
    draw: null,
  },
  position: { topic: 'text.raw', partition: 0, offset: '7' },
};

/** Each member of the outermost object, and of those inside that the schemas list, changed in turn. */
function changes(json: string): { what: string; json: string }[] {
  const value = JSON.parse(json) as Record<string, unknown>;
  const listed = ['decision', 'position', 'error'].filter((name) => name in value);
  const places = [[], ...listed.map((name) => [name])];
  return places.flatMap((place) => {
    const object = place.reduce((at, name) => at[name] as Record<string, unknown>, value);
    const whole = (changed: object) =>
      JSON.stringify(place.length === 0 ? changed : { ...value, [place[0]!]: changed });
    const at = (name: string) => [...place, name].join('.');
    return [
      { what: `added ${at('more')}`, json: whole({ ...object, more: 1 }) },
      ...Object.keys(object).flatMap((name) => {
        const { [name]: taken, ...others } = object;
        return [
          { what: `renamed ${at(name)}`, json: whole({ ...others, [`${name}2`]: taken }) },
          { what: `another type of ${at(name)}`, json: whole({ ...object, [name]: Array.isArray(taken) ? 'x' : [7] }) },
        ];
      }),
    ];
  });
}
