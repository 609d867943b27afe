/** The processes of a line: started, killed, suspended, ended and replaced. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import module from 'node:module';
import path from 'node:path';
import type { ProcessStage } from '../../src/stages/stream.ts';
import type { ChildOrder } from './child.ts';

export interface Slot {
  readonly name: string;
  readonly stage: ProcessStage;
  child: ChildProcess | undefined;
  suspended: boolean;
  /** Not to be started again. */
  removed: boolean;
}

export interface Line {
  readonly slots: readonly Slot[];
  start(stage: ProcessStage): Slot;
  kill(slot: Slot): void;
  suspend(slot: Slot): void;
  resume(slot: Slot): void;
  /** Asks it to drain and end. */
  remove(slot: Slot): void;
  /** Ends of processes by an error of their own, with what they said. */
  readonly errors: readonly string[];
  /** Requests to the brokers that were hit, as far as those said so that ended in peace. */
  readonly hits: () => number;
  stop(): Promise<void>;
}

/** A process that ended is started again after this, as an orchestrator would. */
const RESTART_MS = 300;

export function createLine(order: Omit<ChildOrder, 'stages' | 'state' | 'seed'>, folder: string, seed: number): Line {
  // Dozens of starts a run: compiling is not what is tried here.
  module.enableCompileCache();
  const compiled = process.env.NODE_COMPILE_CACHE ?? module.getCompileCacheDir();
  const slots: Slot[] = [];
  const errors: string[] = [];
  let stopping = false;
  let hits = 0;
  let generation = 0;

  function launch(slot: Slot): void {
    const state = path.join(folder, slot.name);
    mkdirSync(state, { recursive: true });
    const own: ChildOrder = { ...order, stages: [slot.stage], state, seed: seed * 1000 + generation++ };
    const child = spawn(process.execPath, [path.join(import.meta.dirname, 'child.ts'), JSON.stringify(own)], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, NODE_COMPILE_CACHE: compiled },
    });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4000)));
    slot.child = child;
    slot.suspended = false;
    child.on('close', (code, signal) => {
      slot.child = undefined;
      hits += Number(/^(\d+) requests were hit$/m.exec(said)?.[1] ?? 0);
      if (code !== 0 && signal === null && !stopping) errors.push(`${slot.name}: exit ${code}\n${said}`);
      if (!stopping && !slot.removed) setTimeout(() => !stopping && !slot.removed && launch(slot), RESTART_MS);
    });
  }

  return {
    slots,
    errors,
    hits: () => hits,
    start(stage) {
      const slot = { name: `${stage}-${slots.length}`, stage, child: undefined, suspended: false, removed: false };
      slots.push(slot);
      launch(slot);
      return slot;
    },
    kill: (slot) => void slot.child?.kill('SIGKILL'),
    suspend(slot) {
      slot.suspended = slot.child?.kill('SIGSTOP') === true;
    },
    resume(slot) {
      slot.child?.kill('SIGCONT');
      slot.suspended = false;
    },
    remove(slot) {
      slot.removed = true;
      slot.child?.kill('SIGTERM');
    },
    async stop() {
      stopping = true;
      const ended = slots.flatMap(({ child }) =>
        child === undefined ? [] : [new Promise((resolve) => child.on('close', resolve))],
      );
      for (const { child } of slots) {
        child?.kill('SIGCONT');
        child?.kill('SIGTERM');
      }
      const late = setTimeout(() => {
        for (const { child } of slots) child?.kill('SIGKILL');
      }, 10_000);
      await Promise.all(ended);
      clearTimeout(late);
    },
  };
}
