/** Dead letters of a stream: on their topic, and put back on the raw topic. */
import { createHash } from 'node:crypto';
import type { Config } from '../config/schema.ts';
import { ConfigError, RecordError } from '../errors.ts';
import type { KafkaLog } from '../log/kafka/log.ts';
import type { Message, OutMessage, TopicKind } from '../log/port.ts';
import { identityOf, positionJson } from '../model/record.ts';
import { openFinder, readRecords } from '../runtime/read-records.ts';
import { topicNames } from '../runtime/topics.ts';
import { type Letter, PUT_BACK_GROUP, putBack, readNotes } from '../stages/put-back.ts';
import { type DeadLetter, identityOfLetter, originOf } from './dead-letters.ts';
import type { Chosen, DeadLetterPlace, Refused } from './dlq-place.ts';
import { openKafka } from './kafka.ts';
import { type ConfigOptions, loadTopology } from './load-topology.ts';
import type { Terminal } from './terminal.ts';

type Decode = (message: Uint8Array) => Promise<Uint8Array>;

/** Declared with the log, so that they can be read. */
interface Topics {
  readonly letters: string;
  readonly raw: string;
  /** What was put back; made by the first retry. */
  readonly notes: string;
}

/** @throws ConfigError when the configuration names no brokers, or they have no dead letters of that topology. */
export async function topicPlace(
  topology: string,
  options: ConfigOptions,
  terminal: Terminal,
): Promise<DeadLetterPlace> {
  const { config } = await loadTopology(topology, options);
  if (config.log.kind !== 'kafka')
    throw new ConfigError(
      'log.kind',
      'log.kind; dead letters of the embedded log lie in the folder of their run; name its --output instead of --topology, or set log.kind=kafka and log.brokers',
    );
  const names = topicNames(config.app, config.topics);
  const topics: Topics = { letters: names.output('dead-letter'), raw: names.raw, notes: `${config.app}.retries` };
  const log = await openKafka(config, {
    variable: terminal.variable,
    warn: (line) => process.stderr.write(`${line}\n`),
  });
  try {
    const partitions = await declare(log, topics.letters, 'records', config);
    const decode = await decoderOf(config);
    const letters = () => readLetters(log, topics.letters, partitions, decode);
    return {
      name: `topic ${topics.letters}`,
      options: optionsText(topology, options),
      letters,
      putBack: async () => {
        const notePartitions = await log.partitions(topics.notes);
        if (notePartitions === undefined) return new Set();
        await declare(log, topics.notes, 'compacted', config);
        return readNotes({ log, notes: topics.notes, partitions: notePartitions });
      },
      retry: (chosen) => retry(log, config, topics, partitions, decode, chosen),
      afterRetry: [
        'the stages that are running decide them again',
        'a limit of one record may be another one: restart them with --set source.maxRecordBytes=…',
      ],
      close: () => log.close(),
    };
  } catch (error) {
    await log.close();
    throw error;
  }
}

/** Topics of others for this command: none is created. @returns its partitions */
async function declare(log: KafkaLog, topic: string, kind: TopicKind, { log: { brokers } }: Config): Promise<number> {
  const partitions = await log.partitions(topic);
  if (partitions === undefined)
    throw new ConfigError(
      'no-run',
      `topic ${topic}; ${brokers.join()} have none of that name, or this user may not see it; check app and topics of the configuration`,
    );
  await log.ensureTopics([{ name: topic, partitions, kind, groups: [], external: true }]);
  return partitions;
}

async function decoderOf({ registry }: Config): Promise<Decode | undefined> {
  const { url } = registry;
  if (url === undefined) return undefined;
  const { openRegistry, registryFrom } = await import('../schemas/registry.ts');
  const opened = await openRegistry(registryFrom({ ...registry, url }, new Map()));
  return (message) => opened.decodeRaw(message);
}

async function* readLetters(
  log: KafkaLog,
  topic: string,
  partitions: number,
  decode: Decode | undefined,
): AsyncGenerator<DeadLetter> {
  for await (const { partition, message } of readRecords(log, topic, partitions)) {
    const letter = await letterOf(message, decode);
    if (letter !== undefined) yield { ...letter, at: { partition, offset: String(message.offset) } };
  }
}

const OPENING_BRACE = 0x7b;
/** Of a schema registry: a zero byte and the id of the schema. */
const PREFIX_BYTES = 5;

/** Whatever it was written as; where nobody can be asked for its schema, what its headers say. Undefined for what is no dead letter. */
async function letterOf({ value, headers }: Message, decode: Decode | undefined): Promise<DeadLetter | undefined> {
  const json =
    value[0] === OPENING_BRACE
      ? value
      : value[0] === 0 && decode !== undefined
        ? await decode(value).catch(undecoded)
        : value[PREFIX_BYTES] === OPENING_BRACE
          ? value.subarray(PREFIX_BYTES)
          : undefined;
  const letter = json === undefined ? undefined : parseLetter(json);
  return letter ?? letterOfHeaders(headers ?? {});
}

function undecoded(error: unknown): undefined {
  if (!(error instanceof RecordError)) throw error;
}

function parseLetter(json: Uint8Array): DeadLetter | undefined {
  try {
    const letter = JSON.parse(Buffer.from(json).toString(), exactOffset) as DeadLetter;
    return letter.error === undefined || letter.position === undefined ? undefined : letter;
  } catch {
    return undefined;
  }
}

/** Avro has offsets as numbers, and they may be larger than JSON's. */
function exactOffset(this: unknown, key: string, value: unknown, context?: { source?: string }): unknown {
  return key === 'offset' && typeof value === 'number' ? (context?.source ?? String(value)) : value;
}

function letterOfHeaders(headers: Readonly<Record<string, string>>): DeadLetter | undefined {
  const of = (name: string) => headers[`riffle.error.${name}`] ?? '';
  const position = { topic: of('topic'), partition: Number(of('partition')), offset: of('offset') };
  if (of('code') === '' || !/^\d+$/.test(position.offset)) return undefined;
  return {
    id: identityOf({ ...position, offset: BigInt(position.offset) }),
    error: { stage: of('stage'), operator: of('operator'), code: of('code'), message: of('message') },
    position,
    headers: {},
    value: '',
    encoding: 'utf-8',
    valueBytes: 0,
    truncated: true,
    decision: { outcome: 'dead-letter' },
  };
}

async function retry(
  log: KafkaLog,
  config: Config,
  topics: Topics,
  letterPartitions: number,
  decode: Decode | undefined,
  chosen: readonly Chosen[],
) {
  const { raw, notes } = topics;
  const partitions = await declare(log, raw, 'records', config);
  await log.ensureTopics([{ name: notes, partitions, kind: 'compacted', groups: [PUT_BACK_GROUP] }]);
  const finder = openFinder(log, topics.letters, letterPartitions);
  const registry = config.registry.url !== undefined;
  const elsewhere: Refused[] = [];
  const letters: Letter[] = [];
  for (const letter of chosen) {
    const { topic, partition, offset } = letter.position;
    const name = identityOfLetter(letter);
    if (topic !== raw || typeof partition !== 'number' || partition >= partitions) {
      elsewhere.push({ letter: name, reason: `it came from ${topic}-${partition}, not from a partition of ${raw}` });
      continue;
    }
    const origin = originOf(letter);
    letters.push({
      name,
      partition,
      offset: BigInt(offset),
      origin: positionJson({ ...origin, offset: BigInt(origin.offset) }),
      timestampMs: letter.timestamp ? Date.parse(letter.timestamp) : undefined,
      kept: async () => {
        const { at } = letter;
        const found = at && (await finder.find(at.partition, BigInt(at.offset)));
        const whole = found && (await letterOf(found, decode));
        return whole ? messageOf(whole, raw, registry) : `${raw} holds it no more, and neither does ${topics.letters}`;
      },
    });
  }
  try {
    const report = await putBack({ log, raw, notes, partitions }, letters);
    return { ...report, refused: [...elsewhere, ...report.refused] };
  } finally {
    await finder.close();
  }
}

/** The message as its letter holds it; or why that is not what was sent. */
function messageOf(letter: DeadLetter, raw: string, registry: boolean): OutMessage | string {
  const { value, encoding, truncated, valueBytes, sha256, key, headers } = letter;
  const gone = `${raw} holds it no more`;
  const bytes = Buffer.from(value, encoding === 'base64' ? 'base64' : 'utf8');
  if (truncated) return `${gone}, and the letter only the first ${bytes.length} of ${valueBytes} bytes`;
  if (sha256 !== createHash('sha256').update(bytes).digest('hex'))
    return `${gone}, and the value in the letter is not the one that its digest is of`;
  if (isPartOfWarc(letter, bytes)) return `${gone}, and the letter has lost the header of the WARC record`;
  if (registry && bytes[0] !== 0)
    return `${gone}, and the letter holds it as JSON, without the schema that it was sent by`;
  return { value: bytes, headers, ...(typeof key === 'string' && { key }) };
}

/** A WARC record that was read as one is kept as its block alone, under the id of its header. */
function isPartOfWarc(letter: DeadLetter, bytes: Buffer): boolean {
  if (bytes.subarray(0, 5).toString('latin1') === 'WARC/') return false;
  return letter.id !== identityOfLetter(letter) || /warc/i.test(letter.headers['content-type'] ?? '');
}

/** For a next command. What was given of the registry may be a secret. */
function optionsText(topology: string, { config, set }: ConfigOptions): string {
  const settings = set.filter((text) => !text.startsWith('registry.password'));
  const quoted = (text: string) => (/^[\w.:=/,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
  return [
    `--topology ${topology}`,
    ...(config === undefined ? [] : [`--config ${quoted(config)}`]),
    ...settings.map((text) => `--set ${quoted(text)}`),
  ].join(' ');
}
