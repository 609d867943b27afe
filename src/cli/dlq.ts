/** `riffle dlq`: looks at dead letters, and puts them back. */
import { styleText } from 'node:util';
import { ConfigError, RiffleError } from '../errors.ts';
import { identityOf } from '../model/record.ts';
import { type DeadLetter, identityOfLetter, originOf } from './dead-letters.ts';
import { filesPlace } from './dlq-files.ts';
import type { Chosen, DeadLetterPlace, RetryReport } from './dlq-place.ts';
import type { ConfigOptions } from './load-topology.ts';
import { printDeadLetter } from './print-dead-letter.ts';
import { printable } from './printable.ts';
import type { Terminal } from './terminal.ts';

interface PlaceOptions extends ConfigOptions {
  readonly output?: string;
  readonly state?: string;
  readonly topology?: string;
}

interface SelectOptions extends PlaceOptions {
  readonly code?: string;
  readonly all?: boolean;
  readonly json?: boolean;
}

/** Examples of each code, and dead letters that `show` prints for one id. */
const EXAMPLES = 3;
const MOST = 5;

/** `riffle dlq list`. */
export async function listCommand(options: SelectOptions, terminal: Terminal): Promise<void> {
  await withPlace(options, terminal, async (place) => {
    const report = await listDeadLetters(place, options.code);
    process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : printList(report, place, terminal.riffle));
  });
}

/** `riffle dlq show`. @throws RiffleError `not-found`. */
export async function showCommand(wanted: string, options: SelectOptions, terminal: Terminal): Promise<void> {
  await withPlace(options, terminal, async (place) => {
    const shown: DeadLetter[] = [];
    for await (const letter of select(place, { ...options, wanted: [wanted] })) if (shown.push(letter) === MOST) break;
    if (shown.length === 0) throw notFound(wanted, place);
    if (options.json) process.stdout.write(`${JSON.stringify({ deadLetters: shown })}\n`);
    else process.stdout.write(`${shown.map(printDeadLetter).join('\n')}\n`);
  });
}

/** `riffle dlq retry`. Exit status 1 when one of those that were asked for cannot be put back. */
export async function retryCommand(
  wanted: readonly string[],
  options: SelectOptions,
  terminal: Terminal,
): Promise<void> {
  await withPlace(options, terminal, async (place) => {
    const report = await retryDeadLetters(wanted, options, place);
    process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : printRetry(report, place));
    if (report.refused !== undefined && report.refused.length > 0) terminal.exit(1);
  });
}

async function withPlace(
  options: PlaceOptions,
  terminal: Terminal,
  work: (place: DeadLetterPlace) => Promise<void>,
): Promise<void> {
  const place = await openPlace(options, terminal);
  try {
    await work(place);
  } finally {
    await place.close();
  }
}

/** @throws ConfigError where the options do not say where dead letters lie. */
async function openPlace(options: PlaceOptions, terminal: Terminal): Promise<DeadLetterPlace> {
  const { topology, output, state } = options;
  if (topology === undefined) {
    if (options.config !== undefined || options.set.length > 0)
      throw new ConfigError(
        'dlq-place',
        'dlq; --config and --set say where topics lie, and no --topology is given; add it, or name the --output of a run over files',
      );
    return filesPlace(output ?? 'riffle-out', state);
  }
  if (output !== undefined || state !== undefined)
    throw new ConfigError(
      'dlq-place',
      'dlq; both --topology and a folder are given; name the folder for a run over files, --topology for a stream',
    );
  // Loaded here, so that files cost nobody the topics.
  const { topicPlace } = await import('./dlq-topic.ts');
  return topicPlace(topology, options, terminal);
}

interface Selection {
  readonly code?: string;
  readonly wanted: readonly string[];
}

/** Dead letters by identity, id or the identity of the record that they are a retry of; all when nothing is wanted. */
async function* select(place: DeadLetterPlace, { code, wanted }: Selection): AsyncGenerator<DeadLetter> {
  const names = new Set(wanted);
  for await (const letter of place.letters()) {
    if (code !== undefined && letter.error.code !== code) continue;
    if (wanted.length === 0 || namesOf(letter).some((name) => names.has(name))) yield letter;
  }
}

const namesOf = (letter: Chosen): string[] => [letter.id, identityOfLetter(letter), identity(originOf(letter))];
const identity = (position: DeadLetter['position']) => identityOf({ ...position, offset: BigInt(position.offset) });

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

async function listDeadLetters(place: DeadLetterPlace, only: string | undefined): Promise<ListReport> {
  const done = await place.putBack();
  const codes = new Map<string, CodeReport>();
  for await (const letter of place.letters()) {
    const { code, operator, message } = letter.error;
    if (only !== undefined && code !== only) continue;
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

function printList({ deadLetters, putBack: back, codes }: ListReport, place: DeadLetterPlace, riffle: string): string {
  if (deadLetters === 0) return `no dead letters in ${place.name}\n`;
  const lines = ['', styleText('bold', `${deadLetters} dead letters in ${place.name}, ${back} of them put back`), ''];
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
  const open = codes.find(({ examples }) => examples.length > 0);
  if (open) {
    lines.push('', `next       ${riffle} dlq show '${open.examples[0]}' ${place.options}`);
    lines.push(`           ${riffle} dlq retry --code ${open.code} ${place.options}`);
  }
  return `${lines.join('\n')}\n`;
}

/** @throws ConfigError when nothing is chosen; RiffleError `not-found`. */
async function retryDeadLetters(
  wanted: readonly string[],
  options: SelectOptions,
  place: DeadLetterPlace,
): Promise<RetryReport> {
  if (wanted.length === 0 && !options.all && options.code === undefined)
    throw new ConfigError('dlq-retry', 'dlq retry; no record is named; give ids, --code CODE or --all');
  const missing = new Set(wanted);
  const chosen: Chosen[] = [];
  for await (const { value: _value, ...letter } of select(place, { ...options, wanted })) {
    for (const name of namesOf(letter)) missing.delete(name);
    chosen.push(letter);
  }
  if (missing.size > 0) throw notFound([...missing].join(', '), place);
  if (chosen.length === 0) throw notFound(options.code ?? 'of any kind', place);
  return place.retry(chosen);
}

function printRetry({ putBack, already, refused = [] }: RetryReport, { afterRetry }: DeadLetterPlace): string {
  const lines = [`${putBack.length} dead letters are put back`];
  if (already.length > 0) lines.push(`${already.length} were put back before: what became of them is in the outputs`);
  for (const { letter, reason } of refused)
    lines.push(`${styleText('red', 'not')} ${printable(`${letter}; ${reason}`)}`);
  if (putBack.length > 0) afterRetry.forEach((line, i) => lines.push(`${i === 0 ? 'next' : '    '}       ${line}`));
  return `${lines.join('\n')}\n`;
}

const notFound = (wanted: string, { name }: DeadLetterPlace) =>
  new RiffleError(
    'not-found',
    `dead letter ${wanted}; there is none in ${name}; riffle dlq list shows those there are`,
  );
