import { createHash } from 'node:crypto';
import type { Config } from './schema.ts';

/** Names what decides about records: settings of machine and display (threads, ports) are left out, so that they may change in a run. */
export function configurationHash(topology: string, config: Config): string {
  const { workers: _workers, http: _http, ...deciding } = config;
  return `sha256:${createHash('sha256')
    .update(JSON.stringify([topology, deciding]))
    .digest('hex')}`;
}
