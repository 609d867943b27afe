/** One Kafka user a stage, allowed what that stage does and nothing else. `test/k8s` runs the stages under these rules on a real broker. */
import type { Policy } from '../src/pruning/policy.ts';
import { outputTopics } from '../src/stages/start.ts';
import { groups, topicNames } from '../src/runtime/topics.ts';
import { labelsOf, nameOf, type Settings, type Stage } from './settings.ts';
import type { AclRule, KafkaUser, Operation } from './strimzi.ts';

type Outputs = Pick<Policy, 'routes' | 'gates' | 'control'>;

export function kafkaUsers(settings: Settings, policy: Outputs): KafkaUser[] {
  return Object.entries(rulesOf(settings, policy)).map(([who, acls]) => ({
    apiVersion: 'kafka.strimzi.io/v1',
    kind: 'KafkaUser',
    metadata: {
      name: nameOf(settings, who),
      labels: { ...labelsOf(settings, who), 'strimzi.io/cluster': settings.kafka },
    },
    spec: { authentication: { type: 'scram-sha-512' }, authorization: { type: 'simple', acls } },
  }));
}

/** Of each stage, and of KEDA, which looks at lag. */
export function rulesOf({ app }: Settings, policy: Outputs): Record<Stage | 'keda', AclRule[]> {
  const t = topicNames(app);
  const groupOf = (group: string): string => `${app}.${group}`;
  const topic = (name: string, ...operations: Operation[]) => rule('topic', name, 'literal', operations);
  const group = (name: string, ...operations: Operation[]) => rule('group', groupOf(name), 'literal', operations);
  // Every process checks the settings of all topics at its start, and reads how far other stages are.
  const looking = [
    rule('topic', `${app}.`, 'prefix', ['Describe', 'DescribeConfigs']),
    rule('group', `${app}.`, 'prefix', ['Describe']),
  ];
  return {
    sift: [
      ...looking,
      topic(t.raw, 'Read'),
      group(groups.sift, 'Read'),
      topic(t.sifted, 'Write'),
      topic(t.sketches, 'Write'),
      topic(t.repairs, 'Read'),
    ],
    index: [
      ...looking,
      topic(t.sketches, 'Read'),
      group(groups.index, 'Read'),
      // Read, to commit how far it has answered.
      topic(t.verdicts, 'Read', 'Write'),
      topic(t.repairs, 'Read', 'Write'),
    ],
    curate: [
      ...looking,
      topic(t.sifted, 'Read'),
      topic(t.verdicts, 'Read'),
      topic(t.policy, 'Read'),
      group(groups.curate, 'Read'),
      rule('transactionalId', `${app}-${groups.curate}-`, 'prefix', ['Describe', 'Write']),
      topic(t.observations, 'Write'),
      topic(t.repairs, 'Write'),
      ...outputTopics(policy as Policy).map((name) => topic(t.output(name), 'Write')),
    ],
    controller: [
      ...looking,
      topic(t.policy, 'Read', 'Write'),
      topic(t.observations, 'Read', 'Delete'),
      group(groups.controller, 'Read'),
      // It trims what everybody has passed.
      topic(t.sifted, 'Delete'),
      topic(t.sketches, 'Delete'),
      topic(t.verdicts, 'Delete'),
    ],
    keda: [
      topic(t.raw, 'Describe'),
      topic(t.sifted, 'Describe'),
      group(groups.sift, 'Describe'),
      group(groups.curate, 'Describe'),
    ],
  };
}

const rule = (
  type: AclRule['resource']['type'],
  name: string,
  patternType: AclRule['resource']['patternType'],
  operations: readonly Operation[],
): AclRule => ({ resource: { type, name, patternType }, operations });
