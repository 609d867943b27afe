/** Output records as rows of Parquet columns (contract: bounded output): what is nested stays JSON text, byte for byte; `decision.*` and `error.*` are columns. */
import { type JsonMember, scanObject } from '../operators/decode/json-scan.ts';

/** `json`: the member's own text. `text`: a string, or a number as it is written. `strings`: a list. */
export type ColumnType = 'string' | 'text' | 'json' | 'strings' | 'number' | 'integer' | 'boolean';

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
}

export type Cell = string | number | bigint | boolean | readonly string[] | null;

const column = (type: ColumnType, ...names: string[]): Column[] => names.map((name) => ({ name, type }));

const decisionColumns: readonly Column[] = [
  ...column('string', 'decision.outcome', 'decision.topic', 'decision.reason'),
  // Numbers of most rules, but a language or a content type of some: text fits both.
  ...column('text', 'decision.value', 'decision.limit'),
  ...column('strings', 'decision.failed'),
  ...column('string', 'decision.policy'),
  ...column('number', 'decision.probability', 'decision.draw'),
];

export const recordColumns: readonly Column[] = [
  ...column('string', 'id', 'url', 'text', 'timestamp', 'source', 'license'),
  ...column('json', 'metadata', 'signals'),
  ...decisionColumns,
  ...column('json', 'position'),
];

export const deadLetterColumns: readonly Column[] = [
  ...column('string', 'id', 'error.stage', 'error.operator', 'error.code', 'error.message'),
  ...column('json', 'position', 'headers'),
  ...column('string', 'key', 'timestamp', 'value', 'encoding'),
  ...column('integer', 'valueBytes'),
  ...column('boolean', 'truncated'),
  ...column('string', 'sha256', 'decision.outcome'),
];

/** The cells of one output line, in the order of `columns`. The line is Riffle's own: nothing in it is checked. */
export function rowOf(line: string, columns: readonly Column[]): Cell[] {
  const members = new Map<string, string>();
  for (const member of scanObject(line).members) {
    const text = valueText(line, member);
    members.set(member.key, text);
    if (member.key !== 'decision' && member.key !== 'error') continue;
    for (const inner of scanObject(text).members) members.set(`${member.key}.${inner.key}`, valueText(text, inner));
  }
  return columns.map(({ name, type }) => cellOf(members.get(name), type));
}

const valueText = (text: string, { start, end }: JsonMember) => text.slice(start, end);

function cellOf(json: string | undefined, type: ColumnType): Cell {
  if (json === undefined || json === 'null') return null;
  switch (type) {
    case 'json':
      return json;
    case 'text':
      return json.startsWith('"') ? (JSON.parse(json) as string) : json;
    case 'integer':
      return BigInt(json);
    case 'string':
    case 'strings':
    case 'number':
    case 'boolean':
      return JSON.parse(json) as Cell;
  }
}
