/** A port in front of a server of this machine: closed, it is as if the server were gone, without the seconds that a new start costs. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface Door {
  readonly port: number;
  /** Refuses everybody, and hangs up on those who are there. */
  close(): Promise<void>;
  /** On the same port again. */
  open(): Promise<void>;
}

export async function doorTo(target: number): Promise<Door> {
  const guests = new Set<Socket>();
  const server = createServer((guest) => {
    const host = connect(target, '127.0.0.1');
    for (const [one, other] of [
      [guest, host],
      [host, guest],
    ] as const) {
      one.pipe(other);
      one.on('error', () => undefined).on('close', () => other.destroy());
    }
    guests.add(guest);
    guest.on('close', () => guests.delete(guest));
  });
  const listen = async (port: number): Promise<void> => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;
  return {
    port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const guest of guests) guest.destroy();
      await closed;
    },
    open: () => listen(port),
  };
}

/** The same address through the door. */
export const through = (door: Door, address: string): string => address.replace(/:\d+\//, `:${door.port}/`);
