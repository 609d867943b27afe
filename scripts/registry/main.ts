/** `npm run registry:start [-- --port N]`, `npm run registry:stop`: one registry for the user, with schemas kept under the cache folder. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startRegistry } from './registry.ts';

const folder = path.join(process.env.XDG_CACHE_HOME ?? path.join(homedir(), '.cache'), 'riffle', 'registry');
const note = path.join(folder, 'running.json');

interface Note {
  readonly pid: number;
  readonly url: string;
}

/** The one that was started here, if it still runs. */
function running(): Note | undefined {
  if (!existsSync(note)) return undefined;
  const noted = JSON.parse(readFileSync(note, 'utf8')) as Note;
  try {
    process.kill(noted.pid, 0);
    return noted;
  } catch {
    return undefined;
  }
}

async function start(port: number): Promise<string> {
  const already = running();
  if (already !== undefined) return `registry runs on ${already.url}`;
  mkdirSync(folder, { recursive: true });
  const { url, pid } = await startRegistry({ port, directory: folder, detached: true });
  writeFileSync(note, JSON.stringify({ pid, url }));
  return `registry runs on ${url}; use it with --set registry.url=${url}`;
}

async function stop(): Promise<string> {
  const noted = running();
  if (noted === undefined) return 'no registry runs';
  process.kill(noted.pid, 'SIGTERM');
  while (running() !== undefined) await wait(50);
  rmSync(note, { force: true });
  return 'registry stopped';
}

const { positionals, values } = parseArgs({ allowPositionals: true, options: { port: { type: 'string' } } });
try {
  const [order] = positionals;
  if (order !== 'start' && order !== 'stop') throw new Error('start or stop; neither was given; say which');
  console.log(order === 'start' ? await start(Number(values.port ?? 18081)) : await stop());
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
