/** Apicurio Registry as Maven brings it: from wherever Maven's own configuration says, once, and only with the digest below. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';

export const VERSION = '3.3.3';
const ARTIFACT = `io.apicurio:apicurio-registry-app:${VERSION}:tar.gz:all`;
const ARCHIVE = `apicurio-registry-app-${VERSION}-all.tar.gz`;
const SHA256 = '8bc6751c76d963734224b01d5e7f84ccb3cb61c87d3bd77c36c35f10a5cbed63';
const COPY = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy';

const cache = (): string => path.join(process.env.XDG_CACHE_HOME ?? path.join(homedir(), '.cache'), 'riffle');

/** The folder with `quarkus-run.jar`; 159 MB are fetched the first time. @throws Error that names the remedy. */
export async function installRegistry(): Promise<string> {
  const folder = path.join(cache(), `apicurio-${VERSION}`);
  const complete = path.join(folder, '.complete');
  if (existsSync(complete)) return folder;
  mkdirSync(cache(), { recursive: true });
  const fresh = mkdtempSync(path.join(cache(), 'apicurio-'));
  try {
    fetchArchive(fresh);
    const archive = path.join(fresh, ARCHIVE);
    const digest = await sha256(archive);
    if (digest !== SHA256)
      throw new Error(`${ARCHIVE}; SHA-256 is ${digest}, not ${SHA256}; remove it from the Maven repository`);
    const app = path.join(fresh, 'app');
    mkdirSync(app);
    const tar = spawnSync('tar', ['xzf', archive, '-C', app], { encoding: 'utf8' });
    if (tar.status !== 0)
      throw new Error(`${ARCHIVE}; tar could not unpack it (${tar.stderr.slice(0, 200)}); free some disk`);
    // Two processes may be here at once: the first one's folder stays.
    if (!existsSync(complete)) {
      rmSync(folder, { recursive: true, force: true });
      renameSync(app, folder);
      writeFileSync(complete, '');
    }
    return folder;
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

function fetchArchive(into: string): void {
  const order = ['-B', '-q', COPY, `-Dartifact=${ARTIFACT}`, `-DoutputDirectory=${into}`];
  const { status, error, stdout } = spawnSync('mvn', order, { encoding: 'utf8' });
  if (error !== undefined)
    throw new Error(`mvn; it cannot be run (${error.message}); install Maven 3.8 or newer, which fetches the registry`);
  if (status !== 0)
    throw new Error(
      `mvn; it could not fetch ${ARTIFACT} (${stdout.slice(0, 400)}); check the network and Maven's settings.xml`,
    );
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
