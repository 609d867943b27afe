/** Brokers for tests and for trying Riffle out: Apache Kafka in KRaft mode on loopback, one node or three, up in about two seconds. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  cpSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from '../free-ports.ts';
import { fetchJars } from './jars.ts';
import { type NodePlace, serverProperties } from './properties.ts';
import { makeCertificate, SCRAM_ARGUMENTS, type Secure, type SecurePorts, secureListeners } from './secure.ts';

export interface KafkaOptions {
  readonly nodes?: 1 | 3;
  /** Of the first node; node n listens 10 above the one before, its controller one above that. Free ports when left out. */
  readonly port?: number;
  /** More lines of server.properties. */
  readonly props?: Readonly<Record<string, string>>;
  /** Kept when the brokers stop; a temporary folder, removed, when left out. */
  readonly directory?: string;
  /** Also listeners for TLS and SASL (one node only). */
  readonly secure?: boolean;
  /** Goes on living when this process ends. */
  readonly detached?: boolean;
  /** All optimisations of the JVM, for benchmarks: it starts slower. */
  readonly fast?: boolean;
}

export interface KafkaNode {
  readonly port: number;
  readonly pid: number | undefined;
  kill9(): Promise<void>;
  /** Suspends the process, and lets it go on. */
  pause(): void;
  resume(): void;
  stop(): Promise<void>;
  /** Resolves when it is ready. */
  start(): Promise<void>;
}

export interface Kafka {
  readonly brokers: readonly string[];
  readonly nodes: readonly KafkaNode[];
  readonly directory: string;
  readonly secure:
    | { readonly tls: string; readonly sasl: string; readonly saslTls: string; readonly certificate: string }
    | undefined;
  /** Ends every node, and removes the folder if it was a temporary one. */
  stop(): Promise<void>;
}

const CLUSTER_ID = 'cmlmZmxlLXRlc3QtYnJva2Vy';
const READY = 'Kafka Server started';
const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const READY_MS = 300_000;
const STOP_MS = 30_000;

/** Starts brokers and waits until they are ready. @throws NoBroker when this machine has none */
export async function startKafka(options: KafkaOptions = {}): Promise<Kafka> {
  const jars = fetchJars();
  const directory = options.directory ?? mkdtempSync(path.join(tmpdir(), 'riffle-kafka-'));
  mkdirSync(directory, { recursive: true });
  const places = await placesOf(options, directory);
  let secure: (Secure & { ports: SecurePorts; certificate: string }) | undefined;
  if (options.secure === true) {
    const [tls = 0, sasl = 0, saslTls = 0] = await freePorts(3);
    const ports = { tls, sasl, saslTls };
    secure = { ...secureListeners(directory, ports), ports, certificate: makeCertificate(directory) };
  }
  for (const place of places) {
    mkdirSync(place.directory, { recursive: true });
    writeFileSync(
      path.join(place.directory, 'server.properties'),
      serverProperties(place, places, secure, options.props ?? {}),
    );
    format(jars, place, secure ? SCRAM_ARGUMENTS : []);
  }
  const nodes = places.map((place) => createNode(jars, place, options));
  const kafka: Kafka = {
    brokers: places.map(({ port }) => `127.0.0.1:${port}`),
    nodes,
    directory,
    secure: secure && {
      tls: `127.0.0.1:${secure.ports.tls}`,
      sasl: `127.0.0.1:${secure.ports.sasl}`,
      saslTls: `127.0.0.1:${secure.ports.saslTls}`,
      certificate: secure.certificate,
    },
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()));
      if (options.directory === undefined) rmSync(directory, { recursive: true, force: true });
    },
  };
  try {
    await Promise.all(nodes.map((node) => node.start()));
  } catch (error) {
    await kafka.stop();
    throw error;
  }
  return kafka;
}

async function placesOf({ nodes = 1, port }: KafkaOptions, directory: string): Promise<NodePlace[]> {
  const ids = Array.from({ length: nodes }, (_, i) => i + 1);
  const free = port === undefined ? await freePorts(2 * nodes) : [];
  return ids.map((id, i) => ({
    id,
    port: port === undefined ? free[2 * i]! : port + 10 * i,
    controllerPort: port === undefined ? free[2 * i + 1]! : port + 10 * i + 1,
    directory: path.join(directory, `node-${id}`),
  }));
}

/** What a fresh storage folder holds depends on the node's number and credentials only: made once, by a JVM of its own, and copied from then on. */
function format(jars: string, { id, directory }: NodePlace, scram: readonly string[]): void {
  const data = path.join(directory, 'data');
  if (existsSync(path.join(data, 'meta.properties'))) return;
  const key = createHash('sha256')
    .update(`${id} ${scram.join(' ')}`)
    .digest('hex')
    .slice(0, 8);
  const template = path.join(jars, `format-${key}`);
  if (existsSync(template)) {
    cpSync(template, data, { recursive: true });
    return;
  }
  const properties = path.join(directory, 'server.properties');
  const tool = ['kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', properties, ...scram];
  execFileSync('java', [...jvmOptions(jars, 1), ...tool], { stdio: ['ignore', 'ignore', 'pipe'] });
  const copy = `${template}.${process.pid}`;
  cpSync(data, copy, { recursive: true });
  try {
    renameSync(copy, template);
  } catch {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** The first compiler only, unless asked otherwise: it starts in half the time and is ample for tests. */
function jvmOptions(jars: string, tier: 1 | 4): string[] {
  return [
    '-XX:+UseSerialGC',
    `-XX:TieredStopAtLevel=${tier}`,
    '-Xms128m',
    '-Xmx512m',
    '-Djava.awt.headless=true',
    '-Dorg.slf4j.simpleLogger.showDateTime=true',
    '-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS',
    '-cp',
    path.join(jars, '*'),
  ];
}

/** An archive of loaded classes, made when a broker first ends in peace, saves every later one half of its start. It fits one build of Java only. */
function archiveOf(jars: string): string {
  javaBuild ??= createHash('sha256')
    .update(spawnSync('java', ['-version']).stderr)
    .digest('hex')
    .slice(0, 8);
  return path.join(jars, `classes-${javaBuild}.jsa`);
}

let javaBuild: string | undefined;

function createNode(jars: string, place: NodePlace, { detached = false, fast = false }: KafkaOptions): KafkaNode {
  const logFile = path.join(place.directory, 'server.log');
  const pidFile = path.join(place.directory, 'pid');
  const newArchive = path.join(place.directory, 'new.jsa');
  let child: ChildProcess | undefined;
  let exited: Promise<void> = Promise.resolve();
  let archiving = false;

  const killAtExit = (): void => {
    child?.kill('SIGKILL');
  };
  /** A signal that ends this process runs no exit listeners. */
  const killAtSignal = (name: NodeJS.Signals): void => {
    killAtExit();
    process.off(name, killAtSignal);
    process.kill(process.pid, name);
  };

  function signal(name: NodeJS.Signals): boolean {
    return child?.kill(name) ?? false;
  }

  async function ready(): Promise<void> {
    const deadline = Date.now() + READY_MS;
    for (;;) {
      const log = readFileSync(logFile, 'utf8');
      if (log.includes(READY)) return;
      if (child === undefined || child.exitCode !== null || Date.now() > deadline)
        throw new Error(
          `node ${place.id} did not start; the end of ${logFile}:\n${log.split('\n').slice(-15).join('\n')}`,
        );
      await sleep(50);
    }
  }

  return {
    port: place.port,
    get pid() {
      return child?.pid;
    },
    async start() {
      if (child !== undefined) return;
      const archive = archiveOf(jars);
      // Left by a broker that another process ended.
      if (existsSync(newArchive)) keepArchive(newArchive, archive);
      archiving = !existsSync(archive) && !fast;
      const sharing = archiving ? `-XX:ArchiveClassesAtExit=${newArchive}` : `-XX:SharedArchiveFile=${archive}`;
      const log = openSync(logFile, 'w');
      const java = spawn(
        'java',
        [
          ...(fast ? [] : [sharing]),
          ...jvmOptions(jars, fast ? 4 : 1),
          'kafka.Kafka',
          path.join(place.directory, 'server.properties'),
        ],
        { cwd: place.directory, detached, stdio: ['ignore', log, log] },
      );
      child = java;
      exited = new Promise((resolve) => {
        java.once('exit', () => {
          if (child === java) child = undefined;
          process.off('exit', killAtExit);
          for (const name of ENDING) process.off(name, killAtSignal);
          resolve();
        });
      });
      if (detached) java.unref();
      else {
        process.on('exit', killAtExit);
        for (const name of ENDING) process.on(name, killAtSignal);
      }
      writeFileSync(pidFile, String(java.pid));
      await ready();
    },
    async kill9() {
      signal('SIGKILL');
      await exited;
    },
    pause: () => void signal('SIGSTOP'),
    resume: () => void signal('SIGCONT'),
    async stop() {
      // A broker of tests need not end in peace, but for the archive.
      signal(archiving ? 'SIGTERM' : 'SIGKILL');
      const late = new Promise<void>((resolve) => setTimeout(resolve, STOP_MS).unref());
      await Promise.race([exited, late]);
      signal('SIGKILL');
      if (archiving && existsSync(newArchive)) keepArchive(newArchive, archiveOf(jars));
    },
  };
}

function keepArchive(fresh: string, archive: string): void {
  try {
    if (!existsSync(archive)) renameSync(fresh, archive);
  } catch {
    // On another file system, or another process was faster: the next start makes one.
  }
}
