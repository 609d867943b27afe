import { logContract } from '../../test/contract/log.ts';
import { createMemoryLog } from './memory-log.ts';

logContract('memory', async () => {
  const log = createMemoryLog();
  // Another process sees the same memory; closing one leaves it to the others.
  return { app: 'app', open: async () => ({ ...log, close: async () => undefined }) };
});
