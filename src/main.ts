/** The only reader of the command line and the environment. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { addCommands } from './cli/commands.ts';
import type { Terminal } from './cli/terminal.ts';
import { ConfigError, RiffleError } from './errors.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** The process ends by itself when nothing is left to do; this long after, in any case. */
const LEFT_BEHIND_MS = 10_000;

/** Runs one command and sets the exit status: 0 done, 1 failed, 2 wrong settings, 130 or 143 stopped by a signal. */
export async function main(): Promise<void> {
  const inNpm = process.env.npm_lifecycle_event !== undefined;
  const terminal: Terminal = {
    version,
    riffle: inNpm ? 'npm run --silent riffle --' : 'riffle',
    interactive: process.stderr.isTTY && process.env.CI === undefined,
    variable: (name) => process.env[name],
    exit: (status) => {
      process.exitCode = status;
    },
  };
  // A reader that has seen enough (`| head`) is no error.
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  const program = new Command('riffle')
    .description('Curates an endless stream of documents, with a reason and a number behind every decision.')
    .version(version)
    .showHelpAfterError('(riffle --help lists the commands)')
    .exitOverride()
    .configureOutput({ writeErr: (text) => process.stderr.write(text) });
  addCommands(program, terminal);
  program.addHelpText(
    'after',
    `
Examples:
  ${terminal.riffle} run web-crawl --input crawl.warc.gz --output out
  ${terminal.riffle} explain https://example.org/page --output out
  ${terminal.riffle} describe web-crawl

${terminal.riffle} <command> --help has more of them.`,
  );
  try {
    await program.parseAsync();
  } catch (error) {
    process.exitCode = report(error);
  }
  // A connection that was left behind must not keep the exit status to itself.
  setTimeout(() => process.exit(), LEFT_BEHIND_MS).unref();
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
