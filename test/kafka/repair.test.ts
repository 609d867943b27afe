/** A broker that loses what it acknowledged: sift and index start again, asked through a topic, and the decisions are those of a healthy line. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { readTopic } from '../../src/runtime/read-topic.ts';
import { topicNames, topicSpecs } from '../../src/runtime/topics.ts';
import { lossyLog } from '../../src/testing/lossy-log.ts';
import { writeDocuments } from '../crash/documents.ts';
import { streamInMemory, streamThrough } from '../crash/in-memory.ts';
import { losing } from '../crash/losses.ts';
import { openTestLog, uniqueApp, withSharedBroker } from './brokers.ts';

function documents(): string[] {
  const folder = mkdtempSync(path.join(tmpdir(), 'riffle-lost-kafka-'));
  const file = path.join(folder, 'in.jsonl');
  writeDocuments(file, 1000, 6);
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  rmSync(folder, { recursive: true });
  return lines;
}

/** What does not depend on the names of topics and on times. */
function gist(line: string): object {
  const { position, decision, signals } = JSON.parse(line) as {
    position: { offset: string };
    decision: { outcome: string; reason?: string; value?: number };
    signals?: { dedup?: { votes: number; similarity: number; copies: number } };
  };
  const { outcome, reason, value } = decision;
  const { votes, similarity, copies } = signals?.dedup ?? {};
  return { offset: position.offset, outcome, reason, value, votes, similarity, copies };
}

withSharedBroker((broker) => {
  test('blocks that a broker acknowledged and lost', async (t) => {
    const { brokers } = await broker();
    const app = uniqueApp();
    const lines = documents();
    const set = ['blocks.records=32', 'index.snapshotDocuments=300'];
    const healthy = await streamInMemory({ lines, set, repairMs: 50 });

    const lose = ['sketches', 'sifted', 'verdicts'].map((topic, i) => ({ topic, nth: 3 + 4 * i }));
    // Two processes, one list of losses: each happens once.
    const drop = losing(lose);
    const open = async () => lossyLog(await openTestLog(t, { app, brokers }), drop);
    const repairs = await streamThrough({ app, lines, set, repairMs: 200, open });

    assert.deepEqual(new Set(repairs.map(({ stage }) => stage)), new Set(['sift', 'index']));
    const log = await openTestLog(t, { app, brokers });
    await log.ensureTopics(topicSpecs(topicNames(app), 1, [...healthy.outputs.keys()], 'topic'));
    for (const [topic, expected] of healthy.outputs) {
      const found: object[] = [];
      for await (const { value } of readTopic(log, `${app}.${topic}`)) found.push(gist(Buffer.from(value).toString()));
      assert.deepEqual(found, expected.map(gist), topic);
    }
  });
});
