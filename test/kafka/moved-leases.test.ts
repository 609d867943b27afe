import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { isFenced, texts } from '../contract/messages.ts';
import { openTestLog, uniqueApp, withSharedBroker } from './brokers.ts';

withSharedBroker((broker) => {
  test('the lease of a partition that moved away lets go of its connections, and commits nothing', async (t) => {
    const { brokers } = await broker();
    const app = uniqueApp();
    const specs = [{ name: `${app}.in`, partitions: 2, kind: 'blocks', groups: ['work'] }] as const;
    const sockets = new Set<Socket>();
    const socketFactory = ({ host, port, onConnect }: { host: string; port: number; onConnect: () => void }) => {
      const socket = connect({ host, port }, onConnect);
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      return socket;
    };
    const first = await openTestLog(t, { app, brokers, socketFactory });
    await first.ensureTopics(specs);
    const consumer = await first.consumer('work', [`${app}.in`]);
    const owned = new Set<number>();
    const poll = async (): Promise<void> => {
      const { assigned, revoked } = await consumer.poll({ maxBytes: 1000, waitMs: 100 });
      for (const partition of assigned) owned.add(partition);
      for (const partition of revoked) owned.delete(partition);
    };
    while (owned.size < 2) await poll();
    const before = sockets.size;
    const leases = await Promise.all([first.lease('work', 0), first.lease('work', 1)]);
    for (const lease of leases) await lease.commit({ outputs: new Map(), positions: [], next: 1n });
    const held = sockets.size;
    assert.ok(held > before);

    const second = await openTestLog(t, { app, brokers });
    await second.ensureTopics(specs);
    const other = await second.consumer('work', [`${app}.in`]);
    const stop = new AbortController();
    const polling = (async () => {
      while (!stop.signal.aborted) await other.poll({ maxBytes: 1000, waitMs: 100, signal: stop.signal });
    })();
    while (owned.size !== 1) await poll();
    const moved = [0, 1].find((partition) => !owned.has(partition))!;
    while (sockets.size >= held) await poll();
    const late = { outputs: new Map([[`${app}.in`, texts('late')]]), positions: [], next: 2n };
    await assert.rejects(leases[moved]!.commit(late), isFenced);
    assert.equal(await first.progress('work', moved), 1n);
    stop.abort();
    await polling;
  });
});
