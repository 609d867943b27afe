/** What the manifests are made for. Change it here and run `npm run k8s`; a reader of the manifests need not know it. */
export interface Settings {
  /** Its name, and what topics, groups and users are called after. */
  readonly topology: string;
  readonly app: string;
  readonly image: string;
  /** Name of the Strimzi `Kafka` resource; it and the users' secrets are in the same namespace. */
  readonly kafka: string;
  /** Protocol version that KEDA speaks: its default, 1.0.0, is older than what a Kafka 4 broker answers. */
  readonly kafkaVersion: string;
  /** Of raw, and of everything that follows it. */
  readonly partitions: number;
  readonly replicas: number;
  readonly metricsPort: number;
}

export const settings: Settings = {
  topology: 'web-crawl',
  app: 'web-crawl',
  image: 'riffle:0.1.0',
  kafka: 'kafka',
  kafkaVersion: '3.9.0',
  partitions: 12,
  replicas: 3,
  metricsPort: 9464,
};

export const stages = ['sift', 'index', 'curate', 'controller'] as const;
export type Stage = (typeof stages)[number];

/** Labels of everything that belongs to one stage. */
export const labelsOf = ({ app }: Settings, stage: string) => ({
  'app.kubernetes.io/name': 'riffle',
  'app.kubernetes.io/instance': app,
  'app.kubernetes.io/component': stage,
});

/** Of a workload and of the Kafka user that it is. */
export const nameOf = ({ app }: Settings, stage: string): string => `${app}-${stage}`;

export const configName = ({ app }: Settings): string => `${app}-config`;

/** Strimzi's address of the listener `tls`. */
export const bootstrapOf = ({ kafka }: Settings): string => `${kafka}-kafka-bootstrap:9093`;
