/** A schema registry on this machine for tests and for trying things out: Apicurio, whose API for Confluent's clients is used. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { freePorts } from '../free-ports.ts';
import { installRegistry } from './install.ts';
import { findJava } from './java.ts';

export interface RegistryOptions {
  /** Loopback port; a free one is taken without it. */
  readonly port?: number;
  /** Where schemas are kept from one start to the next; a folder that is removed at the stop without it. */
  readonly directory?: string;
  /** Leaves the process running when this one ends. */
  readonly detached?: boolean;
}

export interface RunningRegistry {
  /** Address of its Confluent API. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Resolves when it is gone. */
  stop(): Promise<void>;
}

const READY_WITHIN_MS = 300_000;

/** Resolves when it answers. @throws Error that names the remedy when Maven or Java 21 are missing, or it does not start. */
export async function startRegistry({
  port,
  directory,
  detached = false,
}: RegistryOptions = {}): Promise<RunningRegistry> {
  const java = findJava(21);
  const app = await installRegistry();
  const own = directory === undefined;
  const folder = directory ?? mkdtempSync(path.join(tmpdir(), 'riffle-registry-'));
  mkdirSync(folder, { recursive: true });
  const [free = 0, management = 0] = await freePorts(2);
  const http = port ?? free;
  const url = `http://127.0.0.1:${http}/apis/ccompat/v7`;
  const log = path.join(folder, 'log');
  const output = openSync(log, 'w');
  const child = spawn(java, [...options(app, folder, http, management), '-jar', path.join(app, 'quarkus-run.jar')], {
    cwd: folder,
    stdio: ['ignore', output, output],
    detached,
  });
  closeSync(output);
  if (detached) child.unref();
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.on('error', () => undefined); // seen by `ready`: there is no process then
  const stop = async () => {
    child.kill('SIGTERM');
    await gone;
    if (own) rmSync(folder, { recursive: true, force: true });
  };
  try {
    await ready(url, child, log);
  } catch (error) {
    if (child.pid !== undefined) await stop();
    throw error;
  }
  return { url, port: http, pid: child.pid!, stop };
}

/** Small, quick to start, and nothing listens beyond loopback: by default the management port does. */
function options(app: string, folder: string, port: number, managementPort: number): string[] {
  return [
    '-Xmx256m',
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    '-XX:+AutoCreateSharedArchive',
    `-XX:SharedArchiveFile=${path.join(app, 'classes.jsa')}`,
    '-Dquarkus.http.host=127.0.0.1',
    `-Dquarkus.http.port=${port}`,
    '-Dquarkus.management.host=127.0.0.1',
    `-Dquarkus.management.port=${managementPort}`,
    '-Dquarkus.log.console.json=false',
    `-Dapicurio.datasource.url=jdbc:h2:file:${path.join(folder, 'schemas')}`,
  ];
}

async function ready(url: string, child: ChildProcess, log: string): Promise<void> {
  const until = performance.now() + READY_WITHIN_MS;
  while (child.pid !== undefined && child.exitCode === null && performance.now() < until) {
    const answer = await fetch(`${url}/subjects`).catch(() => undefined);
    if (answer?.ok) return;
    await wait(100);
  }
  const end = readFileSync(log, 'utf8').split('\n').slice(-12).join('\n');
  throw new Error(`registry; it did not start (its log is ${log}); it said:\n${end}`);
}
