/** What is done to a line and its brokers while it works, drawn from a seed. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kafka } from '../../scripts/kafka/broker.ts';
import type { ProcessStage } from '../../src/stages/stream.ts';
import type { Line, Slot } from './line.ts';

const WORKING: readonly ProcessStage[] = ['sift', 'index', 'curate'];
/** Most processes of a stage. */
const MOST = 3;
/** What can happen, and the share of each. */
const KINDS = [
  ['kill', 0.4],
  ['suspend', 0.18],
  ['add', 0.12],
  ['remove', 0.12],
  ['restart', 0.18],
] as const;
type Kind = (typeof KINDS)[number][0];
/** A broker has to be in sync again before the next one goes: two of three must hold every record. */
const BROKER_REST_MS = 5000;

export interface Chaos {
  /** By kind and stage: how often. */
  readonly actions: Record<string, number>;
}

export interface ChaosOptions {
  readonly next: () => number;
  readonly seconds: number;
  /** Suspended for longer than this, a process has lost its partitions. */
  readonly sessionMs: number;
}

/** Each kind once, in an order of the seed's, then by chance. Resolves when the time is up, every broker is back and no process is suspended. */
export async function makeChaos(line: Line, kafka: Kafka, { next, seconds, sessionMs }: ChaosOptions): Promise<Chaos> {
  const actions: Record<string, number> = {};
  const until = performance.now() + 1000 * seconds;
  const pending = new Set<Promise<void>>();
  const due = new Set<Kind>(KINDS.map(([kind]) => kind));
  let brokerBusy = false;
  let brokersReadyMs = 0;

  function later(work: Promise<void>): void {
    pending.add(work);
    void work.finally(() => pending.delete(work));
  }
  const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(next() * list.length)];
  const alive = (): Slot[] => line.slots.filter(({ child, suspended, removed }) => child && !suspended && !removed);
  const aliveIn = (stage: ProcessStage): number => alive().filter((slot) => slot.stage === stage).length;

  async function suspend(slot: Slot): Promise<void> {
    line.suspend(slot);
    await sleep(sessionMs * (1.2 + next()));
    line.resume(slot);
  }

  async function restartBroker(): Promise<void> {
    brokerBusy = true;
    const node = pick(kafka.nodes)!;
    if (next() < 0.7) await node.kill9();
    else await node.stop();
    await sleep(500 + 2000 * next());
    await node.start();
    brokersReadyMs = performance.now() + BROKER_REST_MS;
    brokerBusy = false;
  }

  function draw(): Kind {
    let left = next();
    return KINDS.find(([, share]) => (left -= share) < 0)?.[0] ?? 'kill';
  }

  /** @returns what was done, and to what; undefined where it cannot be now */
  function act(kind: Kind): string | undefined {
    const slot = pick(alive());
    if (slot === undefined) return undefined;
    const { stage } = slot;
    switch (kind) {
      case 'kill':
        line.kill(slot);
        return `kill ${stage}`;
      case 'suspend':
        later(suspend(slot));
        return `suspend ${stage}`;
      case 'add': {
        const added = pick(WORKING)!;
        if (aliveIn(added) >= MOST) return undefined;
        line.start(added);
        return `add ${added}`;
      }
      case 'remove':
        if (aliveIn(stage) < 2) return undefined;
        line.remove(slot);
        return `remove ${stage}`;
      case 'restart':
        if (brokerBusy || performance.now() < brokersReadyMs) return undefined;
        later(restartBroker());
        return 'restart broker';
    }
  }

  while (performance.now() < until || due.size > 0) {
    await sleep(300 + 1500 * next());
    const kind = due.size > 0 ? pick([...due])! : draw();
    const done = act(kind);
    if (done === undefined) continue;
    due.delete(kind);
    actions[done] = (actions[done] ?? 0) + 1;
  }
  await Promise.all(pending);
  return { actions };
}
