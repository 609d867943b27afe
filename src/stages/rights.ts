/** What the user of a process must be allowed on the log, by the stages of the process. */
import type { Operation, Rights } from '../log/kafka/rights.ts';
import { groups, type TopicNames } from '../runtime/topics.ts';
import type { ProcessStage } from './stream.ts';

/** Every process looks at all topics at its start, and at how far other stages are. */
const LOOKING: readonly Operation[] = ['Describe', 'DescribeConfigs'];

/** Of the topics of a topology; `outputs` without the prefix. */
export function rightsOf(names: TopicNames, outputs: readonly string[], stages: ReadonlySet<ProcessStage>): Rights {
  const { raw, sifted, sketches, verdicts, policy, observations, repairs } = names;
  const topics = new Map<string, Set<Operation>>();
  const allow = (operation: Operation, ...of: readonly string[]) => {
    for (const name of of) topics.set(name, (topics.get(name) ?? new Set(LOOKING)).add(operation));
  };
  const written = outputs.map((name) => names.output(name));
  for (const operation of LOOKING)
    allow(operation, raw, sifted, sketches, verdicts, policy, observations, repairs, ...written);
  const needs: Readonly<Record<ProcessStage, () => void>> = {
    sift() {
      allow('Read', raw, repairs);
      allow('Write', sifted, sketches);
    },
    index() {
      // Verdicts are read to commit how far it has answered.
      allow('Read', sketches, verdicts, repairs);
      allow('Write', verdicts, repairs);
    },
    curate() {
      allow('Read', sifted, verdicts, policy);
      allow('Write', observations, repairs, ...written);
    },
    controller() {
      allow('Read', policy, observations);
      allow('Write', policy);
      // It trims what everybody has passed.
      allow('Delete', observations, sifted, sketches, verdicts);
    },
  };
  for (const stage of stages) needs[stage]();
  return {
    topics,
    groups: [...stages].map((stage) => groups[stage]),
    leases: stages.has('curate') ? [groups.curate] : [],
  };
}
