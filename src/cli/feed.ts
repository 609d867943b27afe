/** `riffle feed`: files onto the raw topic. */
import { ConfigError } from '../errors.ts';
import { expandInputs } from '../operators/decode/inputs.ts';
import { topicNames } from '../runtime/topics.ts';
import { type FeedReport, runFeed } from '../stages/feed.ts';
import { drainOnSignal } from './drain.ts';
import { openKafka } from './kafka.ts';
import { type ConfigOptions, loadTopology } from './load-topology.ts';
import type { Terminal } from './terminal.ts';

interface FeedOptions extends ConfigOptions {
  readonly input: readonly string[];
  readonly json?: boolean;
}

/** @throws ConfigError before anything is sent. */
export async function feedCommand(name: string, options: FeedOptions, terminal: Terminal): Promise<void> {
  const { config } = await loadTopology(name, options);
  if (config.log.kind !== 'kafka')
    throw new ConfigError(
      'log.kind',
      'log.kind; the embedded log has no raw topic to feed; set log.kind=kafka and log.brokers, or give --input to riffle run',
    );
  if (options.input.length === 0)
    throw new ConfigError('input', '--input; not given; name a file, a folder or a pattern');
  const { files, standardInput } = expandInputs(options.input);
  if (standardInput)
    throw new ConfigError(
      'input',
      '--input -; what was sent could not be told after a restart; write it to a file first',
    );
  const drain = drainOnSignal();
  const log = await openKafka(config, {
    variable: terminal.variable,
    warn: (line) => process.stderr.write(`${line}\n`),
  });
  try {
    const { raw } = topicNames(config.app, config.topics);
    const partitions = (await log.partitions(raw)) ?? config.log.partitions;
    const { maxRecordBytes, maxDecodedBytes } = config.source;
    const report = await runFeed({
      log,
      topic: raw,
      partitions,
      files,
      limits: { maxRecordBytes, maxDecodedBytes },
      signal: drain.signal,
      fed: (so) => {
        if (terminal.interactive && !options.json) process.stderr.write(`\r\u001b[K${so.records} records`);
      },
    });
    if (terminal.interactive && !options.json) process.stderr.write('\r\u001b[K');
    process.stdout.write(
      options.json ? `${JSON.stringify({ topic: raw, partitions, ...report })}\n` : print(report, raw),
    );
    const signal = drain.received();
    terminal.exit(signal === undefined ? 0 : signal === 'SIGINT' ? 130 : 143);
  } finally {
    drain.stop();
    await log.close();
  }
}

function print({ records, bytes, before, skipped, damaged }: FeedReport, topic: string): string {
  const more = [
    ...(before > 0 ? [`${before} of them by an earlier call`] : []),
    ...(skipped > 0 ? [`${skipped} WARC records without a document left out`] : []),
    ...(damaged > 0 ? [`${damaged} damaged ones: dead letters to be`] : []),
  ];
  return `${records} records, ${(bytes / 1e6).toFixed(1)} MB, are on ${topic}${more.map((text) => `; ${text}`).join('')}\n`;
}
