/**
 * A process of its own for the tests of the embedded log: `node embedded-child.ts <mode> <folder> <name> [partition]`.
 * It prints one line for each acknowledgement, and goes on until it is killed or fenced.
 */
import { appendFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { RiffleError } from '../../src/errors.ts';
import { openEmbeddedLog } from '../../src/log/embedded/log.ts';
import type { TopicSpec } from '../../src/log/port.ts';

export const specs: readonly TopicSpec[] = [
  { name: 'app.in', partitions: 4, kind: 'blocks', groups: ['work'] },
  { name: 'app.out', partitions: 1, kind: 'records', groups: [] },
];

/** What message `i` of a writer holds: its size varies over page borders. */
export function payload(name: string, i: number): string {
  return `${name}:${i}:${'x'.repeat((i * 977) % 9000)}`;
}

async function main(mode: string, folder: string, name: string, partition: number): Promise<void> {
  const log = await openEmbeddedLog({ directory: path.join(folder, 'log'), outputDirectory: path.join(folder, 'out') });
  await log.ensureTopics(specs);
  const say = (text: string): number => writeSync(1, `${text}\n`);
  if (mode === 'append') {
    const producer = log.producer();
    for (let i = 0; ; i += 10) {
      const tens = Array.from({ length: 10 }, (_, k) =>
        producer.append('app.in', (i + k) % 4, [{ value: Buffer.from(payload(name, i + k)) }]),
      );
      await Promise.all(tens);
      say(String(i + 10));
    }
  }
  const lease = await log.lease('work', partition);
  say('leased');
  try {
    for (let i = lease.next ?? 0n; ; i++) {
      const value = Buffer.from(JSON.stringify(payload(name, Number(i))));
      await lease.commit({
        outputs: new Map([['app.out', [{ value }]]]),
        positions: [{ topic: 'app.in', partition, offset: i + 1n }],
        next: i + 1n,
      });
      say(String(i + 1n));
    }
  } catch (error) {
    const code = error instanceof RiffleError ? error.code : String(error);
    appendFileSync(path.join(folder, `${name}.end`), code);
    await log.close();
  }
}

if (import.meta.main) {
  const [mode = '', folder = '', name = '', partition = '0'] = process.argv.slice(2);
  await main(mode, folder, name, Number(partition));
}
