import type { DecodedDocument } from './types.ts';

/**
 * The beginning of an output record: a JSON object without its closing brace, keys in the contract's order
 * (`id`, `url`, `text`, `timestamp`, `source`, `license`, `metadata`), so that `,"signals":…}` can follow.
 * `id` is the record's identity and `text` the extracted text, where the document has none of its own.
 */
export function headJson(document: DecodedDocument, id: string, text: string | undefined = document.text): string {
  let head = `{"id":${JSON.stringify(document.id ?? id)}`;
  if (document.url !== undefined) head += `,"url":${JSON.stringify(document.url)}`;
  if (text !== undefined) head += `,"text":${JSON.stringify(text)}`;
  if (document.timestamp !== undefined) head += `,"timestamp":${JSON.stringify(document.timestamp)}`;
  if (document.source !== undefined) head += `,"source":${JSON.stringify(document.source)}`;
  if (document.license !== undefined) head += `,"license":${JSON.stringify(document.license)}`;
  if (document.metadataJson !== undefined) head += `,"metadata":${document.metadataJson}`;
  return head;
}
