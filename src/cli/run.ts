import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { Registry } from 'prom-client';
import type { Topology } from '../../topologies/topology.ts';
import type { Config } from '../config/schema.ts';
import { configurationHash, decidingSettings } from '../config/hash.ts';
import { ConfigError } from '../errors.ts';
import { createMetrics } from '../metrics/metrics.ts';
import { observeRun } from './observe.ts';
import { expandInputs } from '../operators/decode/inputs.ts';
import { type Faults, noFaults } from '../runtime/context.ts';
import { openEmbeddedLog } from '../log/embedded/log.ts';
import { lockState } from '../runtime/lock.ts';
import {
  checkSameRun,
  inputDigest,
  readState,
  removeRun,
  type RunInput,
  type RunState,
  writeState,
} from '../runtime/state.ts';
import { topicNames } from '../runtime/topics.ts';
import { exportOutputs, linesFolder, requireFree } from '../routing/export.ts';
import { endsAfter } from '../stages/limit.ts';
import { runBounded } from '../stages/run.ts';
import { outputTopics } from '../stages/start.ts';
import { type RunningEncoders, startEncoders } from './encoders.ts';
import { drainOnSignal } from './drain.ts';
import { type ConfigOptions, type Loaded, loadTopology } from './load-topology.ts';
import { createProgress } from './progress.ts';
import { runOnKafka } from './run-stream.ts';
import { serveMetrics } from './serve-metrics.ts';
import { printSummary, type Summary, summarize } from './summary.ts';
import { spoolStandardInput } from './spool.ts';
import type { Terminal } from './terminal.ts';

export interface RunOptions extends ConfigOptions {
  readonly input: readonly string[];
  readonly output: string;
  readonly state?: string;
  readonly fresh?: boolean;
  /** On Kafka: the stages of this process, separated by commas. */
  readonly stages?: string;
  readonly limit?: number;
  readonly port?: number;
  readonly http: boolean;
  readonly json?: boolean;
  readonly logLevel?: string;
}

/** `riffle run`. */
export async function runCommand(topology: string, options: RunOptions, terminal: Terminal): Promise<void> {
  const loaded = await loadTopology(topology, options, terminal.variable);
  if (loaded.config.log.kind === 'kafka') {
    const ended = await runOnKafka(loaded, options, terminal);
    return terminal.exit(statusOf(ended));
  }
  if (options.stages !== undefined)
    throw new ConfigError(
      'stages',
      '--stages; the embedded log runs all stages in one process; leave it out, or set log.kind=kafka',
    );
  const { summary, signal } = await run(loaded, options, terminal, noFaults);
  if (options.json) process.stdout.write(`${JSON.stringify(summary)}\n`);
  else if (summary.complete) process.stdout.write(printSummary(summary, terminal.riffle));
  else process.stderr.write(`stopped; ${summary.inputs} records are decided and written; the same command continues\n`);
  terminal.exit(signal === undefined ? 0 : statusOf(signal));
}

const statusOf = (signal: NodeJS.Signals): number => (signal === 'SIGINT' ? 130 : 143);

/** One bounded run from the command line's options to its summary. */
export async function run(
  loaded: Loaded,
  options: RunOptions,
  terminal: Terminal,
  faults: Faults,
): Promise<{ summary: Summary; signal: NodeJS.Signals | undefined }> {
  const started = performance.now();
  const output = path.resolve(options.output);
  const state = path.resolve(options.state ?? path.join(output, '.riffle'));
  // Everything that may be wrong with the call is found before a folder is touched.
  if (options.input.length === 0)
    throw new ConfigError('input', '--input; not given; name a file, a folder, a pattern, or - for standard input');
  const expanded = expandInputs(options.input);
  requireOurs(state);
  const unlock = lockState(state);
  let encoders: RunningEncoders | undefined;
  try {
    encoders = await startEncoders(loaded);
    if (options.fresh) removeRun(state, output);
    const spooled = expanded.standardInput ? [await spoolStandardInput(state)] : [];
    const named = expanded.files.map((file) => ({ ...file, name: nameOf(file.path) }));
    const given = [...named, ...spooled].map((file) => ({ ...file, digest: inputDigest(file.path) }));
    const { finished, inputs } = beginOrContinue(state, output, loaded, given, options.limit, terminal.version);
    if (finished) return { summary: { ...(finished as Summary), resumed: true }, signal: undefined };
    return await runLoaded(loaded, inputs, { output, state, options, terminal, faults, started, encoders });
  } finally {
    await encoders?.close();
    unlock();
  }
}

/** Paths below the working directory are named relative to it: what is written into records says nothing about the machine. */
function nameOf(file: string): string {
  const relative = path.relative(process.cwd(), file);
  return relative.startsWith('..') || path.isAbsolute(relative) ? file : relative;
}

/** A state folder is new, empty or ours. */
function requireOurs(state: string): void {
  if (!existsSync(state)) return;
  const names = readdirSync(state);
  const ours =
    names.length === 0 ||
    names.includes('run.json') ||
    names.every((name) => name.startsWith('lock') || name.startsWith('standard-input'));
  if (!ours)
    throw new ConfigError(
      'state',
      `state folder ${state}; it holds other files (${names.slice(0, 3).join(', ')}); choose another --state`,
    );
}

/**
 * Writes the state of a new run, or checks that this is the run of the state. That state comes back: it has the names that the inputs had then,
 * wherever the command is called from now.
 */
function beginOrContinue(
  state: string,
  output: string,
  { topology, config, policy }: Loaded,
  inputs: readonly RunInput[],
  limit: number | undefined,
  version: string,
): RunState {
  const now = {
    topology: topology.name,
    config: configurationHash(topology.name, config),
    settings: decidingSettings(config),
    seed: config.dedup.seed,
    inputs,
    limit,
  };
  const before = readState(state);
  if (before === undefined) {
    requireFree(output, outputTopics(policy), config.output.format);
    const begun: RunState = { format: 1, version, ...now };
    writeState(state, begun);
    return begun;
  }
  checkSameRun(before, now);
  return before;
}

interface Surroundings {
  readonly output: string;
  readonly state: string;
  readonly options: RunOptions;
  readonly terminal: Terminal;
  readonly faults: Faults;
  readonly started: number;
  readonly encoders: RunningEncoders;
}

async function runLoaded(
  loaded: Loaded,
  inputs: readonly RunInput[],
  around: Surroundings,
): Promise<{ summary: Summary; signal: NodeJS.Signals | undefined }> {
  const { output, state, options, terminal, faults, started, encoders } = around;
  const { topology, config, scorers, policy } = loaded;
  const registry = new Registry();
  const metrics = createMetrics(registry, terminal.version);
  const ends = options.limit === undefined ? [] : await endsAfter(inputs, options.limit, decodeLimits(config));
  const totalBytes = inputs.reduce((sum, { sizeBytes }, i) => sum + Number(ends[i] ?? sizeBytes), 0);
  const progress = createProgress({
    topology: topology.name,
    totalBytes,
    interactive: terminal.interactive && !options.json,
    level: options.logLevel ?? 'info',
  });
  const drain = drainOnSignal();
  const http =
    config.http.enabled && options.http
      ? await serveMetrics(config.http, options.port, registry, { ready: () => true, status: progress.status })
      : undefined;
  if (http) progress.note(`metrics on http://${config.http.host}:${http.port}/metrics`);
  for (const { name, runs } of encoders.notes) progress.note(`scorer ${name}: ${runs}`);
  try {
    const { format } = config.output;
    const lines = linesFolder(state, output, format);
    const prefix = topicNames(config.app, config.topics).output('');
    const fileName = (topic: string) => `${topic.slice(prefix.length)}.jsonl`;
    const log = await openEmbeddedLog({ directory: path.join(state, 'log'), outputDirectory: lines, fileName });
    const result = await runBounded({
      log: faults.wrap?.(log) ?? log,
      config,
      topology,
      policy,
      scorers,
      encoders: encoders.all,
      inputs,
      ends,
      stateDirectory: state,
      workers: config.workers === 'auto' ? workersFor(topology) : config.workers,
      faults,
      signal: drain.signal,
      observer: observeRun(metrics, progress),
    });
    if (result.complete && format !== 'jsonl')
      await exportOutputs(lines, output, format, () => faults.at('export.renamed'));
    progress.stop();
    const summary = summarize(result, {
      topology: topology.name,
      seconds: (performance.now() - started) / 1000,
      config: configurationHash(topology.name, config),
      version: terminal.version,
      output: nameOf(output) || '.',
      eventLoopDelay: metrics.eventLoopDelay(),
    });
    if (result.complete) {
      const before = readState(state);
      if (before) writeState(state, { ...before, finished: summary });
    }
    return { summary, signal: result.complete ? undefined : drain.received() };
  } finally {
    progress.stop();
    drain.stop();
    metrics.stop();
    await http?.close();
  }
}

/** One a core; one fewer where deduplicating is all, for the main thread, which folds and commits, has as much to do as a worker then. */
function workersFor({ operators, scores }: Topology): number {
  const cores = availableParallelism();
  const busy = operators.length === 0 && !scores ? cores - 1 : cores;
  return Math.max(1, Math.min(8, busy));
}

const decodeLimits = ({ source }: Config) => ({
  maxRecordBytes: source.maxRecordBytes,
  maxDecodedBytes: source.maxDecodedBytes,
});
