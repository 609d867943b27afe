/** Before the first test file: what files that run at the same time would all do anew is done once. */
import module from 'node:module';
import { fetchJars } from '../scripts/kafka/jars.ts';
import { installRegistry } from '../scripts/registry/install.ts';

export async function globalSetup(): Promise<void> {
  // Hundreds of processes read the same sources; those of the test files and all that they start find them compiled.
  module.enableCompileCache();
  process.env.NODE_COMPILE_CACHE ??= module.getCompileCacheDir() ?? '';
  // Where they cannot be had, the tests that need them say so.
  await Promise.allSettled([(async () => fetchJars())(), installRegistry()]);
}
