import { createHash } from 'node:crypto';
import type { Config } from './schema.ts';

/**
 * What decides about records. Left out are settings of machine and pace (threads, ports, block sizes, where encoders run), and the limits of a single record:
 * they cannot change what is decided, and a dead letter that broke one is put back under another (docs/reference/dead-letters.md).
 */
export function decidingSettings(config: Config) {
  const {
    workers: _workers,
    http: _http,
    blocks: _blocks,
    index: _index,
    log: _log,
    registry: _registry,
    source: _source,
    deadLetter: _deadLetter,
    ...deciding
  } = config;
  const {
    models: _models,
    provider: _provider,
    deviceId: _deviceId,
    encoderWorkers: _encoders,
    ...scores
  } = config.scoring;
  return { ...deciding, scoring: scores };
}

/** Names what decides about records. */
export const configurationHash = (topology: string, config: Config): string =>
  `sha256:${createHash('sha256')
    .update(JSON.stringify([topology, decidingSettings(config)]))
    .digest('hex')}`;
