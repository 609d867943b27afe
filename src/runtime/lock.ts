/** One process at a time on one state. */
import { closeSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import path from 'node:path';
import { ConfigError } from '../errors.ts';

/** Takes the lock; the result gives it back. A lock whose process is gone is taken over. @throws ConfigError when somebody holds it. */
export function lockState(directory: string): () => void {
  const file = path.join(directory, 'lock');
  for (let attempt = 0; ; attempt++) {
    try {
      const descriptor = openSync(file, 'wx');
      writeSync(descriptor, JSON.stringify({ pid: process.pid, started: startTime(process.pid) }));
      closeSync(descriptor);
      return () => unlinkSync(file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = readHolder(file);
    if (holder !== undefined && isAlive(holder)) {
      throw new ConfigError(
        'locked',
        `state ${directory}; process ${holder.pid} is using it; wait for it or stop it, or choose another --output`,
      );
    }
    if (attempt === 3)
      throw new ConfigError(
        'locked',
        `state ${directory}; its lock cannot be taken; remove ${file} when no other Riffle uses it`,
      );
    try {
      unlinkSync(file);
    } catch {
      // Somebody else was faster: the next attempt sees whose it is.
    }
  }
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
