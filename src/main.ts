/** The only reader of the command line and the environment. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { addCheck } from './cli/check.ts';
import { addDescribe } from './cli/describe.ts';
import { addDlq } from './cli/dlq.ts';
import { addExplain } from './cli/explain.ts';
import { addRun } from './cli/run.ts';
import type { Terminal } from './cli/terminal.ts';
import { ConfigError, RiffleError } from './errors.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** Runs one command and sets the exit status: 0 done, 1 failed, 2 wrong settings, 130 or 143 stopped by a signal. */
export async function main(): Promise<void> {
  const inNpm = process.env.npm_lifecycle_event !== undefined;
  const terminal: Terminal = {
    version,
    riffle: inNpm ? 'npm run --silent riffle --' : 'riffle',
    interactive: process.stderr.isTTY === true && process.env.CI === undefined,
    exit: (status) => {
      process.exitCode = status;
    },
  };
  const program = new Command('riffle')
    .description('Curates an endless stream of documents, with a reason and a number behind every decision.')
    .version(version)
    .showHelpAfterError('(riffle --help lists the commands)')
    .exitOverride()
    .configureOutput({ writeErr: (text) => process.stderr.write(text) });
  for (const add of [addRun, addDescribe, addCheck, addExplain, addDlq]) add(program, terminal);
  program.addHelpText(
    'after',
    `
Examples:
  riffle run web-crawl --input crawl.warc.gz --output out
  riffle run dedup --input docs.jsonl --output out --set policy.dedup.similarity=0.8
  riffle explain https://example.org/page --output out
  riffle describe web-crawl`,
  );
  try {
    await program.parseAsync();
  } catch (error) {
    process.exitCode = report(error);
  }
}

function report(error: unknown): number {
  // Commander has printed its own message, or help or the version.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof ConfigError) {
    process.stderr.write(`${error.message}\n`);
    return 2;
  }
  const text =
    error instanceof RiffleError
      ? error.message
      : error instanceof Error
        ? (error.stack ?? error.message)
        : String(error);
  process.stderr.write(`${text}\n`);
  return 1;
}
