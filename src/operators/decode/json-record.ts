import { isUtf8 } from 'node:buffer';
import { type JsonObjectScan, scanObject } from './json-scan.ts';
import { decodeError } from './reasons.ts';
import { spliceOf } from './splice.ts';
import type { DecodedDocument } from './types.ts';

/** Keys of a raw record that have a place of their own; all others travel in `metadata`. */
const stringKeys = ['id', 'url', 'text', 'html', 'timestamp', 'source', 'license'] as const;
type StringKey = (typeof stringKeys)[number];
const stringKeySet: ReadonlySet<string> = new Set(stringKeys);
const isStringKey = (key: string): key is StringKey => stringKeySet.has(key);
const isOwn = (key: string): boolean => key === 'metadata' || isStringKey(key);
/** Keys that Riffle writes itself: its own output fed back has them. */
const isReserved = (key: string): boolean => /^(?:signals|decision|position)(?:\.|$)/.test(key);

type JsonObject = Record<string, unknown>;

/**
 * A JSON document: `{id?, url?, text? | html?, timestamp?, source?, license?, metadata?}`, with Dolma's and datatrove's extra keys
 * carried in `metadata` as they were written. An integer `id` counts as its digits; `null` counts as absent.
 * Throws RecordError for bytes that are not UTF-8 or not JSON, for wrong types, and where there is no text.
 */
export function decodeJson(bytes: Uint8Array): DecodedDocument {
  if (!isUtf8(bytes)) {
    throw decodeError('decode.invalidUtf8', 'JSON record; its bytes are not UTF-8; convert the input');
  }
  const bom = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const json = buffer.toString('utf8', bom);
  const parsed = parseObject(json);

  const { document, extra, plain } = takeKeys(json, parsed);
  requireText(document);
  const splice = plain && bom === 0 && document.text !== undefined ? spliceOf(buffer) : undefined;
  if (splice !== undefined) return { ...document, splice };
  if (extra) return { ...document, metadataJson: mergedMetadata(json, parsed) };
  if (!isObject(parsed.metadata)) return document;
  return { ...document, metadataJson: oneLine(rawValue(json, scanObject(json), 'metadata')) };
}

/** The contract's own keys. `extra`: there are others. `plain`: each has its exact type and belongs into an output record. */
function takeKeys(json: string, parsed: JsonObject) {
  const document: Partial<Record<StringKey, string>> = {};
  let plain = true;
  let extra = false;
  for (const key in parsed) {
    const value = parsed[key];
    if (isStringKey(key)) {
      if (typeof value === 'string') {
        document[key] = value;
        if (key === 'html') plain = false;
        continue;
      }
      plain = false;
      if (key === 'id' && typeof value === 'number') document.id = rawValue(json, scanObject(json), 'id');
      else if (value !== null) throw wrongType(key, value, 'a string');
    } else if (key === 'metadata') {
      if (value === null) plain = false;
      else if (!isObject(value)) throw wrongType(key, value, 'an object');
    } else {
      extra = true;
    }
  }
  return { document, extra, plain };
}

/** Leaves one of `text` and `html`: the text where there is one, as in the sets that carry their page along. */
function requireText(document: { text?: string; html?: string }): void {
  if (document.text !== undefined && isBlank(document.text)) delete document.text;
  else if (document.text !== undefined) delete document.html;
  if (document.text !== undefined || (document.html !== undefined && !isBlank(document.html))) return;
  const actual = 'neither "text" nor "html" has anything in it';
  throw decodeError('decode.noText', `JSON record; ${actual}; name the text column "text"`);
}

function isBlank(text: string): boolean {
  return text.trim() === '';
}

function parseObject(json: string): JsonObject {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message.slice(0, 200) : 'unknown';
    throw decodeError(
      'decode.badJson',
      `JSON record; ${message}; check that each line or element is a whole document`,
      cause,
    );
  }
  if (!isObject(parsed)) {
    throw decodeError(
      'decode.notObject',
      `JSON record; ${typeName(parsed)}; a document is an object with "text" or "html"`,
    );
  }
  return parsed;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function typeName(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${typeof value}`;
}

function wrongType(key: string, value: unknown, wanted: string) {
  return decodeError('decode.wrongType', `JSON record, key "${key}"; ${typeName(value)}; it must be ${wanted}`);
}

function rawValue(json: string, scan: JsonObjectScan, key: string): string {
  const member = scan.members.findLast((m) => m.key === key)!;
  return json.slice(member.start, member.end);
}

/**
 * The text of the output's `metadata`: the record's own members, then its unknown keys, then `riffle` with what came out of Riffle before
 * (`signals`, `decision`, `position`, an earlier `metadata.riffle`) and unknown keys whose name `metadata` has already.
 */
function mergedMetadata(json: string, parsed: JsonObject): string {
  const scan = scanObject(json);
  const members = new Map<string, string>();
  const riffle = new Map<string, string>();
  if (isObject(parsed.metadata)) {
    const own = rawValue(json, scan, 'metadata');
    for (const { key, start, end } of scanObject(own).members) members.set(key, own.slice(start, end));
    const earlier = members.get('riffle');
    if (earlier !== undefined && Object.keys(parsed).some((key) => isReserved(key))) {
      members.delete('riffle');
      riffle.set('riffle', earlier);
    }
  }
  const taken = new Set(members.keys());
  for (const { key, start, end } of scan.members) {
    if (isOwn(key)) continue;
    const target = isReserved(key) || taken.has(key) ? riffle : members;
    target.set(key, json.slice(start, end));
  }
  if (riffle.size > 0) members.set('riffle', objectText(riffle));
  return oneLine(objectText(members));
}

function objectText(members: ReadonlyMap<string, string>): string {
  return `{${[...members].map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(',')}}`;
}

/** JSON strings cannot hold a raw line break, so each one is layout and may become a space. */
function oneLine(json: string): string {
  return /[\r\n]/.test(json) ? json.replace(/[\r\n]+\s*/g, ' ') : json;
}
