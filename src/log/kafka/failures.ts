/** What an error of the client means, by the names and codes that Kafka's protocol defines; never by its text. */

interface ClientError {
  readonly name?: string;
  readonly type?: string;
  readonly code?: unknown;
  readonly cause?: unknown;
}

/** The error and what caused it, outermost first. */
export function causes(error: unknown): unknown[] {
  const chain: unknown[] = [];
  for (
    let e = error;
    e !== undefined && e !== null && chain.length < 8 && !chain.includes(e);
    e = (e as ClientError).cause
  )
    chain.push(e);
  return chain;
}

/** The broker's name for it (`NOT_LEADER_FOR_PARTITION`), or else the client's (`KafkaJSConnectionError`). */
export function typeOf(error: unknown): string {
  const chain = causes(error) as ClientError[];
  return chain.find(({ type }) => type !== undefined)?.type ?? chain.at(-1)?.name ?? 'unknown';
}

const FENCED = new Set(['INVALID_PRODUCER_EPOCH', 'PRODUCER_FENCED']);
const LOST_MEMBER = new Set(['UNKNOWN_MEMBER_ID', 'FENCED_INSTANCE_ID', 'ILLEGAL_GENERATION']);
const NEVER = new Set([
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_TOPIC_EXCEPTION',
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  'INVALID_TRANSACTION_TIMEOUT',
  'INVALID_SESSION_TIMEOUT',
  'INVALID_GROUP_ID',
  'INCONSISTENT_GROUP_PROTOCOL',
  'UNSUPPORTED_VERSION',
  'POLICY_VIOLATION',
  'INVALID_REQUIRED_ACKS',
  'INVALID_RECORD',
  'UNSUPPORTED_COMPRESSION_TYPE',
]);

export const isFencing = (error: unknown): boolean => FENCED.has(typeOf(error));
export const isLostMember = (error: unknown): boolean => LOST_MEMBER.has(typeOf(error));
export const isRebalance = (error: unknown): boolean => typeOf(error) === 'REBALANCE_IN_PROGRESS';
/** Trying again cannot help. */
export const isPermanent = (error: unknown): boolean => NEVER.has(typeOf(error)) || isAuthentication(error);

export function isAuthentication(error: unknown): boolean {
  return causes(error).some((e) => {
    const { name, type } = e as ClientError;
    return (
      name === 'KafkaJSSASLAuthenticationError' ||
      type === 'SASL_AUTHENTICATION_FAILED' ||
      type === 'UNSUPPORTED_SASL_MECHANISM'
    );
  });
}

export function isOutOfRange(error: unknown): error is { topic: string; partition: number } {
  return (error as ClientError | undefined)?.name === 'KafkaJSOffsetOutOfRange';
}

/** One line for people: type and text. */
export function describe(error: unknown): string {
  const last = causes(error).at(-1);
  return `${typeOf(error)}: ${last instanceof Error ? last.message : String(last)}`;
}
