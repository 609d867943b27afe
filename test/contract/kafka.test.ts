import { openTestLog, uniqueApp, withBroker } from '../kafka/brokers.ts';
import { logContract } from './log.ts';

withBroker({}, (broker) => {
  logContract('kafka', async (t) => {
    const { brokers } = await broker();
    const app = uniqueApp();
    return { app, open: () => openTestLog(t, { app, brokers }) };
  });
});
