/**
 * Controller: publishes the policy on a compacted topic, from where every curate takes it. In this form there is one fixed policy, that of the
 * configuration; curate learns it from the topic all the same.
 */
import { ConfigError } from '../errors.ts';
import type { Log } from '../log/port.ts';
import { type Policy, policyName } from '../pruning/policy.ts';
import { readTopic } from '../runtime/read-topic.ts';
import type { TopicNames } from '../runtime/topics.ts';

export async function publishPolicy(log: Log, topics: TopicNames, policy: Policy): Promise<void> {
  const published = await readPolicy(log, topics);
  const value = JSON.stringify(policy);
  if (published !== undefined && JSON.stringify(published) === value) return;
  if (published !== undefined && published.name === policy.name && published.version >= policy.version)
    throw new ConfigError(
      'policy-version',
      `policy ${policyName(policy)}; ${policyName(published)} is published already and differs; raise policy.version`,
    );
  await log.producer().append(topics.policy, 0, [{ key: policy.name, value: Buffer.from(value) }]);
}

/** The newest policy on the topic. */
export async function readPolicy(log: Log, topics: TopicNames): Promise<Policy | undefined> {
  let newest: Policy | undefined;
  for await (const { value } of readTopic(log, topics.policy))
    newest = JSON.parse(Buffer.from(value).toString()) as Policy;
  return newest;
}
