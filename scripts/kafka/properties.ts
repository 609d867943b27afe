/** server.properties of a broker for tests: KRaft, loopback only, one process for broker and controller, few threads. */
import type { Secure } from './secure.ts';

export interface NodePlace {
  readonly id: number;
  readonly port: number;
  readonly controllerPort: number;
  readonly directory: string;
}

export function serverProperties(
  node: NodePlace,
  all: readonly NodePlace[],
  secure: Secure | undefined,
  extra: Readonly<Record<string, string>>,
): string {
  const several = all.length >= 3;
  const replicas = several ? 3 : 1;
  const inSync = several ? 2 : 1;
  const listeners = [`PLAINTEXT://127.0.0.1:${node.port}`, ...(secure?.listeners ?? [])];
  const properties: Record<string, string | number> = {
    'process.roles': 'broker,controller',
    'node.id': node.id,
    'controller.quorum.voters': all.map(({ id, controllerPort }) => `${id}@127.0.0.1:${controllerPort}`).join(','),
    listeners: [...listeners, `CONTROLLER://127.0.0.1:${node.controllerPort}`].join(','),
    'advertised.listeners': listeners.join(','),
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': [
      'CONTROLLER:PLAINTEXT',
      'PLAINTEXT:PLAINTEXT',
      ...(secure?.protocols ?? []),
    ].join(','),
    'log.dirs': `${node.directory}/data`,
    'num.network.threads': 2,
    'num.io.threads': 4,
    'num.partitions': 1,
    'auto.create.topics.enable': 'false',
    'default.replication.factor': replicas,
    'min.insync.replicas': inSync,
    'offsets.topic.replication.factor': replicas,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': inSync,
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': 1,
    'share.coordinator.state.topic.num.partitions': 1,
    'group.initial.rebalance.delay.ms': 0,
    'group.min.session.timeout.ms': 500,
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': 500,
    'log.segment.bytes': 256 << 20,
    // After kill -9 a broker is refused until its last session ends: 9 s by default.
    'broker.heartbeat.interval.ms': 250,
    'broker.session.timeout.ms': 2500,
    ...secure?.properties,
    ...extra,
  };
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
