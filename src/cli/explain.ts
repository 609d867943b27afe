import path from 'node:path';
import { styleText } from 'node:util';
import { RiffleError } from '../errors.ts';
import { identityOf } from '../model/record.ts';
import { findRecords, type Found, type OutputRecord, retryOf, type RunPlace } from './find-records.ts';
import { printableAll } from './printable.ts';
import { sideBySide, wrapped } from './side-by-side.ts';

interface ExplainOptions {
  readonly output: string;
  readonly state?: string;
  readonly json?: boolean;
  readonly rows: number;
}

/** Equal ids are separate records; no more than this many are shown. */
const MOST = 5;

/** `riffle explain`. @throws RiffleError `not-found`. */
export async function explainCommand(wanted: string, options: ExplainOptions): Promise<void> {
  const place = {
    output: path.resolve(options.output),
    state: options.state === undefined ? undefined : path.resolve(options.state),
  };
  const found = await findRecords(place, wanted, MOST);
  if (found.length === 0)
    throw new RiffleError(
      'not-found',
      `record ${wanted}; no output under ${options.output} has it as id, URL or position; check --output, or wait until it is decided`,
    );
  const explained = await Promise.all(
    found.map(async (one) => ({ ...one, duplicate: await duplicateOf(place, one.record) })),
  );
  if (options.json) process.stdout.write(`${JSON.stringify({ records: explained })}\n`);
  else
    for (const { duplicate, ...one } of explained.map(printableAll))
      process.stdout.write(`${printRecord(one, duplicate, options.rows)}\n`);
}

interface DedupSignal {
  readonly votes: number;
  readonly bands: number;
  readonly similarity: number;
  readonly containment: number;
  readonly exact: boolean;
  readonly copies: number;
  readonly duplicateOf: OutputRecord['position'] | null;
}

async function duplicateOf(place: RunPlace, record: OutputRecord): Promise<Found | undefined> {
  const original = (record.signals?.dedup as DedupSignal | undefined)?.duplicateOf;
  if (!original) return undefined;
  const identity = identityOf({ ...original, offset: BigInt(original.offset) });
  return (await findRecords(place, identity, 1))[0];
}

function printRecord({ file, record }: Found, duplicate: Found | undefined, rows: number): string {
  const { decision, position } = record;
  const lines = ['', styleText('bold', record.url ?? record.id)];
  const row = (name: string, value: string) => lines.push(`  ${name.padEnd(14)}${value}`);
  if (record.url !== undefined) row('id', record.id);
  row('position', identityOf({ ...position, offset: BigInt(position.offset) }));
  const origin = retryOf(record);
  if (origin) row('retry of', identityOf({ ...origin, offset: BigInt(origin.offset) }));
  row('file', path.relative(process.cwd(), file));
  row(
    'outcome',
    `${styleText(decision.outcome === 'curated' ? 'green' : 'yellow', decision.outcome)}${decision.topic && decision.topic !== decision.outcome ? `, ${decision.topic}` : ''}`,
  );
  if (record.error) row('error', `${record.error.code} in ${record.error.operator}: ${record.error.message}`);
  if (decision.reason)
    row('reason', `${decision.reason}: ${styleText('bold', String(decision.value))}, limit ${String(decision.limit)}`);
  if (decision.failed && decision.failed.length > 1) row('failed too', decision.failed.slice(1).join(', '));
  if (decision.policy) row('policy', decision.policy);
  if (decision.draw !== null && decision.draw !== undefined) row('draw', `${decision.draw} (control sample)`);
  for (const [name, value] of Object.entries(record.signals ?? {})) lines.push(...printSignal(name, value));
  lines.push(...printTexts(record, duplicate, rows));
  return lines.join('\n');
}

function printSignal(name: string, value: unknown): string[] {
  const title = `  ${styleText('cyan', name)}`;
  if (typeof value !== 'object' || value === null) return [`${title}  ${String(value)}`];
  const members = Object.entries(value).map(
    ([key, inner]) => `${key} ${typeof inner === 'object' ? JSON.stringify(inner) : String(inner)}`,
  );
  return [title, ...wrapList(members)];
}

function wrapList(items: readonly string[]): string[] {
  const rows: string[] = [];
  let row = '   ';
  for (const item of items) {
    if (row.length + item.length + 2 > 110 && row.trim() !== '') {
      rows.push(row);
      row = '   ';
    }
    row += ` ${item} ·`;
  }
  rows.push(row.slice(0, -2));
  return rows;
}

function printTexts(record: OutputRecord, duplicate: Found | undefined, rows: number): string[] {
  if (record.text === undefined || rows === 0) return [];
  const width = Math.min(160, process.stdout.columns ?? 120);
  if (duplicate === undefined) return ['', ...wrapped(record.text, width - 2, rows).map((line) => `  ${line}`)];
  const { record: original } = duplicate;
  const dedup = record.signals?.dedup as DedupSignal;
  const how = dedup.exact ? 'the same text' : `similarity ${dedup.similarity}, containment ${dedup.containment}`;
  return [
    '',
    styleText('bold', `  this record │ ${original.url ?? original.id} (${original.decision.outcome}; ${how})`),
    ...sideBySide(record.text, original.text ?? '', width, rows).map((line) => `  ${line}`),
  ];
}
