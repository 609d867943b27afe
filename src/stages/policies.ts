/**
 * The policy that curate decides by: the newest on its topic. It is read before the first decision, and followed for as long as curate works: a
 * change takes no restart.
 */
import { ConfigError } from '../errors.ts';
import type { Log } from '../log/port.ts';
import { type Policy, policyName, policySchema } from '../pruning/policy.ts';
import { READER } from '../runtime/read-topic.ts';
import { outputTopics } from './start.ts';

export interface Policies {
  /** The one to begin with. */
  first(): Promise<Policy>;
  /** Calls with each that replaces it, until the process is to stop. */
  follow?(use: (policy: Policy) => void): Promise<void>;
}

export interface PoliciesParts {
  readonly log: Log;
  /** Name of the topic. */
  readonly topic: string;
  /** Of this process's configuration: what its topics and its scorers were prepared for. */
  readonly own: Policy;
  readonly scorers: readonly string[];
  readonly signal: AbortSignal;
  /** For people: nothing to worry about, and something. */
  readonly note: (text: string) => void;
  readonly warn: (text: string) => void;
}

/** A reader that waits comes back at once when there is something; only so that it looks at the signal. */
const WAIT_MS = 60_000;

export function createPolicies({ log, topic, own, scorers, signal, note, warn }: PoliciesParts): Policies {
  let newest: Policy | undefined;
  let opened: ReturnType<typeof open> | undefined;
  const reader = () => (opened ??= open());

  async function open() {
    const consumer = await log.consumer(READER, [topic]);
    return {
      /** @returns whether a policy came */
      async take(waitMs: number): Promise<boolean> {
        const before = newest;
        const { assigned, batches } = await consumer.poll({ maxBytes: 1 << 20, waitMs, signal });
        if (assigned.length > 0)
          consumer.seek({ topic, partition: 0, offset: (await consumer.bounds(topic, 0)).start });
        for (const { messages } of batches)
          for (const { offset, value } of messages) newest = read(`${topic}-0@${offset}`, value) ?? newest;
        return assigned.length > 0 || newest !== before;
      },
      close: async () => consumer.close(),
    };
  }

  /** What is no policy is nobody's, and no reason to stop. */
  function read(place: string, value: Uint8Array): Policy | undefined {
    try {
      return policySchema.parse(JSON.parse(Buffer.from(value).toString())) as Policy;
    } catch {
      warn(`message ${place}; it is no policy of this version of Riffle; leave the topic to the controller`);
      return undefined;
    }
  }

  /** Why this process cannot decide by a policy, whenever that would show. */
  function lack(policy: Policy): string | undefined {
    const prepared = new Set(outputTopics(own));
    const outputs = outputTopics(policy).filter((name) => !prepared.has(name));
    if (outputs.length > 0) return `it writes to ${outputs.join(', ')}`;
    const asked = [...policy.gates, ...policy.quality].map(({ scorer }) => scorer);
    const unknown = asked.filter((scorer) => !scorers.includes(scorer));
    return unknown.length > 0 ? `it looks at ${unknown.join(', ')}` : undefined;
  }

  const refusal = (policy: Policy, why: string): string =>
    `policy ${policyName(policy)} on ${topic}; ${why}, which ${policyName(own)} of this process does not know; start it with the configuration that the controller has`;

  return {
    async first() {
      const versions = await reader();
      for (let waited = false; !signal.aborted; waited = true) {
        while (await versions.take(0));
        const why = newest && lack(newest);
        if (newest !== undefined && why === undefined) return newest;
        // Its successor may be on its way: an upgrade that began with this process.
        const isBehind = newest?.name === own.name && newest.version < own.version;
        if (newest !== undefined && !isBehind) throw new ConfigError('policy-differs', refusal(newest, why!));
        const there = newest === undefined ? 'no policy' : `only ${policyName(newest)}`;
        if (!waited) note(`${there} on ${topic} yet; waiting for the controller`);
        while (!signal.aborted && !(await versions.take(WAIT_MS)));
      }
      // Stopped before there was one: nothing will be decided.
      return own;
    },
    async follow(use) {
      const versions = await reader();
      let used = JSON.stringify(newest);
      while (!signal.aborted) {
        await versions.take(WAIT_MS);
        const found = JSON.stringify(newest);
        if (newest === undefined || found === used) continue;
        used = found;
        const why = lack(newest);
        if (why === undefined) use(newest);
        else warn(`${refusal(newest, why)}; until then it decides by the one before`);
      }
      await versions.close();
    },
  };
}
