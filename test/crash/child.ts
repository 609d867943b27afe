/**
 * The program under test, in a process of its own: `riffle run` with a place to die at and rules to leave out.
 * The one argument is a JSON object.
 */
import { loadTopology } from '../../src/cli/load-topology.ts';
import { run } from '../../src/cli/run.ts';
import { RiffleError } from '../../src/errors.ts';
import type { CrashPoint, Faults, ProtocolRule } from '../../src/runtime/context.ts';
import { lossyLog } from '../../src/testing/lossy-log.ts';
import { type Loss, losing } from './losses.ts';
import { silentTerminal } from '../../src/testing/terminal.ts';

export interface ChildOrder {
  readonly topology: string;
  readonly input: readonly string[];
  readonly output: string;
  readonly set: readonly string[];
  /** Dies by SIGKILL when the point is passed for the n-th time. */
  readonly crash?: { readonly point: CrashPoint; readonly nth: number };
  readonly omit: readonly ProtocolRule[];
  /** `--limit`. */
  readonly limit?: number;
  /** Blocks that the log acknowledges and drops. */
  readonly lose?: readonly Loss[];
  /** `partition@offset` of records that this attempt gives up. */
  readonly poison?: readonly string[];
}

const order = JSON.parse(process.argv[2]!) as ChildOrder;
let passed = 0;
const faults: Faults = {
  omit: new Set(order.omit),
  at(point) {
    if (point === order.crash?.point && ++passed === order.crash.nth) process.kill(process.pid, 'SIGKILL');
  },
  poison: (order.poison ?? []).map((text) => {
    const [partition, offset] = text.split('@');
    return {
      partition: Number(partition),
      offset: BigInt(offset!),
      code: 'sift.timeout',
      message: 'given up by the test',
    };
  }),
  stallMs: 5000,
  repairMs: 50,
  ...(order.lose && { wrap: (log) => lossyLog(log, losing(order.lose!)) }),
};
const { input, output, set, limit } = order;
const options = { input, output, set, http: false, logLevel: 'warn', ...(limit === undefined ? {} : { limit }) };

try {
  const { summary } = await run(await loadTopology(order.topology, options), options, silentTerminal, faults);
  process.stdout.write(JSON.stringify(summary));
} catch (error) {
  process.stderr.write(
    error instanceof RiffleError ? `${error.code}: ${error.message}\n` : String((error as Error).stack),
  );
  process.exitCode = 1;
}
