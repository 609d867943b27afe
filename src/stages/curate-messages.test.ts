import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecordError } from '../errors.ts';
import type { TopicLines } from '../routing/lines.ts';
import { finishMessages } from './curate-messages.ts';
import type { CurateResult } from './curate-records.ts';
import { newMeasured } from './measured.ts';
import { emptyTotals } from './observation.ts';

const position = (offset: number) => ({ topic: 't.raw', partition: 3, offset: String(offset) });
const record = (offset: number, text: string, outcome = 'curated', topic = 'curated.en', more: object = {}) =>
  JSON.stringify({
    id: `r${offset}`,
    text,
    ...more,
    decision: { outcome, topic, reason: null },
    position: position(offset),
  });
const letter = (offset: number, value: string) =>
  JSON.stringify({
    id: `r${offset}`,
    error: { stage: 'sift', operator: 'decode', code: 'decode.badJson', message: 'not JSON' },
    position: position(offset),
    headers: { from: 'a producer' },
    value,
    decision: { outcome: 'dead-letter' },
  });

function lines(texts: readonly string[]): TopicLines {
  const parts = texts.map((text) => Buffer.from(`${text}\n`));
  return { bytes: new Uint8Array(Buffer.concat(parts)), lengths: Uint32Array.from(parts, ({ length }) => length) };
}

function messagesOf({ bytes, lengths }: TopicLines): string[] {
  let at = 0;
  return Array.from(lengths, (length) => Buffer.from(bytes.subarray(at, (at += length) - 1)).toString());
}

function result(outputs: Record<string, string[]>): CurateResult {
  const totals = emptyTotals();
  totals.decided.curated['curated.en'] = outputs['curated.en']?.length ?? 0;
  totals.decided['dead-letter']['decode.badJson'] = outputs['dead-letter']?.length ?? 0;
  totals.control = outputs['control']?.length ?? 0;
  const written = Object.fromEntries(Object.entries(outputs).map(([topic, texts]) => [topic, lines(texts)]));
  return { outputs: written, totals, measured: newMeasured() };
}

const tools = { maxValueBytes: 2000, deadLetterBytes: 500 };

test('lines within the limit stay as they are, byte for byte and without a copy', () => {
  const before = result({ 'curated.en': [record(1, 'a'), record(2, 'b')] });
  const after = finishMessages(before, tools);
  assert.equal(after.outputs['curated.en'], before.outputs['curated.en']);
  assert.deepEqual(Object.keys(after.outputs), ['curated.en']);
});

test('a record over the limit is a dead letter with its size, and counts as one', () => {
  const long = record(2, 'x'.repeat(3000));
  const { outputs, totals } = finishMessages(result({ 'curated.en': [record(1, 'a'), long] }), tools);
  assert.deepEqual(messagesOf(outputs['curated.en']!), [record(1, 'a')]);
  const [dead] = messagesOf(outputs['dead-letter']!).map((text) => JSON.parse(text));
  assert.equal(dead.error.code, 'output.tooLarge');
  assert.match(dead.error.message, new RegExp(`${long.length} bytes as a message, curated.en takes 2000`));
  assert.deepEqual([dead.valueBytes, dead.truncated, dead.position], [long.length, true, position(2)]);
  assert.deepEqual(totals.decided.curated, { 'curated.en': 1 });
  assert.equal(totals.decided['dead-letter']['output.tooLarge'], 1);
  assert.equal(outputs['dead-letter']!.headers![0]!['riffle.error.code'], 'output.tooLarge');
});

test('a copy over the limit is left out of the control sample, and the record is decided once', () => {
  const long = record(1, 'x'.repeat(3000));
  const { outputs, totals } = finishMessages(result({ 'curated.en': [long], control: [long] }), tools);
  assert.deepEqual(messagesOf(outputs['control']!), []);
  assert.equal(totals.control, 0);
  assert.equal(messagesOf(outputs['dead-letter']!).length, 1);
});

test('a dead letter has its error in headers; one that is too large itself loses most of its value', () => {
  const { outputs } = finishMessages(
    result({ 'dead-letter': [letter(1, 'a'), letter(2, '\u0000'.repeat(1000))] }),
    tools,
  );
  const [small, cut] = messagesOf(outputs['dead-letter']!);
  assert.equal(small, letter(1, 'a'));
  assert.ok(cut!.length <= tools.maxValueBytes, `${cut!.length} bytes`);
  assert.deepEqual([JSON.parse(cut!).truncated, JSON.parse(cut!).error.code], [true, 'decode.badJson']);
  assert.deepEqual(outputs['dead-letter']!.headers![1], {
    'riffle.error.stage': 'sift',
    'riffle.error.operator': 'decode',
    'riffle.error.code': 'decode.badJson',
    'riffle.error.message': 'not JSON',
    'riffle.error.topic': 't.raw',
    'riffle.error.partition': '3',
    'riffle.error.offset': '2',
  });
});

test('lines are written by their schema, and what counts is the size of that', () => {
  const encode = (topic: string, line: Uint8Array) => Buffer.from(`${topic}:${line.length}\n0`);
  const long = record(1, 'x'.repeat(3000));
  const { outputs } = finishMessages(result({ 'curated.en': [long], 'dead-letter': [letter(2, 'a')] }), {
    ...tools,
    encode,
  });
  assert.deepEqual(messagesOf(outputs['curated.en']!), [`curated.en:${long.length}\n0`]);
  assert.deepEqual(messagesOf(outputs['dead-letter']!), [`dead-letter:${letter(2, 'a').length}\n0`]);
});

test('a record that does not fit its schema is a dead letter, and the others go on', () => {
  const encode = (topic: string, line: Uint8Array) => {
    if (topic !== 'dead-letter' && Buffer.from(line).includes('"odd"'))
      throw new RecordError('schema', 'schema.mismatch', 'record; it does not fit');
    return line;
  };
  const odd = record(2, 'odd');
  const { outputs, totals } = finishMessages(result({ 'curated.en': [record(1, 'a'), odd], control: [odd] }), {
    ...tools,
    encode,
  });
  assert.deepEqual(messagesOf(outputs['curated.en']!), [record(1, 'a')]);
  const [dead] = messagesOf(outputs['dead-letter']!).map((text) => JSON.parse(text));
  assert.deepEqual(dead.error, {
    stage: 'curate',
    operator: 'schema',
    code: 'schema.mismatch',
    message: 'record; it does not fit',
  });
  assert.equal(dead.value, odd);
  assert.deepEqual(
    [totals.decided.curated, totals.decided['dead-letter']['schema.mismatch'], totals.control],
    [{ 'curated.en': 1 }, 1, 0],
  );
});

test('whatever a sender made long does not keep a dead letter from its topic', () => {
  const long = 'x'.repeat(5000);
  const bait = { ...(JSON.parse(letter(7, 'v')) as { error: object }), id: long, key: long, headers: { long } };
  const error = { ...bait.error, message: long };
  const { outputs } = finishMessages(result({ 'dead-letter': [JSON.stringify({ ...bait, error })] }), {
    ...tools,
    maxValueBytes: 4000,
  });
  const [text = ''] = messagesOf(outputs['dead-letter']!);
  assert.ok(text.length <= 4000, `${text.length}`);
  const { id, key, value } = JSON.parse(text) as { id: string; key: null; value: string };
  assert.deepEqual({ id, key, value }, { id: 't.raw-3@7', key: null, value: 'v' });
  const [headers = {}] = outputs['dead-letter']!.headers!;
  assert.equal(headers['riffle.error.message'], 'x'.repeat(1000));
});
