/** Topics as the code names and needs them (`topicSpecs`), for Strimzi's topic operator. */
import type { TopicKind } from '../src/log/port.ts';
import type { Policy } from '../src/pruning/policy.ts';
import { outputTopics } from '../src/stages/start.ts';
import { topicNames, topicSpecs } from '../src/runtime/topics.ts';
import { labelsOf, type Settings } from './settings.ts';
import type { KafkaTopic } from './strimzi.ts';

const DAY_MS = 86_400_000;
const MESSAGE_BYTES = 8 << 20;

export function kafkaTopics(settings: Settings, policy: Pick<Policy, 'routes' | 'gates' | 'control'>): KafkaTopic[] {
  const { app, kafka, partitions, replicas } = settings;
  const names = topicNames(app);
  // Nobody takes these in and trims them: repairs are asked for again, observations are for whoever looks.
  const passing = new Set([names.repairs, names.observations]);
  const specs = topicSpecs(names, partitions, outputTopics(policy as Policy), 'topic');
  return specs.map(({ name, partitions: count, kind }) => ({
    apiVersion: 'kafka.strimzi.io/v1',
    kind: 'KafkaTopic',
    metadata: { name, labels: { ...labelsOf(settings, 'topic'), 'strimzi.io/cluster': kafka } },
    spec: {
      topicName: name,
      partitions: count,
      replicas,
      config: {
        'max.message.bytes': MESSAGE_BYTES,
        'min.insync.replicas': Math.max(1, replicas - 1),
        ...configOf(kind, passing.has(name)),
      },
    },
  }));
}

/** Internal topics are trimmed by Riffle itself when everybody has passed; those of users are kept for a week until they say otherwise. */
function configOf(kind: TopicKind, passing: boolean): KafkaTopic['spec']['config'] {
  switch (kind) {
    case 'blocks':
      return {
        'cleanup.policy': 'delete',
        'message.timestamp.type': 'LogAppendTime',
        'retention.bytes': -1,
        'retention.ms': passing ? 7 * DAY_MS : -1,
      };
    case 'compacted':
      return { 'cleanup.policy': 'compact' };
    case 'records':
      return { 'cleanup.policy': 'delete', 'retention.ms': 7 * DAY_MS };
  }
}
