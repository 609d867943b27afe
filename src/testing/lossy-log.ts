/** A log that acknowledges some messages and drops them, as a broker may after an unclean election: for tests of repair. */
import { setImmediate } from 'node:timers/promises';
import type { Log, OutMessage } from '../log/port.ts';

export interface Append {
  readonly topic: string;
  readonly partition: number;
  readonly messages: readonly OutMessage[];
  /** How many appends to this partition came before, in this process. */
  readonly nth: number;
}

/** `drop` says which appends are acknowledged and gone. Commits of leases are left alone. */
export function lossyLog<L extends Log>(log: L, drop: (append: Append) => boolean): L {
  const counts = new Map<string, number>();
  return {
    ...log,
    producer() {
      const producer = log.producer();
      return {
        async append(topic, partition, messages) {
          const key = `${topic}-${partition}`;
          const nth = counts.get(key) ?? 0;
          counts.set(key, nth + 1);
          if (!drop({ topic, partition, messages, nth })) return producer.append(topic, partition, messages);
          await setImmediate();
          return 0n;
        },
      };
    },
  };
}
