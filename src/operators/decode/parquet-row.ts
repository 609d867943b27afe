import { isUtf8 } from 'node:buffer';

/** Columns that Parquet files, Riffle's own among them, carry as JSON text. */
const jsonColumns: ReadonlySet<string> = new Set(['metadata', 'signals']);

/**
 * A row as JSON: integers of 64 bits with all their digits, timestamps in ISO 8601, byte arrays as text where they are UTF-8 and else as base64,
 * `metadata` and `signals` unwrapped where they hold a JSON object as text.
 */
export function rowJson(columns: Record<string, unknown>): string {
  const members = Object.entries(columns).map(([name, value]) => `${JSON.stringify(name)}:${columnJson(name, value)}`);
  return `{${members.join(',')}}`;
}

function columnJson(name: string, value: unknown): string {
  if (typeof value === 'string') return jsonColumns.has(name) && isJsonObject(value) ? value : JSON.stringify(value);
  return valueJson(value);
}

function valueJson(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array)
    return JSON.stringify(Buffer.from(value).toString(isUtf8(value) ? 'utf8' : 'base64'));
  if (Array.isArray(value)) return `[${value.map(valueJson).join(',')}]`;
  if (typeof value === 'object' && value !== null && !(value instanceof Date)) {
    const members = Object.entries(value).map(([key, inner]) => `${JSON.stringify(key)}:${valueJson(inner)}`);
    return `{${members.join(',')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}

function isJsonObject(text: string): boolean {
  if (!text.trimStart().startsWith('{')) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
