/** What is done to a line and its brokers while it works, drawn from a seed. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kafka } from '../../scripts/kafka/broker.ts';
import type { ProcessStage } from '../../src/stages/stream.ts';
import type { Line, Slot } from './line.ts';

const WORKING: readonly ProcessStage[] = ['sift', 'index', 'curate'];
/** Most processes of a stage. */
const MOST = 3;

export interface Chaos {
  readonly actions: Record<string, number>;
}

export interface ChaosOptions {
  readonly next: () => number;
  readonly seconds: number;
  /** Suspended for longer than this, a process has lost its partitions. */
  readonly sessionMs: number;
}

/** Resolves when the time is up, every broker is back and no process is suspended. */
export async function makeChaos(line: Line, kafka: Kafka, { next, seconds, sessionMs }: ChaosOptions): Promise<Chaos> {
  const actions: Record<string, number> = {};
  const until = performance.now() + 1000 * seconds;
  const pending = new Set<Promise<void>>();
  let brokerBusy = false;

  function count(action: string): void {
    actions[action] = (actions[action] ?? 0) + 1;
  }
  function later(work: Promise<void>): void {
    pending.add(work);
    void work.finally(() => pending.delete(work));
  }
  const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(next() * list.length)];
  const alive = (): Slot[] => line.slots.filter(({ child, suspended, removed }) => child && !suspended && !removed);

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
    // It has to be in sync again before the next one goes: two of three must hold every record.
    await sleep(5000);
    brokerBusy = false;
  }

  while (performance.now() < until) {
    await sleep(300 + 1500 * next());
    const action = next();
    const slot = pick(alive());
    if (slot === undefined) continue;
    if (action < 0.4) {
      count(`kill ${slot.stage}`);
      line.kill(slot);
    } else if (action < 0.58) {
      count(`suspend ${slot.stage}`);
      later(suspend(slot));
    } else if (action < 0.7) {
      const stage = pick(WORKING)!;
      if (alive().filter((other) => other.stage === stage).length >= MOST) continue;
      count(`add ${stage}`);
      line.start(stage);
    } else if (action < 0.82) {
      if (alive().filter((other) => other.stage === slot.stage).length < 2) continue;
      count(`remove ${slot.stage}`);
      line.remove(slot);
    } else if (!brokerBusy) {
      count('restart broker');
      later(restartBroker());
    }
  }
  await Promise.all(pending);
  return { actions };
}
