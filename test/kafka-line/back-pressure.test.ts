/**
 * A scorer that stops answering: memory stays flat, raw waits, nobody is thrown out of a group, nothing becomes a dead letter, and it goes on by
 * itself. `BACKPRESSURE_SECONDS=300` for as long as the promise says. A registry that does not answer: test/registry/stream.test.ts.
 */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Consumer } from '../../src/log/port.ts';
import { groups } from '../../src/runtime/topics.ts';
import { random } from '../crash/documents.ts';
import { withSharedBroker } from '../kafka/brokers.ts';
import { assertExact, type Line, openLine, writeInput } from './line.ts';

const SECONDS = Number(process.env.BACKPRESSURE_SECONDS ?? 30);
const EVERY_MS = 3000;
/** Several of them fit into the stall; a busy machine keeps a process from its heartbeats for a second or two. */
const SESSION_MS = 6000;
const DOCUMENTS = 500;
/** Fed during the stall, however slow the machine. */
const LEAST_PARTS = 4;
/** Of two measurements in the second half of the stall. */
const FLAT_BYTES = 48 << 20;
const MIB = 1 << 20;

withSharedBroker((broker) => {
  suite('back-pressure on Kafka', () => {
    test(`curate gets no answer for ${SECONDS} s`, { timeout: 1000 * (10 * SECONDS + 300) }, async (t) => {
      const line = await openLine(t, await broker(), {
        partitions: 2,
        set: [`source.maxAheadBytes=${4 * MIB}`, `log.sessionTimeoutMs=${SESSION_MS}`],
      });
      const stall = path.join(line.folder, 'stall');
      const env = { NODE_OPTIONS: `--import ${path.join(import.meta.dirname, 'stall.mjs')}`, STALL_FILE: stall };
      const running = [
        line.start({ stages: 'sift,index,controller', env }),
        line.start({ stages: 'curate', env }),
        line.start({ stages: 'curate', env }),
      ];
      await Promise.all(running.map((stages) => stages.ready()));
      let fed = await feed(line, 0);
      await line.drained();

      writeFileSync(stall, '');
      const rebalances = (): Promise<number[]> =>
        Promise.all(running.map((stages) => stages.metric('riffle_rebalances_total')));
      const before = await rebalances();
      const resident: number[][] = [];
      const lags: bigint[] = [];
      const reader = await line.log.consumer('reader', [line.topics.raw]);
      const until = performance.now() + 1000 * SECONDS;
      for (let part = 1; performance.now() < until || part <= LEAST_PARTS; part++) {
        fed += await feed(line, part);
        lags.push(await rawLag(line, reader));
        resident.push(running.map((stages) => stages.residentBytes()));
        await sleep(EVERY_MS);
      }
      await reader.close();
      const waiting = await line.progress();
      const deadLetters = (await line.outputs()).filter(({ output }) => output === 'dead-letter');
      const after = await rebalances();
      rmSync(stall);
      const released = performance.now();
      await line.drained();
      const seconds = (performance.now() - released) / 1000;

      const half = resident.slice(Math.floor(resident.length / 2));
      const growth = running.map((_, i) => Math.max(...half.map((at) => at[i]!)) - half[0]![i]!);
      const inMib = (bytes: readonly number[]): string => bytes.map((one) => Math.round(one / MIB)).join(', ');
      t.diagnostic(`resident MiB of ${running.length} processes: ${resident.map((at) => `(${inMib(at)})`).join(' ')}`);
      t.diagnostic(`records waiting on raw: ${lags.join(', ')}`);
      t.diagnostic(`all ${fed} records were decided ${seconds.toFixed(1)} s after the end of the stall`);
      for (const bytes of growth) assert.ok(bytes < FLAT_BYTES, `it grew by ${inMib(growth)} MiB`);
      const [first, middle, last] = [0, lags.length >> 1, lags.length - 1].map((i) => lags[i]!);
      assert.ok(first! < middle! && middle! < last!, 'raw waits');
      assert.deepEqual(after, before, 'nobody left a group');
      assert.deepEqual(deadLetters, []);
      assert.ok((await line.rawEnds())[0]! > waiting, 'it had to wait');
      await assertExact(line, fed);
    });
  });
});

/** Documents of about 4 KB, each its own. */
async function feed(line: Line, part: number): Promise<number> {
  const next = random(part);
  const word = (): string => Math.floor(next() * 36 ** 5).toString(36);
  const lines = Array.from({ length: DOCUMENTS }, (_, i) =>
    JSON.stringify({ id: `${part}-${i}`, text: Array.from({ length: 700 }, word).join(' ') }),
  );
  const file = writeInput(line, `part-${part}.jsonl`, `${lines.join('\n')}\n`);
  const { records } = await line.feed(file);
  rmSync(file);
  return records;
}

/** Offsets that sift has not taken yet. */
async function rawLag(line: Line, reader: Consumer): Promise<bigint> {
  const { raw } = line.topics;
  const taken = await line.log.positions(groups.sift, raw);
  const bounds = await Promise.all([0, 1].map((partition) => reader.bounds(raw, partition)));
  return bounds.reduce((sum, { end }, partition) => sum + end - (taken.get(partition) ?? 0n), 0n);
}
