import path from 'node:path';
import { styleText } from 'node:util';
import { ConfigError, RiffleError } from '../errors.ts';
import { identityOf } from '../model/record.ts';
import { lockState } from '../runtime/lock.ts';
import { appendRetries, readRetryList, type Retry, retryListFile } from '../runtime/retry-list.ts';
import { readState, writeState } from '../runtime/state.ts';
import { type DeadLetter, identityOfLetter, originOf, readDeadLetters } from './dead-letters.ts';
import { printDeadLetter } from './print-dead-letter.ts';
import { printable } from './printable.ts';
import type { Terminal } from './terminal.ts';

interface PlaceOptions {
  readonly output: string;
  readonly state?: string;
  readonly json?: boolean;
}

interface SelectOptions extends PlaceOptions {
  readonly code?: string;
  readonly all?: boolean;
}

/** Examples of each code, and dead letters that `show` prints for one id. */
const EXAMPLES = 3;
const MOST = 5;

/** `riffle dlq list`. */
export async function listCommand(options: SelectOptions, terminal: Terminal): Promise<void> {
  const report = await listDeadLetters(options);
  process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : printList(report, options, terminal.riffle));
}

/** `riffle dlq show`. @throws RiffleError `not-found`. */
export async function showCommand(wanted: string, options: SelectOptions): Promise<void> {
  const { output, state } = placeOf(options);
  const shown: DeadLetter[] = [];
  for await (const letter of select(output, state, { ...options, wanted: [wanted] }))
    if (shown.push(letter) === MOST) break;
  if (shown.length === 0) throw notFound(wanted, options.output);
  if (options.json) process.stdout.write(`${JSON.stringify({ deadLetters: shown })}\n`);
  else process.stdout.write(`${shown.map(printDeadLetter).join('\n')}\n`);
}

/** `riffle dlq retry`. */
export async function retryCommand(wanted: readonly string[], options: SelectOptions): Promise<void> {
  const report = await retryDeadLetters(wanted, options);
  process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : printRetry(report));
}

/** @throws ConfigError when there is no run. */
function placeOf(options: PlaceOptions): { output: string; state: string } {
  const output = path.resolve(options.output);
  const state = path.resolve(options.state ?? path.join(output, '.riffle'));
  if (readState(state) === undefined)
    throw new ConfigError(
      'no-run',
      `folder ${options.output}; no run has its state in ${state}; name the run's --output, and its --state if it had one`,
    );
  return { output, state };
}

interface Selection {
  readonly code?: string;
  readonly wanted: readonly string[];
}

/** Dead letters by identity, id or the identity of the record that they are a retry of; all when nothing is wanted. */
async function* select(output: string, state: string, { code, wanted }: Selection): AsyncGenerator<DeadLetter> {
  const names = new Set(wanted);
  for await (const letter of readDeadLetters(output, state)) {
    if (code !== undefined && letter.error.code !== code) continue;
    if (wanted.length === 0 || namesOf(letter).some((name) => names.has(name))) yield letter;
  }
}

const namesOf = (letter: DeadLetter): string[] => [letter.id, identityOfLetter(letter), identity(originOf(letter))];
const identity = (position: DeadLetter['position']) => identityOf({ ...position, offset: BigInt(position.offset) });
const putBack = (state: string) => new Set(readRetryList(retryListFile(state)).map(({ retry }) => retry.letter));

interface CodeReport {
  readonly code: string;
  readonly operator: string;
  count: number;
  putBack: number;
  readonly message: string;
  readonly examples: string[];
}

interface ListReport {
  readonly deadLetters: number;
  readonly putBack: number;
  readonly codes: readonly CodeReport[];
}

async function listDeadLetters(options: SelectOptions): Promise<ListReport> {
  const { output, state } = placeOf(options);
  const done = putBack(state);
  const codes = new Map<string, CodeReport>();
  for await (const letter of readDeadLetters(output, state)) {
    const { code, operator, message } = letter.error;
    if (options.code !== undefined && code !== options.code) continue;
    let report = codes.get(code);
    if (report === undefined)
      codes.set(code, (report = { code, operator, count: 0, putBack: 0, message, examples: [] }));
    const name = identityOfLetter(letter);
    report.count++;
    if (done.has(name)) report.putBack++;
    else if (report.examples.length < EXAMPLES) report.examples.push(name);
  }
  const list = [...codes.values()].sort((a, b) => b.count - a.count || (a.code < b.code ? -1 : 1));
  const sum = (of: (report: CodeReport) => number) => list.reduce((total, report) => total + of(report), 0);
  return { deadLetters: sum(({ count }) => count), putBack: sum((report) => report.putBack), codes: list };
}

function printList(
  { deadLetters, putBack: back, codes }: ListReport,
  { output, state }: PlaceOptions,
  riffle: string,
): string {
  if (deadLetters === 0) return `no dead letters in ${output}\n`;
  const lines = ['', styleText('bold', `${deadLetters} dead letters in ${output}, ${back} of them put back`), ''];
  lines.push(
    styleText('dim', `  ${'code'.padEnd(24)}${'operator'.padEnd(14)}${'count'.padStart(8)}${'put back'.padStart(10)}`),
  );
  for (const { code, operator, count, putBack: n, message, examples } of codes) {
    lines.push(
      `  ${styleText('red', code.padEnd(24))}${operator.padEnd(14)}${String(count).padStart(8)}${String(n).padStart(10)}`,
      styleText('dim', `    ${printable(message)}`),
      ...examples.map((example) => `    e.g. ${printable(example)}`),
    );
  }
  const where = `--output '${output}'${state === undefined ? '' : ` --state '${state}'`}`;
  const open = codes.find(({ examples }) => examples.length > 0);
  if (open) {
    lines.push('', `next       ${riffle} dlq show '${open.examples[0]}' ${where}`);
    lines.push(`           ${riffle} dlq retry --code ${open.code} ${where}`);
  }
  return `${lines.join('\n')}\n`;
}

interface RetryReport {
  readonly putBack: readonly string[];
  /** Asked for, but put back before: what became of them is in the outputs. */
  readonly already: readonly string[];
}

/** @throws ConfigError when nothing is chosen or the run is going on; RiffleError `not-found`. */
async function retryDeadLetters(wanted: readonly string[], options: SelectOptions): Promise<RetryReport> {
  if (wanted.length === 0 && !options.all && options.code === undefined)
    throw new ConfigError('dlq-retry', 'dlq retry; no record is named; give ids, --code CODE or --all');
  const { output, state } = placeOf(options);
  const unlock = lockState(state);
  try {
    const done = putBack(state);
    const missing = new Set(wanted);
    const fresh: Retry[] = [];
    const already: string[] = [];
    for await (const found of select(output, state, { ...options, wanted })) {
      for (const name of namesOf(found)) missing.delete(name);
      const letter = identityOfLetter(found);
      if (done.has(letter)) already.push(letter);
      else fresh.push({ of: originOf(found), letter });
    }
    if (missing.size > 0) throw notFound([...missing].join(', '), options.output);
    if (fresh.length + already.length === 0) throw notFound(options.code ?? 'of any kind', options.output);
    fresh.sort(bySource);
    if (fresh.length > 0) {
      // In this order: a run that is reopened for nothing ends again at once, one that stays finished would never read the list.
      const { finished: _finished, ...open } = readState(state)!;
      writeState(state, open);
      appendRetries(state, fresh);
    }
    return { putBack: fresh.map(({ letter }) => letter), already };
  } finally {
    unlock();
  }
}

/** In source order: a compressed file is then read once for all of them. */
function bySource({ of: a }: Retry, { of: b }: Retry): number {
  if (a.partition !== b.partition) return String(a.partition) < String(b.partition) ? -1 : 1;
  return BigInt(a.offset) < BigInt(b.offset) ? -1 : 1;
}

function printRetry({ putBack: back, already }: RetryReport): string {
  const lines = [`${back.length} dead letters are put back`];
  if (already.length > 0)
    lines.push(`${already.length} were put back before: riffle explain shows what became of them`);
  if (back.length > 0)
    lines.push(
      'next       run the same command again: it reads them again and writes their new outcomes',
      '           a limit of one record may be another one now: --set source.maxRecordBytes=…',
    );
  return `${lines.join('\n')}\n`;
}

const notFound = (wanted: string, output: string) =>
  new RiffleError(
    'not-found',
    `dead letter ${wanted}; there is none in ${output}; riffle dlq list shows those there are`,
  );
