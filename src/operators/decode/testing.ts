import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { openSource, type SourceOptions } from './source.ts';
import type { InputFile, RawRecord } from './types.ts';

/** A file in a folder of its own that goes away with the test. */
export function tempFile(t: TestContext, name: string, content: string | Uint8Array): InputFile {
  const folder = mkdtempSync(path.join(tmpdir(), 'riffle-decode-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, name);
  writeFileSync(file, content);
  return inputFile(file);
}

export function inputFile(file: string): InputFile {
  return { path: file, sizeBytes: statSync(file).size };
}

/** Every record of a file. Checks what holds for any input: offsets strictly increase and batches cover the file without a gap. */
export async function readAll(file: InputFile, options: SourceOptions = {}): Promise<RawRecord[]> {
  const records: RawRecord[] = [];
  let to = options.from ?? 0n;
  let offset = to - 1n;
  for await (const batch of openSource(file, options)) {
    if (batch.from !== to) throw new Error(`batch begins at ${batch.from}, the one before ended at ${to}`);
    if (batch.to <= batch.from) throw new Error(`batch from ${batch.from} to ${batch.to} makes no progress`);
    for (const record of batch.records) {
      if (record.offset <= offset) throw new Error(`offset ${record.offset} behind ${offset}`);
      if (record.offset < batch.from || record.next > batch.to || record.next <= record.offset) {
        throw new Error(`record ${record.offset} to ${record.next} in batch ${batch.from} to ${batch.to}`);
      }
      offset = record.offset;
      records.push(record);
    }
    to = batch.to;
  }
  return records;
}
