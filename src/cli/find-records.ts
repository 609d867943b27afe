/** Finds output records of a finished or running job by id, URL or position, by reading the output files in whatever format they are. */
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
  readonly position: OutputPosition;
}

export interface OutputPosition {
  readonly topic: string;
  readonly partition: string | number;
  readonly offset: string;
}

export interface Found {
  readonly file: string;
  readonly record: OutputRecord;
}

const IDENTITY = /^(.+?)-(.+)@(\d+)$/;
/** An output line holds a whole record and its signals, whatever the limit of the input was. */
const MAX_LINE_BYTES = 2 ** 30;

/** Records whose id, URL or position is `wanted`, at most `limit`. The control sample holds copies and is left out. */
export async function findRecords(output: string, wanted: string, limit: number): Promise<Found[]> {
  const positions = parseIdentity(wanted);
  const needles = [`"id":${JSON.stringify(wanted)}`, `"url":${JSON.stringify(wanted)}`];
  // A position is an object in JSON lines and a text in Parquet.
  for (const json of positions.map(positionJson)) needles.push(json, JSON.stringify(json).slice(1, -1));
  const bytes = needles.map((needle) => Buffer.from(needle));
  const found: Found[] = [];
  for (const file of outputFiles(output)) {
    if (path.basename(file).startsWith('control.')) continue;
    for await (const line of outputLines(file)) {
      if (!bytes.some((needle) => line.includes(needle))) continue;
      const record = parseRecord(line);
      if (record && matches(record, wanted, positions)) found.push({ file, record });
      if (found.length === limit) return found;
    }
  }
  return found;
}

/**
 * The output files of a run. Where JSON lines are turned into another format at the end (`output.format`), those under way lie in the state;
 * the default one is looked at.
 */
export function outputFiles(output: string, state: string = path.join(output, '.riffle')): string[] {
  const inside = (folder: string) => outputNames(folder).map((name) => path.join(folder, name));
  const lines = inside(path.join(state, 'outputs'));
  const unfinished = lines.some((file) => file.endsWith('.partial'));
  return unfinished ? lines : inside(output);
}

/** The records of an output file, each as the bytes of one JSON object; the line that a running job is writing is left out. */
export async function* outputLines(file: string): AsyncGenerator<Buffer> {
  const limits = { maxRecordBytes: MAX_LINE_BYTES };
  for await (const { records } of openSource({ path: file, sizeBytes: statSync(file).size }, { limits })) {
    for (const { error, bytes } of records)
      if (!error) yield Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
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

/** An output record, whatever the format of its file; undefined for a line that is not whole. */
export function parseRecord(line: Buffer): OutputRecord | undefined {
  try {
    const record = JSON.parse(line.toString()) as Record<string, unknown>;
    return (typeof record.position === 'string' ? fromColumns(record) : record) as unknown as OutputRecord;
  } catch {
    return undefined;
  }
}

/** A Parquet row back in its shape: `decision.*` and `error.*` as objects, JSON texts parsed, members that were absent left out. */
function fromColumns(row: Record<string, unknown>): Record<string, unknown> {
  const record: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(row)) {
    const [family, member] = name.split('.', 2);
    if (family !== undefined && member !== undefined) {
      const nested = (record[family] ??= {}) as Record<string, unknown>;
      nested[member] = name === 'decision.value' || name === 'decision.limit' ? numberOrText(value) : value;
    } else if (value !== null) {
      record[name] =
        (name === 'position' || name === 'headers') && typeof value === 'string' ? JSON.parse(value) : value;
    }
  }
  return record;
}

function numberOrText(value: unknown): unknown {
  return typeof value === 'string' && String(Number(value)) === value ? Number(value) : value;
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
