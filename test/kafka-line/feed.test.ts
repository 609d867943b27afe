/** `riffle feed` as its users call it: killed and called again, every record is on the topic once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { writeDocuments } from '../crash/documents.ts';
import { riffle } from '../integration/cli.ts';
import { withSharedBroker } from '../kafka/brokers.ts';
import { readAll } from '../oracle/verify.ts';
import { openLine, until } from './line.ts';

const RECORDS = 40_000;

withSharedBroker((broker) => {
  test('riffle feed, killed twice and called again, puts every record on the topic once', async (t) => {
    const line = await openLine(t, await broker(), { partitions: 4 });
    const file = path.join(line.folder, 'documents.jsonl');
    writeDocuments(file, RECORDS, 1);
    const args = ['feed', 'dedup', '--input', file, '--json', ...line.set.flatMap((one) => ['--set', one])];
    const bin = path.resolve(import.meta.dirname, '../../bin/riffle.js');
    const reader = await line.log.consumer('reader', [line.topics.raw]);
    for (let kill = 0, before = 0n; kill < 2; kill++) {
      const child = spawn(process.execPath, [bin, ...args], { stdio: 'ignore' });
      const ended = new Promise((resolve) => child.on('close', resolve));
      await until(async () => (await end()) > before || child.exitCode !== null);
      child.kill('SIGKILL');
      await ended;
      before = await end();
    }
    await reader.close();
    const { code, stdout, stderr } = await riffle(args);
    assert.equal(code, 0, stderr);
    const { records, before } = JSON.parse(stdout) as { records: number; before: number };
    assert.equal(records, RECORDS);
    t.diagnostic(`${before} records were there before the last call`);
    assert.ok(before > 0);
    const values = await onRaw();
    assert.equal(values.length, RECORDS);
    // One in ten repeats a text, and none an id.
    assert.equal(new Set(values).size, RECORDS);
    const again = await riffle(args);
    assert.deepEqual((JSON.parse(again.stdout) as { before: number }).before, RECORDS, again.stderr);
    assert.equal((await onRaw()).length, RECORDS);

    async function end(): Promise<bigint> {
      const bounds = await Promise.all([0, 1, 2, 3].map((p) => reader.bounds(line.topics.raw, p)));
      return bounds.reduce((sum, one) => sum + one.end, 0n);
    }

    async function onRaw(): Promise<string[]> {
      const found: string[] = [];
      await readAll(line.log, [line.topics.raw], ({ value }) => void found.push(Buffer.from(value).toString()));
      return found;
    }
  });
});
