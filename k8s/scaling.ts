/** KEDA adds and removes processes of sift and curate by what their groups have not read yet. */
import type { IScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject';
import type { ITriggerAuthentication } from '@kubernetes-models/keda/keda.sh/v1alpha1/TriggerAuthentication';
import { groups, topicNames } from '../src/runtime/topics.ts';
import { KEDA_USER_KEY } from './config.ts';
import { bootstrapOf, configName, labelsOf, nameOf, type Settings } from './settings.ts';

/** One more process for so much lag: of raw, records; of sifted, blocks of up to 256 records. */
const LAG = { sift: 20_000, curate: 80 } as const;

export function scaledObject(settings: Settings, stage: 'sift' | 'curate'): IScaledObject {
  const { app, partitions, kafkaVersion } = settings;
  const names = topicNames(app);
  return {
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'ScaledObject',
    metadata: { name: nameOf(settings, stage), labels: labelsOf(settings, stage) },
    spec: {
      scaleTargetRef: { name: nameOf(settings, stage) },
      minReplicaCount: 1,
      maxReplicaCount: partitions,
      // Each change moves partitions: take processes away slowly.
      advanced: {
        horizontalPodAutoscalerConfig: {
          behavior: {
            scaleDown: { stabilizationWindowSeconds: 600, policies: [{ type: 'Pods', value: 1, periodSeconds: 120 }] },
          },
        },
      },
      triggers: [
        {
          type: 'kafka',
          metadata: {
            bootstrapServers: bootstrapOf(settings),
            consumerGroup: `${app}.${groups[stage]}`,
            topic: stage === 'sift' ? names.raw : names.sifted,
            lagThreshold: String(LAG[stage]),
            // A group that has not begun is behind by all there is.
            offsetResetPolicy: 'earliest',
            allowIdleConsumers: 'false',
            version: kafkaVersion,
            sasl: 'scram_sha512',
            tls: 'enable',
          },
          authenticationRef: { name: nameOf(settings, 'keda') },
        },
      ],
    },
  };
}

export function triggerAuthentication(settings: Settings): ITriggerAuthentication {
  const name = nameOf(settings, 'keda');
  return {
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'TriggerAuthentication',
    metadata: { name, labels: labelsOf(settings, 'keda') },
    spec: {
      configMapTargetRef: [{ parameter: 'username', name: configName(settings), key: KEDA_USER_KEY }],
      secretTargetRef: [
        { parameter: 'password', name, key: 'password' },
        { parameter: 'ca', name: `${settings.kafka}-cluster-ca-cert`, key: 'ca.crt' },
      ],
    },
  };
}
