import type { DecodeLimits, InputFile, RawBatch } from './types.ts';

/** Not yet written: reads nothing. */
export async function* readParquet(_file: InputFile, _from: number, _limits: DecodeLimits): AsyncGenerator<RawBatch> {}
