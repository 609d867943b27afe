/** One workload a stage, all of one image. */
import type { IDeployment } from 'kubernetes-models/apps/v1/Deployment';
import type { IStatefulSet } from 'kubernetes-models/apps/v1/StatefulSet';
import type { IPodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import type { IContainer } from 'kubernetes-models/v1/Container';
import type { IPodSpec } from 'kubernetes-models/v1/PodSpec';
import type { IService } from 'kubernetes-models/v1/Service';
import { paths } from './config.ts';
import { configName, labelsOf, nameOf, type Settings, type Stage } from './settings.ts';

/** User and group of the image. */
const USER = 1000;

interface Needs {
  readonly cpu: string;
  readonly memory: string;
  readonly memoryLimit: string;
  /** Worker threads; the index and the controller work on their main thread. */
  readonly workers?: number;
  /** To end what is under way after SIGTERM: a block, a transaction, a snapshot of the index. */
  readonly drainSeconds: number;
}

const needs: Readonly<Record<Stage, Needs>> = {
  sift: { cpu: '2', memory: '1Gi', memoryLimit: '2Gi', workers: 2, drainSeconds: 60 },
  // Window 0.6 GB, history 36 bytes a document, exact keys 40: docs/kubernetes.md.
  index: { cpu: '1', memory: '4Gi', memoryLimit: '6Gi', drainSeconds: 180 },
  curate: { cpu: '2', memory: '1Gi', memoryLimit: '2Gi', workers: 2, drainSeconds: 60 },
  controller: { cpu: '100m', memory: '256Mi', memoryLimit: '512Mi', drainSeconds: 30 },
};

/** Sift and curate keep nothing: any number of them share the partitions. How many there are is KEDA's business. */
export function deployment(settings: Settings, stage: 'sift' | 'curate' | 'controller'): IDeployment {
  const labels = labelsOf(settings, stage);
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: nameOf(settings, stage), labels },
    spec: {
      ...(stage === 'controller' && { replicas: 1, strategy: { type: 'Recreate' } }),
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: podSpec(settings, stage) },
    },
  };
}

/** The index is one process: its log has one partition. Snapshots outlive the pod, so a new one folds only what came since. */
export function indexSet(settings: Settings): IStatefulSet {
  const labels = labelsOf(settings, 'index');
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: nameOf(settings, 'index'), labels },
    spec: {
      replicas: 1,
      serviceName: nameOf(settings, 'index'),
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: podSpec(settings, 'index') },
      volumeClaimTemplates: [
        {
          apiVersion: 'v1',
          kind: 'PersistentVolumeClaim',
          metadata: { name: 'state' },
          spec: { accessModes: ['ReadWriteOncePod'], resources: { requests: { storage: '20Gi' } } },
        },
      ],
    },
  };
}

/** The name of a StatefulSet's pods. */
export function indexService(settings: Settings): IService {
  const labels = labelsOf(settings, 'index');
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: nameOf(settings, 'index'), labels },
    spec: { clusterIP: 'None', selector: labels, ports: [{ name: 'http', port: settings.metricsPort }] },
  };
}

/** One at a time leaves its node; the others have its partitions within seconds. */
export function disruptionBudget(settings: Settings, stage: Stage): IPodDisruptionBudget {
  const labels = labelsOf(settings, stage);
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: nameOf(settings, stage), labels },
    spec: { maxUnavailable: 1, selector: { matchLabels: labels } },
  };
}

function podSpec(settings: Settings, stage: Stage): IPodSpec {
  const name = nameOf(settings, stage);
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: needs[stage].drainSeconds,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: USER,
      runAsGroup: USER,
      fsGroup: USER,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containers: [container(settings, stage)],
    volumes: [
      {
        name: 'config',
        configMap: { name: configName(settings), items: [{ key: 'riffle.yaml', path: 'riffle.yaml' }] },
      },
      {
        name: 'authority',
        secret: { secretName: `${settings.kafka}-cluster-ca-cert`, items: [{ key: 'ca.crt', path: 'ca.crt' }] },
      },
      { name: 'user', secret: { secretName: name, items: [{ key: 'password', path: 'password' }] } },
      { name: 'tmp', emptyDir: {} },
    ],
  };
}

function container(settings: Settings, stage: Stage): IContainer {
  const { cpu, memory, memoryLimit } = needs[stage];
  return {
    name: stage,
    image: settings.image,
    args: commandLine(settings, stage),
    ports: [{ name: 'http', containerPort: settings.metricsPort }],
    // Up to ten minutes until the first sign of life; a process that is alive may wait for its topics as long as it takes.
    startupProbe: { httpGet: { path: '/livez', port: 'http' }, periodSeconds: 5, failureThreshold: 120 },
    livenessProbe: {
      httpGet: { path: '/livez', port: 'http' },
      periodSeconds: 10,
      timeoutSeconds: 5,
      failureThreshold: 6,
    },
    readinessProbe: { httpGet: { path: '/readyz', port: 'http' }, periodSeconds: 5, timeoutSeconds: 5 },
    resources: { requests: { cpu, memory }, limits: { memory: memoryLimit } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [
      { name: 'config', mountPath: paths.config, readOnly: true },
      { name: 'authority', mountPath: paths.authority, readOnly: true },
      { name: 'user', mountPath: paths.user, readOnly: true },
      { name: 'tmp', mountPath: '/tmp' },
      ...(stage === 'index' ? [{ name: 'state', mountPath: paths.state }] : []),
    ],
  };
}

/** What follows `riffle` in the pod of a stage. */
export function commandLine(settings: Settings, stage: Stage): string[] {
  const { workers } = needs[stage];
  const set = [
    `log.sasl.username=${nameOf(settings, stage)}`,
    ...(workers === undefined ? [] : [`workers=${workers}`]),
  ];
  return [
    'run',
    settings.topology,
    '--stages',
    stage,
    '--config',
    `${paths.config}/riffle.yaml`,
    ...set.flatMap((one) => ['--set', one]),
    '--port',
    String(settings.metricsPort),
    ...(stage === 'index' ? ['--state', `${paths.state}/state`] : []),
  ];
}
