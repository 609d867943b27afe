import { closeSync, openSync, readdirSync, writeSync } from 'node:fs';
import path from 'node:path';
import { linesOf } from './dedup-corpus.ts';

/**
 * What became of each document, read from the output folder of a `dedup` run: every record is in exactly one file, so that one that is in two
 * or in none is noticed by whoever counts.
 */
export function keptIn(output: string): Map<string, { kept: boolean; reason: string }> {
  const verdicts = new Map<string, { kept: boolean; reason: string }>();
  for (const name of readdirSync(output)) {
    // The control copies are copies.
    if (!name.endsWith('.jsonl') || name === 'control.jsonl') continue;
    for (const line of linesOf(path.join(output, name))) {
      const { id, decision }: { id: string; decision: { outcome: string; reason?: string } } = JSON.parse(
        line.toString(),
      );
      if (verdicts.has(id)) throw new Error(`document ${id}; it is in ${output} twice`);
      verdicts.set(id, { kept: decision.outcome === 'curated', reason: decision.reason ?? '' });
    }
  }
  return verdicts;
}

/** The file that score_dedup.py reads: a line of {"id", "kept", "reason"} for each document. */
export function writeVerdicts(file: string, verdicts: ReadonlyMap<string, { kept: boolean; reason: string }>): void {
  const fd = openSync(file, 'w');
  try {
    let lines = '';
    for (const [id, { kept, reason }] of verdicts) {
      lines += `${JSON.stringify({ id, kept, reason })}\n`;
      if (lines.length < 1 << 20) continue;
      writeSync(fd, lines);
      lines = '';
    }
    writeSync(fd, lines);
  } finally {
    closeSync(fd);
  }
}
