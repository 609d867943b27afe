/**
 * `npm run kafka:start [-- --nodes 3] [-- --port 19092] [-- --secure]`, `npm run kafka:stop`, `… status`, `… wipe`. The brokers keep running, and
 * their data stays between starts until it is wiped.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startKafka } from './broker.ts';
import { NoBroker } from './jars.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    nodes: { type: 'string', default: '1' },
    port: { type: 'string', default: '19092' },
    directory: { type: 'string' },
    secure: { type: 'boolean', default: false },
    fast: { type: 'boolean', default: false },
  },
});
const [action = 'start'] = positionals;
const directory = values.directory ?? path.join(tmpdir(), `riffle-kafka-${values.port}`);

const actions: Readonly<Record<string, () => Promise<void>>> = {
  async start() {
    const running = runningNodes();
    if (running.length > 0) return say(`already running: process ${running.join(', ')}; npm run kafka:stop ends it`);
    const nodes = values.nodes === '3' ? 3 : 1;
    // The number of nodes is in what a node keeps: another number needs another beginning.
    const before = readIfThere(path.join(directory, 'nodes'));
    if (before !== undefined && before !== String(nodes)) rmSync(directory, { recursive: true, force: true });
    const started = performance.now();
    const { brokers, secure } = await startKafka({
      nodes,
      port: Number(values.port),
      directory,
      detached: true,
      secure: values.secure,
      fast: values.fast,
    });
    writeFileSync(path.join(directory, 'nodes'), String(nodes));
    say(`ready after ${((performance.now() - started) / 1000).toFixed(1)} s: ${brokers.join(',')}`);
    if (secure)
      say(
        `TLS ${secure.tls}, SASL ${secure.sasl}, both ${secure.saslTls}; certificate ${path.join(directory, 'broker.pem')}`,
      );
    // Children hold the loop open through nothing, but their exit listeners need not be waited for.
    process.exit(0);
  },
  async stop() {
    const pids = runningNodes();
    if (pids.length === 0) return say('not running');
    for (const pid of pids) process.kill(pid, 'SIGTERM');
    for (let waitedMs = 0; runningNodes().length > 0; waitedMs += 100) {
      if (waitedMs > 30_000) for (const pid of runningNodes()) process.kill(pid, 'SIGKILL');
      await sleep(100);
    }
    say('stopped');
  },
  async status() {
    const pids = runningNodes();
    say(pids.length === 0 ? 'not running' : `running: process ${pids.join(', ')}`);
  },
  async wipe() {
    await actions['stop']?.();
    rmSync(directory, { recursive: true, force: true });
    say(`removed ${directory}`);
  },
};

/** Processes of nodes in `directory`; a number that belongs to another program by now does not count. */
function runningNodes(): number[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => name.startsWith('node-'))
    .map((name) => Number(readIfThere(path.join(directory, name, 'pid')) ?? 0))
    .filter((pid) => pid > 0 && (readIfThere(`/proc/${pid}/cmdline`) ?? '').includes(directory));
}

function readIfThere(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

const run = actions[action];
if (run === undefined) {
  process.stderr.write(`${action}; there is no such action; choose start, stop, status or wipe\n`);
  process.exitCode = 2;
} else {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof NoBroker)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
