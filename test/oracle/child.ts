/**
 * Some stages of the line in a process of its own, as `riffle run --stages` starts them, with requests to the brokers that are lost, answered into
 * the void or held back. The one argument is a JSON object.
 */
import { loadTopology } from '../../src/cli/load-topology.ts';
import { kafkaOptions } from '../../src/cli/kafka.ts';
import { RiffleError } from '../../src/errors.ts';
import { openKafkaLog } from '../../src/log/kafka/log.ts';
import type { CrashPoint, ProtocolRule } from '../../src/runtime/context.ts';
import { topicNames } from '../../src/runtime/topics.ts';
import { type ProcessStage, runStream } from '../../src/stages/stream.ts';
import { random } from '../crash/documents.ts';
import { createFaults, type Fault } from '../kafka/faults.ts';

export interface ChildOrder {
  readonly stages: readonly ProcessStage[];
  readonly set: readonly string[];
  readonly state: string;
  readonly partitions: number;
  readonly seed: number;
  /** Share of requests that are hit. */
  readonly faultRate: number;
  /** Negative controls. */
  readonly omit?: readonly ProtocolRule[];
  /** Dies by SIGKILL when the point is passed for the n-th time. */
  readonly crash?: { readonly point: CrashPoint; readonly nth: number };
  /** Offsets of partition 0 that this attempt gives up, as the watchdog would. */
  readonly poison?: readonly number[];
}

const order = JSON.parse(process.argv[2]!) as ChildOrder;
const next = random(order.seed);
const faults = createFaults();
const stop = new AbortController();
process.on('SIGTERM', () => stop.abort());
process.on('exit', () => {
  const hits = [...faults.hits.values()].reduce((sum, n) => sum + n, 0);
  process.stderr.write(`${hits} requests were hit\n`);
});
let passed = 0;

function planned(): Fault {
  if (next() >= order.faultRate) return undefined;
  const kind = next();
  if (kind < 0.35) return 'drop';
  if (kind < 0.7) return 'no-reply';
  return new Promise((resolve) => setTimeout(resolve, 100 + 2900 * next()).unref());
}

try {
  const loaded = await loadTopology('dedup', { set: order.set });
  const { config } = loaded;
  const warn = (line: string) => process.stderr.write(`${line}\n`);
  const log = await openKafkaLog({
    ...kafkaOptions(config, { variable: () => undefined, warn }),
    socketFactory: faults.socketFactory,
  });
  await runStream({
    ...loaded,
    log,
    topics: topicNames(config.app, config.topics),
    partitions: order.partitions,
    stages: new Set(order.stages),
    stateDirectory: order.state,
    workers: 1,
    faults: {
      omit: new Set(order.omit),
      at(point) {
        if (point === order.crash?.point && ++passed === order.crash.nth) process.kill(process.pid, 'SIGKILL');
      },
      poison: (order.poison ?? []).map((offset) => ({
        partition: 0,
        offset: BigInt(offset),
        code: 'sift.timeout',
        message: 'given up by the test',
      })),
      repairMs: 1000,
    },
    signal: stop.signal,
    observer: {},
    note: warn,
    warn,
    ready() {
      faults.plan(planned);
      process.stdout.write('ready\n');
    },
  });
} catch (error) {
  if (stop.signal.aborted) process.exit(0);
  process.stderr.write(
    error instanceof RiffleError ? `${error.code}: ${error.message}\n` : `${String((error as Error).stack)}\n`,
  );
  process.exitCode = 1;
}
