import { homedir } from 'node:os';
import path from 'node:path';

/** Where built models lie, each under its SHA-256: `RIFFLE_MODELS`, else `riffle/models` in the user's cache folder. */
export function modelsFolder(variable: (name: string) => string | undefined): string {
  const cache = variable('XDG_CACHE_HOME') ?? path.join(homedir(), '.cache');
  return path.resolve(variable('RIFFLE_MODELS') ?? path.join(cache, 'riffle', 'models'));
}
