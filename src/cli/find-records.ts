/** Finds output records of a finished or running job by id, URL or position, by reading the output files in whatever format they are. */
import { statSync } from 'node:fs';
import path from 'node:path';
import { openSource } from '../operators/decode/source.ts';
import { positionJson } from '../model/record.ts';
import { RETRY_PARTITION } from '../runtime/retry-list.ts';
import { outputNames, readState } from '../runtime/state.ts';

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
  readonly metadata?: { readonly riffle?: { readonly 'retry-of'?: OutputPosition } };
  /** Of dead letters. */
  readonly headers?: Readonly<Record<string, string>>;
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

const quoted = (text: string) => JSON.stringify(text).slice(1, -1);
const IDENTITY = /^(.+?)-(.+)@(\d+)$/;
/** An output line holds a whole record and its signals, whatever the limit of the input was. */
const MAX_LINE_BYTES = 2 ** 30;

/** A run's output folder, and its state where it is elsewhere. */
export interface RunPlace {
  readonly output: string;
  readonly state?: string | undefined;
}

/** Records whose id, URL or position is `wanted`, and retries of the record at that position; at most `limit`. The control sample holds copies and is left out. */
export async function findRecords({ output, state }: RunPlace, wanted: string, limit: number): Promise<Found[]> {
  const positions = parseIdentity(wanted);
  const needles = [`"id":${JSON.stringify(wanted)}`, `"url":${JSON.stringify(wanted)}`];
  // A position is an object in JSON lines, a text in headers and in Parquet, and a text in a text in both.
  for (const json of positions.map(positionJson)) needles.push(json, quoted(json), quoted(quoted(json)));
  const bytes = needles.map((needle) => Buffer.from(needle));
  const found: Found[] = [];
  for (const file of outputFiles(output, state)) {
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
  return lines.length > 0 && readState(state)?.finished === undefined ? lines : inside(output);
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

function matches(record: OutputRecord, wanted: string, readings: ReturnType<typeof parseIdentity>): boolean {
  if (record.id === wanted || record.url === wanted) return true;
  const places = [record.position, retryOf(record)];
  return readings.some((r) =>
    places.some(
      (place) =>
        r.topic === place?.topic &&
        String(r.partition) === String(place.partition) &&
        String(r.offset) === place.offset,
    ),
  );
}

/** Where the record lies that this one is a retry of (docs/reference/dead-letters.md). */
export function retryOf({ position, metadata, headers }: OutputRecord): OutputPosition | undefined {
  if (position.partition !== RETRY_PARTITION) return undefined;
  const header = headers?.['riffle.retry-of'];
  return header === undefined ? metadata?.riffle?.['retry-of'] : (JSON.parse(header) as OutputPosition);
}
