/** The same documents in the same order get the same verdicts, whether they come from one source partition or from eight. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import type { Config } from '../../src/config/schema.ts';
import { configHash, createFingerprinter, dedupOptionsSchema } from '../../src/dedup/dedup.ts';
import { INSERTED } from '../../src/model/sifted.ts';
import { writeSketchBlock } from '../../src/model/sketches.ts';
import { readVerdictBlock, verdictAt } from '../../src/model/verdicts.ts';
import { noFaults, type StageContext } from '../../src/runtime/context.ts';
import { topicNames, topicSpecs } from '../../src/runtime/topics.ts';
import { runIndex } from '../../src/stages/index.ts';
import { createMemoryLog } from '../../src/testing/memory-log.ts';
import { random } from '../crash/documents.ts';

const dedup = dedupOptionsSchema.parse({});
const folder = mkdtempSync(path.join(tmpdir(), 'riffle-partitions-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Texts of 60 words; every third is an earlier one, whole or with words changed. */
function texts(count: number): string[] {
  const next = random(5);
  const word = () => `w${Math.floor(next() * 5000)}`;
  const made: string[] = [];
  for (let i = 0; i < count; i++) {
    const fresh = Array.from({ length: 60 }, word);
    const earlier = made[Math.floor(next() * made.length)]?.split(' ');
    made.push((i % 3 === 2 && earlier ? earlier.map((w) => (next() < 0.02 ? word() : w)) : fresh).join(' '));
  }
  return made;
}

/** Folds the texts, each in a block of its own; `partitionOf` says where the i-th comes from. Verdicts by text, originals named by text too. */
async function verdictsOf(all: readonly string[], partitions: number): Promise<object[]> {
  const fingerprinter = createFingerprinter(dedup);
  const log = createMemoryLog(() => 0);
  const topics = topicNames('t');
  await log.ensureTopics(topicSpecs(topics, partitions, []));
  for (const [i, text] of all.entries()) {
    const sketches = new Uint8Array(fingerprinter.stride);
    const { exactLow, exactHigh } = fingerprinter.fingerprint(text, sketches, 0);
    const at = BigInt(Math.floor(i / partitions));
    const value = writeSketchBlock({
      partition: i % partitions,
      from: at,
      to: at + 1n,
      config: BigInt(`0x${configHash(dedup).slice(0, 16)}`),
      count: 1,
      stride: fingerprinter.stride,
      offsets: BigUint64Array.of(at),
      exact: BigUint64Array.of((BigInt(exactHigh >>> 0) << 32n) | BigInt(exactLow >>> 0)),
      kinds: Uint8Array.of(INSERTED),
      sketches,
    });
    await log.producer().append(topics.sketches, 0, [{ value }]);
  }
  const stop = new AbortController();
  let folded = 0;
  const context = {
    log,
    topics,
    config: { dedup } as Config,
    faults: noFaults,
    signal: stop.signal,
  } as unknown as StageContext;
  const snapshots = {
    directory: path.join(folder, String(partitions)),
    everyDocuments: 1e9,
    decided: async () => undefined,
  };
  await runIndex(context, snapshots, {
    folded() {
      if (++folded === all.length) stop.abort();
    },
  });
  const ordinal = (partition: number, offset: bigint) => Number(offset) * partitions + partition;
  const verdicts: object[] = [];
  for (let p = 0; p < partitions; p++) {
    for (const { value } of log.messages(topics.verdicts, p)) {
      const { offset, duplicateOf, ...rest } = verdictAt(readVerdictBlock(value), 0);
      verdicts[ordinal(p, offset)] = {
        ...rest,
        original: duplicateOf && ordinal(duplicateOf.partition, duplicateOf.offset),
      };
    }
  }
  return verdicts;
}

test('one partition or eight: the same verdicts, and the same originals', async () => {
  const all = texts(600);
  const one = await verdictsOf(all, 1);
  const eight = await verdictsOf(all, 8);
  assert.equal(one.length, all.length);
  assert.ok(one.filter((v) => (v as { original?: number }).original !== undefined).length > 100);
  assert.deepEqual(eight, one);
});
