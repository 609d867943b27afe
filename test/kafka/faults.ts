/** A socket factory that injects faults into single requests, against a real broker. */
import { connect } from 'node:net';
import type { SocketFactory } from '../../src/log/kafka/options.ts';

/** Numbers of the protocol. */
export const API = {
  produce: 0,
  fetch: 1,
  metadata: 3,
  offsetCommit: 8,
  findCoordinator: 10,
  heartbeat: 12,
  initProducerId: 22,
  addPartitions: 24,
  addOffsets: 25,
  endTransaction: 26,
  txnOffsetCommit: 28,
} as const;

/**
 * `drop`: the request never arrives and the connection dies. `no-reply`: it takes effect, but the connection dies when the reply comes.
 * A promise: the request is held back until it resolves; what follows on the connection goes ahead.
 */
export type Fault = 'drop' | 'no-reply' | Promise<unknown> | undefined;

export interface Faults {
  readonly socketFactory: SocketFactory;
  /** Asked for every request from now on. */
  plan(next: (api: number) => Fault): void;
  /** Does it to the next request of a kind, once. */
  once(api: number, fault: NonNullable<Fault>): void;
  none(): void;
  /** Requests of a kind that were hit. */
  readonly hits: ReadonlyMap<number, number>;
}

export function createFaults(): Faults {
  let plan: (api: number) => Fault = () => undefined;
  const hits = new Map<number, number>();

  return {
    hits,
    plan(next) {
      plan = next;
    },
    once(api, fault) {
      let left = 1;
      plan = (key) => (key === api && left-- > 0 ? fault : undefined);
    },
    none() {
      plan = () => undefined;
    },
    socketFactory({ host, port, onConnect }) {
      const socket = connect({ host, port }, onConnect);
      const socketWrite = socket.write.bind(socket);
      const write = (data: Uint8Array | string): boolean => socketWrite(data);
      const injecting = (data: Uint8Array | string): boolean => {
        const bytes =
          typeof data === 'string' ? Buffer.from(data) : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
        const api = bytes.byteLength > 6 ? bytes.readInt16BE(4) : -1;
        const fault = plan(api);
        if (fault === undefined) return write(data);
        hits.set(api, (hits.get(api) ?? 0) + 1);
        if (fault === 'drop') {
          setImmediate(() => socket.destroy(new Error('injected: request lost')));
          return true;
        }
        if (fault === 'no-reply') {
          socket.removeAllListeners('data');
          socket.on('data', () => socket.destroy(new Error('injected: reply lost')));
          return write(data);
        }
        void fault.then(() => socket.destroyed || write(data));
        return true;
      };
      socket.write = injecting;
      return socket;
    },
  };
}
