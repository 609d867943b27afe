/** Dead letters put back: the retry list read as a source partition whose records lie in the other partitions' files. */
import { RecordError } from '../errors.ts';
import { scanObject } from '../operators/decode/json-scan.ts';
import { openSource } from '../operators/decode/source.ts';
import type { DecodeLimits, InputFile, RawBatch, RawRecord } from '../operators/decode/types.ts';
import { type Retry, readRetryList } from '../runtime/retry-list.ts';

/** Further on than this in a file that can be read from anywhere, it is opened anew. */
const NEAR_BYTES = 4n << 20n;

/**
 * One batch for each line of the list from byte `from` on: the record that lies at its place in the source, under the offset of the line.
 * `searching` is called before each is looked up: finding a place in a compressed file takes time that is no record's fault.
 */
export async function* readRetried(
  list: InputFile,
  files: ReadonlyMap<string, InputFile>,
  from: bigint,
  limits: DecodeLimits,
  searching: () => void,
): AsyncGenerator<RawBatch> {
  const cursor = createCursor(limits);
  try {
    for (const { at, next, retry } of readRetryList(list.path, Number(from))) {
      searching();
      const file = files.get(String(retry.of.partition));
      const found = file && (await cursor.find(file, BigInt(retry.of.offset)));
      const place = { offset: BigInt(at), next: BigInt(next) };
      const record = { ...(found ?? missing(retry)), ...place };
      const records = [{ ...record, retryOf: JSON.stringify(retry.of) }];
      yield { format: undefined, from: place.offset, to: place.next, addressable: false, records };
    }
  } finally {
    await cursor.close();
  }
}

function missing({ of }: Retry): Omit<RawRecord, 'offset' | 'next'> {
  const message = `record; none begins at ${of.partition}@${of.offset} any more; restore the input`;
  return { kind: 'text', bytes: new Uint8Array(0), error: new RecordError('retry', 'retry.notFound', message) };
}

interface Open {
  readonly path: string;
  readonly batches: AsyncGenerator<RawBatch>;
  batch: RawBatch | undefined;
  index: number;
}

/** Finds records by offset. Going forward in one file is cheap, also in a compressed one: dead letters are put back in source order. */
function createCursor(limits: DecodeLimits) {
  let open: Open | undefined;

  async function close(): Promise<void> {
    await open?.batches.return(undefined);
    open = undefined;
  }

  function serves({ path, batch, index }: Open, file: InputFile, offset: bigint): boolean {
    const at = batch?.records[index]?.offset ?? batch?.to;
    if (path !== file.path || batch === undefined || at === undefined || offset < at) return false;
    return !batch.addressable || offset - at < NEAR_BYTES;
  }

  return {
    close,
    async find(file: InputFile, offset: bigint): Promise<RawRecord | undefined> {
      if (open === undefined || !serves(open, file, offset)) {
        await close();
        open = { path: file.path, batches: openSource(file, { from: offset, limits }), batch: undefined, index: 0 };
      }
      for (;;) {
        for (let record; (record = open.batch?.records[open.index]) !== undefined; open.index++)
          if (record.offset >= offset) return record.offset === offset ? record : undefined;
        const step = await open.batches.next();
        if (step.done) return undefined;
        open.batch = step.value;
        open.index = 0;
      }
    },
  };
}

/**
 * `head` is the text of an output object without its closing brace: `metadata.riffle.retry-of` is added, and all else stays as it is written.
 */
export function withRetryOf(head: string, retryOf: string): string {
  return withMember(`${head}}`, 'metadata', (metadata) =>
    withMember(metadata, 'riffle', (riffle) => withMember(riffle, 'retry-of', () => retryOf)),
  ).slice(0, -1);
}

/** The object's text with a member set from its present value (`{}` when it has none, or one that is no object). */
function withMember(object: string, key: string, set: (value: string) => string): string {
  const { members, close } = scanObject(object);
  const before = members.findLast((member) => member.key === key);
  if (before === undefined)
    return `${object.slice(0, close)}${members.length > 0 ? ',' : ''}${JSON.stringify(key)}:${set('{}')}}`;
  const value = object.slice(before.start, before.end);
  return `${object.slice(0, before.start)}${set(value.startsWith('{') ? value : '{}')}${object.slice(before.end)}`;
}
