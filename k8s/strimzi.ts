/**
 * Strimzi's `kafka.strimzi.io/v1` resources, as far as they are used here. Strimzi publishes its schemas with its releases, not in a package, so
 * these types and `problemsOf` are written after its API reference: names, types and allowed values of every member that the manifests have.
 */
export interface Metadata {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface KafkaTopic {
  readonly apiVersion: 'kafka.strimzi.io/v1';
  readonly kind: 'KafkaTopic';
  readonly metadata: Metadata;
  readonly spec: {
    readonly topicName: string;
    readonly partitions: number;
    readonly replicas: number;
    readonly config: Readonly<Record<string, string | number | boolean>>;
  };
}

export const operations = [
  'Read',
  'Write',
  'Create',
  'Delete',
  'Alter',
  'Describe',
  'ClusterAction',
  'AlterConfigs',
  'DescribeConfigs',
  'IdempotentWrite',
  'All',
] as const;
export type Operation = (typeof operations)[number];

export interface AclRule {
  readonly resource: {
    readonly type: 'topic' | 'group' | 'transactionalId';
    readonly name: string;
    readonly patternType: 'literal' | 'prefix';
  };
  readonly operations: readonly Operation[];
}

export interface KafkaUser {
  readonly apiVersion: 'kafka.strimzi.io/v1';
  readonly kind: 'KafkaUser';
  readonly metadata: Metadata;
  readonly spec: {
    readonly authentication: { readonly type: 'scram-sha-512' };
    readonly authorization: { readonly type: 'simple'; readonly acls: readonly AclRule[] };
  };
}
