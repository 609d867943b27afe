import { openTestLog, uniqueApp, withSharedBroker } from '../kafka/brokers.ts';
import { logContract } from './log.ts';

withSharedBroker((broker) => {
  logContract('kafka', async (t) => {
    const { brokers } = await broker();
    const app = uniqueApp();
    return { app, open: () => openTestLog(t, { app, brokers }) };
  });
});
