import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { Readable } from 'node:stream';

export interface Sample {
  readonly seconds: number;
  readonly bytes: number;
}

export interface Spent {
  readonly status: number;
  readonly stdout: string;
  /** The last 2,000 characters. */
  readonly stderr: string;
  readonly seconds: number;
  /** User and system time of the program and of every descendant that it waited for. */
  readonly cpuSeconds: number;
  /** Resident memory of the whole tree over time; empty where there is no /proc. */
  readonly memory: readonly Sample[];
}

/** Field 24 of /proc/<pid>/stat counts pages of this size, on every machine that Node 24 runs on but some with Arm. */
const PAGE_BYTES = 4096;

/**
 * Runs a program and measures it from outside, start included. The shell's `times` gives the CPU seconds of all that it waited for, to 10 ms or
 * better: Node itself does not tell them of a child.
 */
export async function measure(
  command: readonly string[],
  { sampleMs = 500, env = {} }: { sampleMs?: number; env?: Record<string, string> } = {},
): Promise<Spent> {
  const started = performance.now();
  const child = spawn('sh', ['-c', '"$@"; status=$?; times >&3; exit $status', 'sh', ...command], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  const memory: Sample[] = [];
  const sampler = setInterval(() => {
    const bytes = treeBytes(child.pid!);
    if (bytes > 0) memory.push({ seconds: (performance.now() - started) / 1000, bytes });
  }, sampleMs);
  const [stdout, stderr, times] = [collect(child.stdout), collect(child.stderr), collect(child.stdio[3])];
  const status = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  }).finally(() => clearInterval(sampler));
  return {
    status,
    stdout: stdout(),
    stderr: stderr().slice(-2000),
    seconds: (performance.now() - started) / 1000,
    cpuSeconds: childSeconds(times()),
    memory,
  };
}

function collect(stream: unknown): () => string {
  const parts: Buffer[] = [];
  if (stream instanceof Readable) stream.on('data', (part: Buffer) => parts.push(part));
  return () => Buffer.concat(parts).toString();
}

/** The second line of `times` is the children's user and system time: `0m1.250000s 0m0.030000s`. */
function childSeconds(times: string): number {
  const found = [...(times.split('\n')[1] ?? '').matchAll(/(\d+)m([\d.]+)s/g)];
  if (found.length !== 2) throw new Error(`times of the shell; "${times}"; expected two lines of two times`);
  return found.reduce((sum, [, minutes, seconds]) => sum + 60 * Number(minutes) + Number(seconds), 0);
}

function treeBytes(root: number): number {
  if (!existsSync('/proc/self/stat')) return 0;
  const children = new Map<number, number[]>();
  const resident = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      // The name of the program, in parentheses, may hold anything.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const parent = Number(fields[1]);
      const siblings = children.get(parent);
      if (siblings) siblings.push(Number(name));
      else children.set(parent, [Number(name)]);
      resident.set(Number(name), Number(fields[21]) * PAGE_BYTES);
    } catch {
      // It has ended meanwhile.
    }
  }
  let bytes = 0;
  for (const todo = [root]; todo.length > 0; ) {
    const pid = todo.pop()!;
    bytes += resident.get(pid) ?? 0;
    todo.push(...(children.get(pid) ?? []));
  }
  return bytes;
}

export const peakBytes = (memory: readonly Sample[]): number => Math.max(0, ...memory.map(({ bytes }) => bytes));
