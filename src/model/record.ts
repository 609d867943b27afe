/** Building the JSON of output records by splicing texts together: nothing is parsed or serialised twice (contract: records). */
/** Where a raw record lies: for a file, the partition is its path and the offset the byte where the record starts. */
export interface SourcePosition {
  readonly topic: string;
  readonly partition: string | number;
  readonly offset: bigint;
}

export const identityOf = ({ topic, partition, offset }: SourcePosition): string => `${topic}-${partition}@${offset}`;

export function positionJson({ topic, partition, offset }: SourcePosition): string {
  return `{"topic":${JSON.stringify(topic)},"partition":${JSON.stringify(partition)},"offset":"${offset}"}`;
}

export interface DocumentHead {
  readonly id: string;
  readonly url?: string | undefined;
  readonly text: string;
  readonly timestamp?: string | undefined;
  readonly source?: string | undefined;
  readonly license?: string | undefined;
  /** JSON object text. */
  readonly metadataJson?: string | undefined;
}

/** The output object up to, and without, its closing brace; absent members are left out. */
export function headJson(head: DocumentHead): string {
  let json = `{"id":${JSON.stringify(head.id)}`;
  if (head.url !== undefined) json += `,"url":${JSON.stringify(head.url)}`;
  json += `,"text":${JSON.stringify(head.text)}`;
  if (head.timestamp !== undefined) json += `,"timestamp":${JSON.stringify(head.timestamp)}`;
  if (head.source !== undefined) json += `,"source":${JSON.stringify(head.source)}`;
  if (head.license !== undefined) json += `,"license":${JSON.stringify(head.license)}`;
  if (head.metadataJson !== undefined) json += `,"metadata":${head.metadataJson}`;
  return json;
}

/** Header of a message that is a dead letter put back: the position of the original, as JSON. */
export const RETRY_OF = 'riffle.retry-of';
