import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import path from 'node:path';

/** Where distributions, package managers and macOS put their JDKs. */
const folders = [
  '/usr/lib/jvm/*/bin/java',
  '/usr/java/*/bin/java',
  '/opt/java/*/bin/java',
  '/opt/*jdk*/bin/java',
  '/Library/Java/JavaVirtualMachines/*/Contents/Home/bin/java',
];

/** The first Java of at least this version: JAVA_HOME, the one on the path, then the usual folders. @throws Error that names the remedy. */
export function findJava(atLeast: number): string {
  const home = process.env.JAVA_HOME;
  const candidates = [...(home ? [path.join(home, 'bin/java')] : []), 'java', ...globSync(folders).sort().toReversed()];
  const found: string[] = [];
  for (const java of candidates) {
    const version = versionOf(java);
    if (version !== undefined && version >= atLeast) return java;
    if (version !== undefined) found.push(`${java} is ${version}`);
  }
  const actual = found.length === 0 ? 'none was found' : found.join(', ');
  throw new Error(
    `Java ${atLeast} or newer; ${actual}; install one (openjdk-${atLeast}-jre-headless), or set JAVA_HOME`,
  );
}

/** `openjdk version "21.0.2"` → 21, `java version "1.8.0_402"` → 1. */
function versionOf(java: string): number | undefined {
  const { stderr, status } = spawnSync(java, ['-version'], { encoding: 'utf8' });
  if (status !== 0) return undefined;
  const major = /version "(\d+)/.exec(stderr)?.[1];
  return major === undefined ? undefined : Number(major);
}
