import { createHash } from 'node:crypto';
import type { Config } from './schema.ts';

/** Names what decides about records. Settings of machine and pace (threads, ports, block sizes) are left out, so that they may change in a run. */
export function configurationHash(topology: string, config: Config): string {
  const { workers: _workers, http: _http, blocks: _blocks, index: _index, log: _log, ...deciding } = config;
  return `sha256:${createHash('sha256')
    .update(JSON.stringify([topology, deciding]))
    .digest('hex')}`;
}
