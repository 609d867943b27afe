import { existsSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';

const root = path.resolve(import.meta.dirname, '../../../shared');

/**
 * Path of a file of the shared test data, kept beside the repository and not part of it.
 * Without that folder the calling test is skipped with a message (and `undefined` comes back); in CI it fails instead.
 */
export function shared(t: TestContext, relative: string): string | undefined {
  const file = path.join(root, relative);
  if (existsSync(file)) return file;
  const message = `test data ${relative}; not found beside the repository; get the shared data folder to run this test`;
  skip(t, message);
  return undefined;
}

/** Skips a test that this machine cannot run, with its reason; in CI, where nothing may pass unseen, it fails instead. */
export function skip(t: TestContext, reason: string): void {
  if (process.env.CI === 'true') throw new Error(reason);
  t.skip(reason);
}

/** The same path without a test around it: `undefined` when the data is not there. */
export function sharedPath(relative: string): string | undefined {
  const file = path.join(root, relative);
  return existsSync(file) ? file : undefined;
}
