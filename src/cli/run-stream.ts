/** `riffle run` on Kafka: any of the stages in this process, over the raw topic, until a signal. */
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { Registry } from 'prom-client';
import type { Config } from '../config/schema.ts';
import { ConfigError } from '../errors.ts';
import type { HttpServer } from '../metrics/http.ts';
import { kafkaMetrics } from '../metrics/kafka.ts';
import { createMetrics } from '../metrics/metrics.ts';
import { onceAMinute } from '../runtime/once-a-minute.ts';
import { createPulse } from '../runtime/pulse.ts';
import { lockState } from '../runtime/lock.ts';
import { topicNames } from '../runtime/topics.ts';
import { type ProcessStage, runStream } from '../stages/stream.ts';
import { drainOnSignal } from './drain.ts';
import { type RunningEncoders, startEncoders } from './encoders.ts';
import { openKafka } from './kafka.ts';
import type { Loaded } from './load-topology.ts';
import { observeRun } from './observe.ts';
import { createProgress } from './progress.ts';
import type { RunOptions } from './run.ts';
import { serveMetrics } from './serve-metrics.ts';
import type { Terminal } from './terminal.ts';

export const processStages = ['sift', 'index', 'curate', 'controller'] as const;

const LAG_MS = 2000;

/** Resolves with the signal that ended it. @throws ConfigError before anything is processed. */
export async function runOnKafka(loaded: Loaded, options: RunOptions, terminal: Terminal): Promise<NodeJS.Signals> {
  const { topology, config, scorers, policy } = loaded;
  refuseFileOptions(options);
  const stages = stagesOf(options.stages);
  const state = path.resolve(options.state ?? path.join(options.output, '.riffle'));
  // Only the index keeps anything beside the log.
  const unlock = stages.has('index') ? lockState(state) : () => undefined;
  const registry = new Registry();
  const metrics = createMetrics(registry, terminal.version);
  const onKafka = kafkaMetrics(registry, metrics);
  const progress = createProgress({
    topology: topology.name,
    totalBytes: 0,
    interactive: terminal.interactive && !options.json,
    level: options.logLevel ?? 'info',
  });
  const drain = drainOnSignal();
  drain.signal.addEventListener('abort', () => {
    progress.note('stopping: what is under way is finished; another signal stops at once, and loses nothing either');
  });
  const pulse = createPulse();
  let ready = false;
  let stands: () => string | undefined = () => undefined;
  let http: HttpServer | undefined;
  let encoders: RunningEncoders | undefined;
  let watching: NodeJS.Timeout | undefined;
  try {
    // Only curate asks them.
    encoders = await startEncoders({ config, scorers: stages.has('curate') ? scorers : undefined });
    for (const { name, runs } of encoders.notes) progress.note(`scorer ${name}: ${runs}`);
    if (config.http.enabled && options.http) {
      http = await serveMetrics(config.http, options.port, registry, {
        ready: () => ready,
        stands: () => stands(),
        status: progress.status,
      });
      progress.note(`metrics on http://${config.http.host}:${http.port}/metrics`);
    }
    const log = await openKafka(config, {
      variable: terminal.variable,
      warn: onceAMinute((line) => progress.warn(line)),
      observer: onKafka.observer,
    });
    stands = () => {
      const [first] = pulse.standing((stage) => log.lag().some(({ group, lag }) => group === stage && lag > 0n));
      return (
        first && `${first.stage}; there is something to read, and its loop has stood for ${Math.round(first.seconds)} s`
      );
    };
    const topics = topicNames(config.app, config.topics);
    const found = await log.partitions(topics.raw).catch(async (error: unknown) => {
      // Its connections would keep the process alive.
      await log.close();
      throw error;
    });
    watching = setInterval(() => onKafka.lag(log), LAG_MS);
    await runStream({
      log,
      topics,
      partitions: found ?? config.log.partitions,
      stages,
      config,
      topology,
      policy,
      scorers,
      encoders: encoders.all,
      stateDirectory: state,
      workers: workersOf(config, stages),
      signal: drain.signal,
      observer: { ...observeRun(metrics, progress, false), ...pulse },
      note: (text) => progress.note(text),
      warn: (text) => progress.warn(text),
      ready: () => {
        ready = true;
        progress.note(`${[...stages].join(', ')} at work on ${topics.raw}`);
      },
    });
    return drain.received() ?? 'SIGTERM';
  } finally {
    clearInterval(watching);
    progress.stop();
    drain.stop();
    metrics.stop();
    await http?.close();
    await encoders?.close();
    unlock();
  }
}

/** @throws ConfigError */
export function stagesOf(given: string | undefined): ReadonlySet<ProcessStage> {
  if (given === undefined) return new Set(processStages);
  const names = given.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !processStages.some((stage) => stage === name));
  if (unknown !== undefined)
    throw new ConfigError(
      'stages',
      `--stages ${given}; there is no stage "${unknown}"; choose of ${processStages.join(', ')}`,
    );
  return new Set(names as ProcessStage[]);
}

/** A stream reads its raw topic and writes to topics: options about files would be without effect, so they are refused. */
function refuseFileOptions({ input, fresh, limit }: RunOptions): void {
  const given = input.length > 0 ? '--input' : fresh ? '--fresh' : limit === undefined ? undefined : '--limit';
  if (given !== undefined)
    throw new ConfigError(
      'stream-option',
      `${given}; with log.kind=kafka records come from the raw topic; leave it out, and put files on the topic with riffle feed`,
    );
}

/** One a core; one fewer when the index, too, works in this process. */
function workersOf({ workers }: Config, stages: ReadonlySet<ProcessStage>): number {
  if (workers !== 'auto') return workers;
  const cores = availableParallelism() - (stages.has('index') ? 1 : 0);
  return Math.max(1, Math.min(8, cores));
}
