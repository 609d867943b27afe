/**
 * What the broker lets this user do, as it says itself: authorised operations of topics and groups (KIP-430). kafkajs asks in versions of the
 * protocol that have no room for them, so the two requests are written here.
 */
import type { Client } from './client.ts';
import { typeOf } from './failures.ts';
import { type Broker, requireKafka } from './internals.ts';
import { persist } from './persist.ts';

/** Kafka's numbers of operations. */
const OPERATIONS = { Read: 3, Write: 4, Delete: 6, Describe: 8, DescribeConfigs: 10 } as const;
export type Operation = keyof typeof OPERATIONS;

/** What a user needs. */
export interface Rights {
  readonly topics: ReadonlyMap<string, ReadonlySet<Operation>>;
  /** Groups that are read with. */
  readonly groups: readonly string[];
  /** Groups whose leases are taken: each has a transactional id. */
  readonly leases: readonly string[];
}

/** `hidden`: it may be there, and this user may not see it. */
export type Allowed = ReadonlySet<Operation> | 'hidden' | 'absent';

interface Protocol {
  readonly versions: Readonly<Record<number, { readonly minVersion: number; readonly maxVersion: number } | undefined>>;
  readonly connectionPool: { send(exchange: object): Promise<unknown> };
  findGroupCoordinator(of: { groupId: string; coordinatorType: number }): Promise<{ coordinator: { nodeId: number } }>;
}

interface Encoder {
  writeArray(list: readonly string[]): Encoder;
  writeBoolean(value: boolean): Encoder;
}

interface Decoder {
  readInt16(): number;
  readInt32(): number;
  readBoolean(): boolean;
  readString(): string | null;
  readBytes(): Buffer | null;
  readArray<T>(read: (decoder: Decoder) => T): T[];
}

const METADATA = { apiKey: 3, apiVersion: 8, apiName: 'Metadata' } as const;
const DESCRIBE_GROUPS = { apiKey: 15, apiVersion: 3, apiName: 'DescribeGroups' } as const;
const TOPIC_AUTHORIZATION_FAILED = 29;
/** Kinds of coordinators. */
const GROUP = 0;
const TRANSACTION = 1;

/** Ranges of versions by number of the request. */
export const versionsOf = (broker: Broker): Protocol['versions'] => (broker as Broker & Protocol).versions;

/** Undefined where the broker is too old to say. */
export async function allowedOnTopics(
  broker: Broker,
  topics: readonly string[],
): Promise<ReadonlyMap<string, Allowed> | undefined> {
  if (!speaks(broker, METADATA)) return undefined;
  const answer = await send(
    broker,
    METADATA,
    (request) => request.writeArray(topics).writeBoolean(false).writeBoolean(false).writeBoolean(true),
    readTopics,
  );
  return new Map(answer);
}

function readTopics(answer: Decoder): [string, Allowed][] {
  answer.readInt32();
  answer.readArray((broker) => [broker.readInt32(), broker.readString(), broker.readInt32(), broker.readString()]);
  answer.readString();
  answer.readInt32();
  return answer.readArray((topic) => {
    const error = topic.readInt16();
    const name = topic.readString() ?? '';
    topic.readBoolean();
    topic.readArray((partition) => {
      partition.readInt16();
      for (let field = 0; field < 3; field++) partition.readInt32();
      for (let list = 0; list < 3; list++) partition.readArray((replica) => replica.readInt32());
    });
    const allowed = operationsOf(topic.readInt32());
    return [name, error === 0 ? allowed : error === TOPIC_AUTHORIZATION_FAILED ? 'hidden' : 'absent'];
  });
}

/** Of the group by its name on the brokers; undefined where they are too old to say. `broker` is any of them. */
export async function allowedOnGroup(client: Client, broker: Broker, groupId: string): Promise<Allowed | undefined> {
  try {
    return await persist(client, `group ${groupId}`, async () => {
      const coordinator = await findCoordinator(client, broker, groupId, GROUP);
      if (!speaks(coordinator, DESCRIBE_GROUPS)) return undefined;
      const [allowed = 'absent'] = await send(
        coordinator,
        DESCRIBE_GROUPS,
        (request) => request.writeArray([groupId]).writeBoolean(true),
        readGroups,
      );
      return allowed;
    });
  } catch (error) {
    if (typeOf(error) === 'GROUP_AUTHORIZATION_FAILED') return 'hidden';
    throw error;
  }
}

/** The cluster's own way of asking hides why it is refused. */
async function findCoordinator({ cluster }: Client, broker: Broker, id: string, type: number): Promise<Broker> {
  const { coordinator } = await (broker as Broker & Protocol).findGroupCoordinator({
    groupId: id,
    coordinatorType: type,
  });
  return cluster.findBroker({ nodeId: coordinator.nodeId });
}

function readGroups(answer: Decoder): Allowed[] {
  answer.readInt32();
  return answer.readArray((group) => {
    const error = group.readInt16();
    for (let field = 0; field < 4; field++) group.readString();
    group.readArray((member) => {
      for (let field = 0; field < 3; field++) member.readString();
      for (let field = 0; field < 2; field++) member.readBytes();
    });
    const allowed = operationsOf(group.readInt32());
    if (error !== 0) throw errorOf(error);
    return allowed;
  });
}

/** Whether this user may ask for the transactional id. Whether it may write with it shows only when it does, which would fence. */
export async function isRefusedTransactionalId(client: Client, broker: Broker, id: string): Promise<boolean> {
  try {
    await persist(client, `transactional id ${id}`, () => findCoordinator(client, broker, id, TRANSACTION));
    return false;
  } catch (error) {
    if (typeOf(error) === 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED') return true;
    throw error;
  }
}

/** By Kafka's number; it carries the name. */
function errorOf(code: number): Error {
  const errors = requireKafka('kafkajs/src/protocol/error') as {
    readonly createErrorFromCode: (code: number) => Error;
  };
  return errors.createErrorFromCode(code);
}

/** Bit n stands for operation n. */
function operationsOf(bits: number): ReadonlySet<Operation> {
  const names = Object.keys(OPERATIONS) as Operation[];
  return new Set(names.filter((name) => ((bits >> OPERATIONS[name]) & 1) === 1));
}

interface Request {
  readonly apiKey: number;
  readonly apiVersion: number;
}

function speaks(broker: Broker, { apiKey, apiVersion }: Request): boolean {
  const range = versionsOf(broker)[apiKey];
  return range !== undefined && range.minVersion <= apiVersion && apiVersion <= range.maxVersion;
}

async function send<T>(
  broker: Broker,
  request: Request,
  write: (request: Encoder) => Encoder,
  read: (answer: Decoder) => T,
): Promise<T> {
  const EncoderOf = requireKafka('kafkajs/src/protocol/encoder') as new () => Encoder;
  const DecoderOf = requireKafka('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => Decoder;
  const answer = await (broker as Broker & Protocol).connectionPool.send({
    request: { ...request, encode: async () => write(new EncoderOf()) },
    response: {
      decode: async (bytes: Buffer) => ({ answer: read(new DecoderOf(bytes)) }),
      parse: async (decoded: object) => decoded,
    },
  });
  return (answer as { answer: T }).answer;
}
