/** Apache Kafka from Maven Central, fetched once by package name through `mvn` and kept in a cache folder; each file is checked against its SHA-512. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

const here = import.meta.dirname;
const PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies';
const COMPLETE = '.complete';

/** `RIFFLE_CACHE`, else `riffle` in the user's cache folder. */
export function cacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const base = environment['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache');
  return path.resolve(environment['RIFFLE_CACHE'] ?? path.join(base, 'riffle'));
}

/** Why a broker cannot be had on this machine: a person can change that, a test skips. */
export class NoBroker extends Error {
  override name = 'NoBroker';
}

/** @returns the folder of the jars. @throws NoBroker without Java, or without jars and Maven */
export function fetchJars(folder: string = cacheFolder()): string {
  requireCommand('java', ['-version'], 'Java 17 or newer runs the broker; install a JRE');
  const manifest = readFileSync(path.join(here, 'jars.sha512'), 'utf8');
  const name = `kafka-${createHash('sha256').update(manifest).digest('hex').slice(0, 12)}`;
  const jars = path.join(folder, name);
  if (existsSync(path.join(jars, COMPLETE))) return jars;
  requireCommand(
    'mvn',
    ['-version'],
    `Maven fetches the broker; install it, or put the files of jars.sha512 into ${jars}`,
  );
  mkdirSync(folder, { recursive: true });
  const fresh = mkdtempSync(path.join(folder, 'fetching-'));
  try {
    execFileSync(
      'mvn',
      ['-B', '-q', '-f', path.join(here, 'pom.xml'), PLUGIN, '-DincludeScope=runtime', `-DoutputDirectory=${fresh}`],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    const { stdout, stderr } = error as { stdout?: Buffer; stderr?: Buffer };
    const said = `${stdout?.toString() ?? ''}${stderr?.toString() ?? ''}`.trim().split('\n').slice(0, 5).join('\n');
    throw new NoBroker(`Maven could not fetch the broker; it says: ${said}`, { cause: error });
  }
  requireSame(fresh, manifest);
  writeFileSync(path.join(fresh, COMPLETE), '');
  try {
    renameSync(fresh, jars);
  } catch {
    // Another process was faster.
    rmSync(fresh, { recursive: true, force: true });
  }
  return jars;
}

function requireSame(folder: string, manifest: string): void {
  for (const line of manifest.trim().split('\n')) {
    const [expected = '', file = ''] = line.split(/\s+/);
    const full = path.join(folder, file);
    const actual = existsSync(full) ? createHash('sha512').update(readFileSync(full)).digest('hex') : 'no file';
    if (actual !== expected) {
      rmSync(folder, { recursive: true, force: true });
      throw new Error(`${file}; SHA-512 ${actual}; expected ${expected}: do not use what was fetched`);
    }
  }
}

function requireCommand(command: string, args: readonly string[], remedy: string): void {
  try {
    execFileSync(command, [...args], { stdio: 'ignore' });
  } catch (cause) {
    throw new NoBroker(`${command}; it does not run here; ${remedy}`, { cause });
  }
}
