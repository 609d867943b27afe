import { openSource } from '../operators/decode/source.ts';
import type { DecodeLimits, InputFile, RawBatch } from '../operators/decode/types.ts';

/**
 * `--limit`: where reading ends in each file, so that the first `limit` records in input order are read and no others. Records that carry no
 * document do not count. Only framing is looked at; the same inputs give the same ends on every start.
 */
export async function endsAfter(
  files: readonly InputFile[],
  limit: number,
  limits: DecodeLimits,
): Promise<(bigint | undefined)[]> {
  let left = limit;
  const ends: (bigint | undefined)[] = [];
  for (const file of files) ends.push(await endOf(file));
  return ends;

  async function endOf(file: InputFile): Promise<bigint | undefined> {
    if (left === 0) return 0n;
    for await (const { records } of openSource(file, { limits })) {
      for (const { skipped, next } of records) {
        if (skipped === undefined) left--;
        if (left === 0) return next;
      }
    }
    return undefined;
  }
}

/** The part of the batches below `end`. */
export async function* until(batches: AsyncIterable<RawBatch>, end: bigint): AsyncGenerator<RawBatch> {
  for await (const batch of batches) {
    if (batch.from >= end) return;
    if (batch.to <= end) yield batch;
    else yield { ...batch, to: end, records: batch.records.filter(({ offset }) => offset < end) };
    if (batch.to >= end) return;
  }
}
