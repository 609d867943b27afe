/** What a run wrote, record by record, checked against the contract's shape. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

const sourcePosition = z.strictObject({
  topic: z.string().min(1),
  partition: z.union([z.string(), z.int()]),
  offset: z.string().regex(/^\d+$/),
});

const decision = z
  .strictObject({
    outcome: z.enum(['curated', 'rejected', 'quarantine']),
    topic: z.string(),
    reason: z.string().nullable(),
    value: z.union([z.number(), z.string()]).nullable(),
    limit: z.union([z.number(), z.string()]).nullable(),
    failed: z.array(z.string()),
    policy: z.string().regex(/^.+@\d+$/),
    probability: z.number().min(0).max(1),
    draw: z.number().min(0).max(1).nullable(),
  })
  .refine(({ outcome, reason }) => (outcome === 'curated') === (reason === null), 'reason: null exactly when curated')
  .refine(({ reason, failed }) => reason === null || failed[0] === reason, 'reason is the first of failed');

const dedupSignal = z.strictObject({
  votes: z.int(),
  bands: z.int(),
  similarity: z.number(),
  containment: z.number(),
  duplicateOf: sourcePosition.nullable(),
  exact: z.boolean(),
  generation: z.int(),
  copies: z.int().min(1),
});

/** One output record (contract: records, out). */
export const recordSchema = z.strictObject({
  id: z.string(),
  url: z.string().optional(),
  text: z.string(),
  timestamp: z.string().optional(),
  source: z.string().optional(),
  license: z.string().optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
  signals: z.object({ dedup: dedupSignal.optional() }).catchall(z.unknown()),
  decision,
  position: sourcePosition,
});

/** One dead letter (contract: records). */
export const deadLetterSchema = z.strictObject({
  id: z.string(),
  error: z.strictObject({ stage: z.string(), operator: z.string(), code: z.string(), message: z.string().min(10) }),
  position: sourcePosition,
  key: z.null(),
  headers: z.record(z.string(), z.string()),
  timestamp: z.string().nullable(),
  value: z.string(),
  encoding: z.enum(['utf-8', 'base64']),
  valueBytes: z.int().min(0),
  truncated: z.boolean(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  decision: z.strictObject({ outcome: z.literal('dead-letter') }),
});

export type OutRecord = z.output<typeof recordSchema>;
export type DeadLetter = z.output<typeof deadLetterSchema>;

export interface Written {
  readonly topic: string;
  /** `curated`, `rejected`, `quarantine`, or the code of a dead letter. */
  readonly outcome: string;
  readonly partition: string;
  readonly offset: bigint;
  readonly record: OutRecord | DeadLetter;
  readonly line: string;
}

/** Parses one line of a topic strictly. */
export function parseLine(topic: string, line: string): Written {
  const dead = topic === 'dead-letter';
  const record = (dead ? deadLetterSchema : recordSchema).parse(JSON.parse(line));
  const { partition, offset } = record.position;
  const outcome = 'error' in record ? record.error.code : record.decision.outcome;
  return { topic, outcome, partition: String(partition), offset: BigInt(offset), record, line };
}

/** Every record of every topic but control. @throws AssertionError where a line is not as the contract has it, or a position comes twice. */
export function readWritten(output: string): Written[] {
  const all: Written[] = [];
  for (const name of readdirSync(output).sort()) {
    if (!name.endsWith('.jsonl') || name === 'control.jsonl') continue;
    const content = readFileSync(path.join(output, name), 'utf8');
    for (const line of content.split('\n').slice(0, -1)) all.push(parseLine(name.slice(0, -'.jsonl'.length), line));
  }
  assertPositions(all);
  return all;
}

/** In each topic the positions of a partition strictly increase, and no position occurs twice over all topics. */
export function assertPositions(written: readonly Written[]): void {
  const seen = new Set<string>();
  const last = new Map<string, bigint>();
  for (const { topic, partition, offset } of written) {
    const key = `${partition}@${offset}`;
    assert.ok(!seen.has(key), `${key} is written twice`);
    seen.add(key);
    const place = `${topic} ${partition}`;
    assert.ok(offset > (last.get(place) ?? -1n), `${place}: ${offset} comes behind ${last.get(place)}`);
    last.set(place, offset);
  }
}

/** By file name: what became of its records, in order. */
export function outcomesByFile(written: readonly Written[]): Record<string, string[]> {
  const byFile: Record<string, Written[]> = {};
  for (const one of written) (byFile[path.basename(one.partition)] ??= []).push(one);
  return Object.fromEntries(
    Object.entries(byFile).map(([name, ones]) => [
      name,
      ones.sort((a, b) => (a.offset < b.offset ? -1 : 1)).map(({ outcome }) => outcome),
    ]),
  );
}
