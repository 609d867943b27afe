/** Riffle's own configuration for all stages; what differs from one to the next is on their command lines. */
import type { IConfigMap } from 'kubernetes-models/v1/ConfigMap';
import { stringify } from 'yaml';
import { bootstrapOf, configName, labelsOf, nameOf, type Settings } from './settings.ts';

/** Where the pods find things. */
export const paths = {
  config: '/etc/riffle/config',
  authority: '/etc/riffle/authority',
  user: '/etc/riffle/user',
  state: '/var/lib/riffle',
} as const;

export const KEDA_USER_KEY = 'keda-username';

export function riffleConfiguration(settings: Settings): object {
  return {
    app: settings.app,
    log: {
      kind: 'kafka',
      brokers: [bootstrapOf(settings)],
      tls: { enabled: true, caFile: `${paths.authority}/ca.crt` },
      sasl: { mechanism: 'scram-sha-512', passwordFile: `${paths.user}/password` },
    },
    http: { host: '0.0.0.0', port: settings.metricsPort },
  };
}

export function configMap(settings: Settings): IConfigMap {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: configName(settings), labels: labelsOf(settings, 'config') },
    data: {
      'riffle.yaml': stringify(riffleConfiguration(settings)),
      [KEDA_USER_KEY]: nameOf(settings, 'keda'),
    },
  };
}
