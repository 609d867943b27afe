import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { openEmbeddedLog } from '../../src/log/embedded/log.ts';
import { logContract } from './log.ts';

logContract('embedded', async (t: TestContext) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'riffle-log-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return {
    open: () => openEmbeddedLog({ directory: path.join(folder, 'log'), outputDirectory: path.join(folder, 'out') }),
  };
});
