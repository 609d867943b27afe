/**
 * Output lines on their way to topics of a broker, in the worker: dead letters get headers, a record that is larger than its topic takes is a dead
 * letter, and where a registry is configured lines are written by its schemas.
 */
import { createHash } from 'node:crypto';
import { RecordError } from '../errors.ts';
import type { Outcome } from '../model/reasons.ts';
import { identityOf, RETRY_OF, type SourcePosition } from '../model/record.ts';
import type { TopicLines } from '../routing/lines.ts';
import type { CurateResult } from './curate-records.ts';
import type { Totals } from './observation.ts';

export interface MessageTools {
  /** What a value may have on the tightest of the output topics. */
  readonly maxValueBytes: number;
  /** How much of a record its dead letter keeps. */
  readonly deadLetterBytes: number;
  /** The line, without its line feed, as a message of that topic. */
  readonly encode?: ((topic: string, line: Uint8Array) => Uint8Array) | undefined;
}

const DEAD_LETTER = 'dead-letter';
/** Text may grow sixfold in JSON (`\u0000`), and stands beside the rest of its dead letter. */
const ESCAPED = 8;
const LINE_FEED = 10;

/** The same result, every line within the limit and as its schema says. */
export function finishMessages(result: CurateResult, tools: MessageTools): CurateResult {
  const { totals } = result;
  const refused: Uint8Array[] = [];
  const outputs: Record<string, TopicLines> = {};
  for (const [topic, lines] of Object.entries(result.outputs)) {
    if (topic !== DEAD_LETTER) outputs[topic] = fitting(topic, lines, tools, (line, why) => refuse(line, topic, why));
  }
  const letters = [...linesOf(result.outputs[DEAD_LETTER]), ...refused];
  if (letters.length > 0) outputs[DEAD_LETTER] = lettersOf(letters, tools);
  return { ...result, outputs };

  function refuse(line: Uint8Array, topic: string, why: RecordError): void {
    // The control sample holds copies: the record itself is decided elsewhere.
    if (topic === 'control') totals.control--;
    else refused.push(letterOf(line, why, totals, tools));
  }
}

function fitting(
  topic: string,
  lines: TopicLines,
  { maxValueBytes, encode }: MessageTools,
  refuse: (line: Uint8Array, why: RecordError) => void,
): TopicLines {
  if (encode === undefined && lines.lengths.every((bytes) => bytes - 1 <= maxValueBytes)) return lines;
  const kept: Uint8Array[] = [];
  for (const line of linesOf(lines)) {
    try {
      const message = encode?.(topic, line) ?? line;
      if (message.byteLength > maxValueBytes) throw tooLarge(line, topic, maxValueBytes);
      kept.push(message);
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
      refuse(line, error);
    }
  }
  return join(kept);
}

const tooLarge = ({ byteLength }: Uint8Array, topic: string, maxValueBytes: number): RecordError =>
  new RecordError(
    'output',
    'output.tooLarge',
    `record; ${byteLength} bytes as a message, ${topic} takes ${maxValueBytes}; raise max.message.bytes of the topic, and put the record back`,
  );

interface Written {
  readonly id: string;
  readonly position: SourcePosition;
  readonly decision: { readonly outcome: Outcome; readonly topic: string; readonly reason: string | null };
  readonly metadata?: { readonly riffle?: { readonly 'retry-of'?: object } };
}

/** The record counts as what it becomes. */
function letterOf(
  line: Uint8Array,
  { operator, code, message }: RecordError,
  totals: Totals,
  { maxValueBytes, deadLetterBytes }: MessageTools,
): Uint8Array {
  const text = Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString();
  const { id, position, decision, metadata } = JSON.parse(text) as Written;
  const counted = totals.decided[decision.outcome];
  const name = decision.reason ?? decision.topic;
  counted[name]!--;
  if (counted[name] === 0) delete counted[name];
  const dead = totals.decided[DEAD_LETTER];
  dead[code] = (dead[code] ?? 0) + 1;
  totals.examples[code] ??= identityOf(position);
  const retryOf = metadata?.riffle?.['retry-of'];
  return Buffer.from(
    JSON.stringify({
      id,
      error: { stage: 'curate', operator, code, message },
      position,
      key: null,
      headers: retryOf === undefined ? {} : { [RETRY_OF]: JSON.stringify(retryOf) },
      timestamp: null,
      value: text.slice(0, Math.min(deadLetterBytes, maxValueBytes / ESCAPED)),
      encoding: 'utf-8',
      valueBytes: line.byteLength,
      truncated: true,
      sha256: createHash('sha256').update(line).digest('hex'),
      decision: { outcome: DEAD_LETTER },
    }),
  );
}

interface Letter {
  readonly id: string;
  readonly key: string | null;
  readonly error: {
    readonly stage: string;
    readonly operator: string;
    readonly code: string;
    readonly message: string;
  };
  readonly position: { readonly topic: string; readonly partition: number | string; readonly offset: string };
  readonly value: string;
  readonly headers: object;
}

function lettersOf(lines: readonly Uint8Array[], { maxValueBytes, encode }: MessageTools): TopicLines {
  const headers: Record<string, string>[] = [];
  const messages = lines.map((line) => {
    const letter = JSON.parse(Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString()) as Letter;
    headers.push(headersOf(letter));
    const fit = line.byteLength <= maxValueBytes ? line : shortened(letter, maxValueBytes);
    return encode?.(DEAD_LETTER, fit) ?? fit;
  });
  return { ...join(messages), headers };
}

/** Whatever its sender may have made long. */
function shortened(letter: Letter, maxValueBytes: number): Uint8Array {
  const { position, error } = letter;
  const value = letter.value.slice(0, Math.floor(maxValueBytes / (2 * ESCAPED)));
  const id = isShort(letter.id) ? letter.id : identityOf({ ...position, offset: BigInt(position.offset) });
  const key = typeof letter.key === 'string' && isShort(letter.key) ? letter.key : null;
  const message = error.message.slice(0, SHORT);
  const short = { ...letter, id, error: { ...error, message }, key, headers: {}, value, truncated: true };
  return Buffer.from(JSON.stringify(short));
}

/** Characters of what is kept whole in every dead letter, and of a header. */
const SHORT = 1000;
const isShort = (text: string): boolean => text.length <= SHORT;

function headersOf({ error, position }: Letter): Record<string, string> {
  const of = { ...error, ...position };
  const names = ['stage', 'operator', 'code', 'message', 'topic', 'partition', 'offset'] as const;
  return Object.fromEntries(names.map((name) => [`riffle.error.${name}`, String(of[name]).slice(0, SHORT)]));
}

/** Without their line feeds. */
function linesOf(lines: TopicLines | undefined): Uint8Array[] {
  let at = 0;
  return Array.from(lines?.lengths ?? [], (bytes) => {
    const line = lines!.bytes.subarray(at, at + bytes - 1);
    at += bytes;
    return line;
  });
}

/** What the port takes: each message ended by a byte that the log drops again. */
function join(messages: readonly Uint8Array[]): TopicLines {
  const bytes = new Uint8Array(messages.reduce((sum, { byteLength }) => sum + byteLength + 1, 0));
  let at = 0;
  for (const message of messages) {
    bytes.set(message, at);
    at += message.byteLength;
    bytes[at++] = LINE_FEED;
  }
  return { bytes, lengths: Uint32Array.from(messages, ({ byteLength }) => byteLength + 1) };
}
