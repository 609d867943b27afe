import type { TopicSpec } from '../log/port.ts';

export interface TopicNames {
  readonly raw: string;
  readonly sifted: string;
  readonly sketches: string;
  readonly verdicts: string;
  readonly policy: string;
  readonly observations: string;
  /** Requests to start again. */
  readonly repairs: string;
  /** Prefix of output topics; the embedded log drops it from file names. */
  readonly output: (name: string) => string;
}

/** Names of the configuration (`topics`); `<app>.<name>` where none is given. */
export type NamesGiven = { readonly [name in Exclude<keyof TopicNames, 'output'> | 'outputs']?: string | undefined };

export function topicNames(app: string, given: NamesGiven = {}): TopicNames {
  const name = (topic: Exclude<keyof TopicNames, 'output'>) => given[topic] ?? `${app}.${topic}`;
  return {
    raw: name('raw'),
    sifted: name('sifted'),
    sketches: name('sketches'),
    verdicts: name('verdicts'),
    policy: name('policy'),
    observations: name('observations'),
    repairs: name('repairs'),
    output: (topic) => `${given.outputs ?? app}.${topic}`,
  };
}

/** Consumer groups, one a stage. */
export const groups = { sift: 'sift', index: 'index', curate: 'curate', controller: 'controller' } as const;

/**
 * Every topic of a topology: `partitions` source partitions, one total order of sketches. Of raw, a run over files needs the positions alone;
 * where it is a topic, it is kept as long as its owner wishes, and outputs have as many partitions.
 */
export function topicSpecs(
  names: TopicNames,
  partitions: number,
  outputs: readonly string[],
  source: 'files' | 'topic' = 'files',
): TopicSpec[] {
  const outputPartitions = source === 'topic' ? partitions : 1;
  return [
    { name: names.raw, partitions, kind: source === 'topic' ? 'records' : 'blocks', groups: [groups.sift] },
    { name: names.sifted, partitions, kind: 'blocks', groups: [groups.curate] },
    { name: names.sketches, partitions: 1, kind: 'blocks', groups: [groups.index] },
    { name: names.verdicts, partitions, kind: 'blocks', groups: [groups.curate] },
    { name: names.observations, partitions: 1, kind: 'blocks', groups: [groups.controller] },
    { name: names.repairs, partitions: 1, kind: 'blocks', groups: [] },
    { name: names.policy, partitions: 1, kind: 'compacted', groups: [] },
    ...outputs.map(
      (name): TopicSpec => ({ name: names.output(name), partitions: outputPartitions, kind: 'records', groups: [] }),
    ),
  ];
}
