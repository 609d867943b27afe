/** Converts output files one after another, beside the main thread, and says of each when it is complete. */
import { parentPort, workerData } from 'node:worker_threads';
import { deadLetterColumns, recordColumns } from './export-columns.ts';
import { writeParquet, writeZstd } from './export-files.ts';

export interface Conversion {
  readonly source: string;
  readonly target: string;
  readonly format: 'jsonl.zst' | 'parquet';
  readonly deadLetters: boolean;
}

for (const conversion of workerData as readonly Conversion[]) {
  const { source, target, format, deadLetters } = conversion;
  if (format === 'parquet') writeParquet(source, target, deadLetters ? deadLetterColumns : recordColumns);
  else await writeZstd(source, target);
  parentPort!.postMessage(conversion);
}
