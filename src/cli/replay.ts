/** `riffle replay`: what another policy would have done with the records of a run, from their stored signals. */
import { createWriteStream } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { styleText } from 'node:util';
import { ConfigError, RiffleError } from '../errors.ts';
import { type Policy, policyName } from '../pruning/policy.ts';
import { createReplay, type DecidedRecord, type Replay, type ReplayReport } from '../pruning/replay.ts';
import type { LoadedEncoder } from '../scoring/scorer-set.ts';
import { outputFiles, outputLines, parseRecord } from './find-records.ts';
import { type ConfigOptions, loadTopology } from './load-topology.ts';
import type { Terminal } from './terminal.ts';

interface ReplayOptions extends ConfigOptions {
  readonly output: string;
  readonly state?: string;
  readonly decisions?: string;
  readonly examples: number;
  readonly json?: boolean;
}

/** @throws ConfigError for a policy that asks for a score which no record has; RiffleError `no-run` where nothing was written. */
export async function replayCommand(name: string, options: ReplayOptions, terminal: Terminal): Promise<void> {
  const { policy, scorers } = await loadTopology(name, options, terminal.variable);
  const output = path.resolve(options.output);
  const files = outputFiles(output, options.state && path.resolve(options.state)).filter(
    (file) => !path.basename(file).startsWith('control.'),
  );
  if (files.length === 0)
    throw new RiffleError('no-run', `output ${options.output}; it holds no records; name the --output of a run`);
  const replay = createReplay(policy, options.examples);
  const decided = decideAll(files, replay);
  if (options.decisions === undefined) for await (const _ of decided);
  else await pipeline(Readable.from(decided), createWriteStream(path.resolve(options.decisions)));
  const report = replay.report();
  requireScores(policy, report, scorers?.encoders ?? []);
  if (options.json) process.stdout.write(`${JSON.stringify({ policy: policyName(policy), ...asJson(report) })}\n`);
  else process.stdout.write(`${printReport(policy, report)}\n`);
}

/** One line a record: where it lies, and the new decision. */
async function* decideAll(files: readonly string[], replay: Replay): AsyncGenerator<string> {
  for (const file of files) {
    for await (const line of outputLines(file)) {
      const record = parseRecord(line) as DecidedRecord | undefined;
      const decision = record && replay.add(record);
      if (decision) yield `${JSON.stringify({ position: record.position, decision })}\n`;
    }
  }
}

/** A rule about a score that was never taken would fire for nobody: that is no answer to "what if". A cascade may have had nothing to ask. */
function requireScores(
  { gates, quality }: Policy,
  { scorers }: ReplayReport,
  encoders: readonly LoadedEncoder[],
): void {
  const cascades = new Set(encoders.flatMap(({ manifest: { name, cascade } }) => (cascade ? [name] : [])));
  const missing = [...gates, ...quality].find(({ scorer }) => !scorers.has(scorer) && !cascades.has(scorer));
  if (missing !== undefined)
    throw new ConfigError(
      'replay-scorer',
      `policy; it has a rule about ${missing.scorer}, and no record of this output has that score; run with it among scoring.scorers first, or drop the rule`,
    );
}

const asJson = ({ scorers, ...report }: ReplayReport) => ({ ...report, scorers: [...scorers] });

export function printReport(policy: Policy, report: ReplayReport): string {
  const { before, records, deadLetters, unchanged, otherReason, curated, moves } = report;
  const share = (n: number) => (records === 0 ? '-' : `${((100 * n) / records).toFixed(1)} %`);
  const lines = [
    '',
    `${styleText('bold', `replay under ${policyName(policy)}`)}, decided by ${before.join(', ') || 'no policy'}`,
    '',
    `records      ${records}${deadLetters > 0 ? `, and ${deadLetters} dead letters, which no policy decides` : ''}`,
    `stay         ${unchanged}  ${share(unchanged)}${otherReason > 0 ? `, ${otherReason} of them for another reason` : ''}`,
    `curated      ${curated.before}  ${share(curated.before)}  ->  ${curated.after}  ${styleText('bold', share(curated.after))}`,
  ];
  if (moves.length === 0) return [...lines, '', 'nothing moves'].join('\n');
  const route = ({ from, to }: { from: string; to: string }) => `${from} -> ${to}`;
  const width = Math.max(...moves.map((move) => route(move).length));
  lines.push('', styleText('bold', `${'moved'.padEnd(width)}  records  by`));
  for (const move of moves) {
    const rule = move.to.startsWith('curated.') && move.rule !== 'routes' ? `${move.rule} no more` : move.rule;
    lines.push(`${route(move).padEnd(width)}  ${String(move.count).padStart(7)}  ${rule}`);
    for (const example of move.examples) lines.push(`${' '.repeat(width + 11)}${styleText('dim', example)}`);
  }
  return lines.join('\n');
}
