import { createHash } from 'node:crypto';
import type { Config } from './schema.ts';

/**
 * Names what decides about records. Left out are settings of machine and pace (threads, ports, block sizes), and the limits of a single record:
 * they cannot change what is decided, and a dead letter that broke one is put back under another (docs/reference/dead-letters.md).
 */
export function configurationHash(topology: string, config: Config): string {
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
  return `sha256:${createHash('sha256')
    .update(JSON.stringify([topology, deciding]))
    .digest('hex')}`;
}
