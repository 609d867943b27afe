/** One process at a time on one state. */
import { linkSync, mkdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ConfigError } from '../errors.ts';

/** Takes the lock, in a folder that is made when it is not there; the result gives it back. A lock whose process is gone is taken over. @throws ConfigError when somebody holds it. */
export function lockState(directory: string): () => void {
  const file = path.join(directory, 'lock');
  // Written whole before it gets its name: nobody ever reads a lock without a holder.
  const own = `${file}.${process.pid}`;
  try {
    mkdirSync(directory, { recursive: true });
    writeFileSync(own, JSON.stringify({ pid: process.pid, started: startTime(process.pid) }));
  } catch (cause) {
    throw new ConfigError(
      'state-unwritable',
      `state folder ${directory}; it cannot be written (${(cause as Error).message}); choose another --output or --state`,
      { cause },
    );
  }
  try {
    for (let attempt = 0; attempt < 3; attempt++) {
      if (linked(own, file)) return () => unlinkSync(file);
      const holder = readHolder(file);
      if (holder !== undefined && isAlive(holder)) throw held(directory, holder);
      takeAway(file, `${own}.stale`);
    }
  } finally {
    unlinkSync(own);
  }
  throw new ConfigError(
    'locked',
    `state ${directory}; its lock cannot be taken; remove ${file} when no other Riffle uses it`,
  );
}

const held = (directory: string, { pid }: Holder) =>
  new ConfigError(
    'locked',
    `state ${directory}; process ${pid} is using it; wait for it or stop it, or choose another --output`,
  );

/** Like a rename that never replaces. */
function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Removes the lock of a process that is gone; one that somebody took in the meantime is given back. */
function takeAway(file: string, aside: string): void {
  try {
    renameSync(file, aside);
  } catch {
    // Somebody else was faster: the next attempt sees whose it is.
    return;
  }
  const holder = readHolder(aside);
  if (holder !== undefined && isAlive(holder)) linked(aside, file);
  unlinkSync(aside);
}

interface Holder {
  readonly pid: number;
  readonly started: string;
}

function readHolder(file: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Holder;
  } catch {
    return undefined;
  }
}

function isAlive({ pid, started }: Holder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  // The number may belong to another process by now.
  return started === '' || startTime(pid) === started;
}

/** Start time of a process where the system tells it (Linux), else empty. */
function startTime(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
