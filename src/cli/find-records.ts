/** Finds output records of a finished or running job by id, URL or position, by reading the output files. */
import { statSync } from 'node:fs';
import path from 'node:path';
import { openSource } from '../operators/decode/source.ts';
import { positionJson } from '../model/record.ts';
import { outputNames } from '../runtime/state.ts';

export interface OutputRecord {
  readonly id: string;
  readonly url?: string;
  readonly text?: string;
  readonly signals?: Readonly<Record<string, unknown>>;
  readonly decision: {
    readonly outcome: string;
    readonly topic?: string;
    readonly reason?: string | null;
    readonly value?: unknown;
    readonly limit?: unknown;
    readonly failed?: readonly string[];
    readonly policy?: string;
    readonly probability?: number;
    readonly draw?: number | null;
  };
  readonly error?: {
    readonly stage: string;
    readonly operator: string;
    readonly code: string;
    readonly message: string;
  };
  readonly position: { readonly topic: string; readonly partition: string | number; readonly offset: string };
}

export interface Found {
  readonly file: string;
  readonly record: OutputRecord;
}

const IDENTITY = /^(.+?)-(.+)@(\d+)$/;

/** Records whose id, URL or position is `wanted`, at most `limit`. The control sample holds copies and is left out. */
export async function findRecords(output: string, wanted: string, limit: number): Promise<Found[]> {
  const position = parseIdentity(wanted);
  const needles = [`"id":${JSON.stringify(wanted)}`, `"url":${JSON.stringify(wanted)}`];
  for (const p of position) needles.push(positionJson(p));
  const bytes = needles.map((needle) => Buffer.from(needle));
  const found: Found[] = [];
  for (const name of outputNames(output)) {
    if (name.startsWith('control.')) continue;
    const file = path.join(output, name);
    for await (const { records } of openSource({ path: file, sizeBytes: statSync(file).size })) {
      for (const raw of records) {
        const line = Buffer.from(raw.bytes.buffer, raw.bytes.byteOffset, raw.bytes.byteLength);
        if (raw.error || !bytes.some((needle) => line.includes(needle))) continue;
        const record = parseRecord(line);
        if (record && matches(record, wanted, position)) found.push({ file, record });
        if (found.length === limit) return found;
      }
    }
  }
  return found;
}

/** `topic-partition@offset`: a path may hold hyphens, so there may be several readings. */
function parseIdentity(text: string): { topic: string; partition: string | number; offset: bigint }[] {
  const match = IDENTITY.exec(text);
  if (!match) return [];
  const readings: { topic: string; partition: string | number; offset: bigint }[] = [];
  const body = `${match[1]}-${match[2]}`;
  for (let dash = body.indexOf('-'); dash >= 0; dash = body.indexOf('-', dash + 1)) {
    const partition = body.slice(dash + 1);
    readings.push({ topic: body.slice(0, dash), partition, offset: BigInt(match[3]!) });
    if (/^\d+$/.test(partition))
      readings.push({ topic: body.slice(0, dash), partition: Number(partition), offset: BigInt(match[3]!) });
  }
  return readings;
}

function parseRecord(line: Buffer): OutputRecord | undefined {
  try {
    const record = JSON.parse(line.toString()) as OutputRecord;
    // Columns of a Parquet file come back as JSON texts.
    const text = record as unknown as Record<string, unknown>;
    for (const key of ['signals', 'decision', 'position', 'error'])
      if (typeof text[key] === 'string') text[key] = JSON.parse(text[key]);
    return record;
  } catch {
    return undefined;
  }
}

function matches(
  { id, url, position }: OutputRecord,
  wanted: string,
  readings: ReturnType<typeof parseIdentity>,
): boolean {
  if (id === wanted || url === wanted) return true;
  return readings.some(
    (r) =>
      r.topic === position.topic &&
      String(r.partition) === String(position.partition) &&
      String(r.offset) === position.offset,
  );
}
