import { createWriteStream, existsSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';

/** Standard input is kept in the state, so that a run on it can be continued (protocol rule 16). What was spooled whole is not read again. */
export async function spoolStandardInput(state: string): Promise<{ path: string; name: string; sizeBytes: number }> {
  const file = path.join(state, 'standard-input');
  if (!existsSync(file)) {
    await pipeline(process.stdin, createWriteStream(`${file}.writing`, { flush: true }));
    renameSync(`${file}.writing`, file);
  }
  // Named the same wherever the state lies: the name is part of every position, and so of every draw.
  return { path: file, name: 'standard-input', sizeBytes: statSync(file).size };
}
