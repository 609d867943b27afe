/** Connections to the cluster, and kafkajs itself: loaded here, after its corrections. */
import type { Admin, CompressionTypes, Kafka, KafkaConfig, Producer, SASLOptions } from 'kafkajs';
import { ConfigError } from '../../errors.ts';
import { CODEC_NUMBERS } from './codecs.ts';
import { causes, isAuthentication } from './failures.ts';
import { type Cluster, READ_COMMITTED, requireKafka } from './internals.ts';
import {
  type CompiledOptions,
  compileOptions,
  type KafkaLogOptions,
  type Sasl,
  type SocketFactory,
} from './options.ts';
import { installPatches } from './patches.ts';

export interface Client {
  readonly options: CompiledOptions;
  /** Number of the codec that batches are written with. */
  readonly codec: CompressionTypes;
  /** A set of connections of its own, not yet connected. */
  newCluster(): Cluster;
  /** Not yet connected. Sends once: what fails is for the caller to judge. */
  newProducer(transactionalId?: string): Producer;
  /** One for the whole log, connected. */
  readonly admin: Admin;
  /** For questions outside of any consumer, connected. */
  readonly cluster: Cluster;
  close(): Promise<void>;
}

/** Between attempts of kafkajs inside one request: metadata, coordinators, and waiting for a predecessor's transaction to end. */
const RETRY = { initialRetryTime: 50, maxRetryTime: 1000, retries: 5 };
const CONNECT_MS = 3000;
const AUTHENTICATION_MS = 10_000;
/** A login that the broker limits in time is renewed so long before its end: a broker refuses one that is renewed as soon as it was given. */
const RENEW_MS = 2000;

/** @throws ConfigError `broker` when no broker answers, `broker-login` when it refuses the login; FatalError `client-differs` */
export async function connectClient(given: KafkaLogOptions): Promise<Client> {
  const options = compileOptions(given);
  await installPatches();
  const kafkajs = requireKafka('kafkajs') as typeof import('kafkajs');
  const settings = await settingsOf(options, kafkajs);
  const kafka = new kafkajs.Kafka(settings);
  const ClusterOf = requireKafka('kafkajs/src/cluster') as new (settings: object) => Cluster;
  const newCluster = (): Cluster =>
    new ClusterOf({
      ...clusterSettings(kafka, settings),
      offsets: new Map(),
      metadataMaxAge: options.metadataMs,
      allowAutoTopicCreation: false,
      maxInFlightRequests: null,
      isolationLevel: READ_COMMITTED,
    });
  const newProducer = (transactionalId?: string): Producer =>
    kafka.producer({
      allowAutoTopicCreation: false,
      // Every message names its partition.
      createPartitioner:
        () =>
        ({ message }) =>
          message.partition!,
      metadataMaxAge: options.metadataMs,
      retry: { ...RETRY, retries: 0 },
      ...(transactionalId !== undefined && {
        transactionalId,
        maxInFlightRequests: 1,
        transactionTimeout: options.transactionTimeoutMs,
      }),
    });
  const admin = kafka.admin();
  const cluster = newCluster();
  const close = async (): Promise<void> => {
    await Promise.allSettled([admin.disconnect(), cluster.disconnect()]);
  };
  let connected = false;
  try {
    await Promise.all([admin.connect(), cluster.connect()]);
    connected = true;
    // Brokers tell some refusals only to the first request behind the login, by hanging up.
    await admin.listTopics();
    await cluster.refreshMetadata();
  } catch (error) {
    await close();
    throw unreachable(options, error, connected);
  }
  return {
    options,
    codec: CODEC_NUMBERS[options.compression] as CompressionTypes,
    newCluster,
    newProducer,
    admin,
    cluster,
    close,
  };
}

async function settingsOf(options: CompiledOptions, kafkajs: typeof import('kafkajs')) {
  const factory = options.socketFactory ?? (requireKafka('kafkajs/src/network/socketFactory') as () => SocketFactory)();
  const socketFactory: SocketFactory = (where) => {
    const socket = factory(where);
    // kafkajs lets go of a socket that still connects once for every request that waited: no leak, but Node warns of one.
    socket.setMaxListeners(0);
    return socket;
  };
  return {
    clientId: options.clientId,
    brokers: [...options.brokers],
    connectionTimeout: CONNECT_MS,
    authenticationTimeout: AUTHENTICATION_MS,
    reauthenticationThreshold: RENEW_MS,
    requestTimeout: options.requestTimeoutMs,
    enforceRequestTimeout: true,
    retry: RETRY,
    ...(options.ssl !== undefined && options.ssl !== false && { ssl: options.ssl }),
    ...(options.sasl && { sasl: await saslOf(options.sasl) }),
    socketFactory: socketFactory as NonNullable<KafkaConfig['socketFactory']>,
    logLevel: kafkajs.logLevel.NOTHING,
    // Whatever its own environment variables ask for: what it logs may hold a login.
    logCreator: () => () => undefined,
  } satisfies KafkaConfig;
}

/** What kafkajs hands to a cluster of its own making. */
function clusterSettings(kafka: Kafka, settings: Awaited<ReturnType<typeof settingsOf>>): object {
  const { ssl, ...rest } = settings;
  return { ...rest, ssl: ssl === true ? {} : ssl, logger: kafka.logger() };
}

async function saslOf(sasl: Sasl): Promise<SASLOptions> {
  if (sasl.mechanism === 'oauthbearer') {
    return { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: await sasl.token() }) };
  }
  return { mechanism: sasl.mechanism, username: sasl.username, password: await sasl.password() };
}

function unreachable({ brokers, sasl }: CompiledOptions, error: unknown, connected: boolean): ConfigError {
  const reason = causes(error).at(-1);
  const actual = reason instanceof Error ? reason.message : String(reason);
  if (isAuthentication(error) || (sasl !== undefined && connected)) {
    return new ConfigError(
      'broker-login',
      `brokers ${brokers.join()}; they refuse the login${sasl ? ` by ${sasl.mechanism}` : ''}: ${actual}; check log.sasl and its secret`,
    );
  }
  return new ConfigError(
    'broker',
    `brokers ${brokers.join()}; none of them answers: ${actual}; check log.brokers, and log.ssl and log.sasl if the listener asks for them`,
  );
}
